//! Runs the workload on SQLite on a volume in a file: `tpcc FORMAT FILE THREADS SCALE SECONDS [delete]`.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use sealab_tpcc::sqlite::{JournalMode, Sqlite};
use sealab_tpcc::{Backend, CountedVolume, Driver, Kind, Limit, Loading, Tpcc, check, load};
use sealab_volume::store::{Access, CountingStore, DirectFileStore, FileStore};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (format, file, numbers, mode) = match arguments.as_slice() {
        [format, file, numbers @ ..] if numbers.len() == 3 => (format, file, numbers, JournalMode::Wal),
        [format, file, numbers @ .., mode] if numbers.len() == 3 && mode == "delete" => {
            (format, file, numbers, JournalMode::Delete)
        }
        _ => return Err("give a format, a file, threads, warehouses, seconds, and perhaps `delete`".into()),
    };
    let number = |index: usize| numbers[index].parse::<u32>();
    let (threads, scale, seconds) = (number(0)?, number(1)?, number(2)?);
    let tpcc = Tpcc {
        threads,
        tables: 1,
        scale,
        loading: Loading::Full,
        seed: 1,
    };
    let interrupted = AtomicBool::new(false);
    let format = sealab_volume::format::format(format).ok_or("no such format")?;
    let bytes = format.store_bytes(tpcc.volume_bytes());
    FileStore::create(file, bytes)?;
    let store = Arc::new(CountingStore::new(Arc::new(DirectFileStore::open(
        file,
        Access::ReadWrite,
    )?)));
    let engine: Arc<dyn sealab_engine::Engine> = Arc::from((sealab_engine_aws_lc::CANDIDATE.open)()?);
    let owner = format.make(engine.clone(), store.clone(), &mut |_| Ok(()))?;
    let volume = Arc::new(CountedVolume::new(Arc::from(owner.open(engine, store.clone())?)));
    let sqlite = Sqlite::create(volume.clone(), mode, tpcc.tables)?;
    let began = Instant::now();
    load(&tpcc, &sqlite, &interrupted)?;
    println!(
        "{}; {}: loaded in {:.1} s",
        sqlite.version(),
        format.id(),
        began.elapsed().as_secs_f64()
    );
    let mut driver = Driver::new(&tpcc, &sqlite)?;
    driver.run(&sqlite, Limit::Duration(Duration::from_secs(2)), &interrupted)?;
    let (before, stored) = (volume.counts(), store.counts());
    let limit = Limit::Duration(Duration::from_secs(seconds.into()));
    let outcome = driver.run(&sqlite, limit, &interrupted)?;
    let (asked, stored) = (volume.counts() - before, store.counts() - stored);
    let transactions = outcome.all.transactions;
    println!(
        "tpcc-like, not TPC-C: {:.0} transactions/s, {:.2} s of CPU",
        outcome.per_second(),
        outcome.cpu_seconds
    );
    for kind in Kind::ALL {
        let done = outcome.of(kind);
        println!(
            "  {kind}: {}, p50 {:?}, p95 {:?}, p99 {:?}",
            done.transactions, done.latency.p50, done.latency.p95, done.latency.p99
        );
    }
    println!("  {:?}", outcome.effects);
    println!(
        "  flushes a transaction {:.2}, bytes a transaction {:.0}, written to the store {:.2}×",
        asked.flushes as f64 / transactions as f64,
        asked.written_bytes as f64 / transactions as f64,
        stored.written.bytes as f64 / asked.written_bytes as f64,
    );
    drop(driver);
    let began = Instant::now();
    let findings = check(&tpcc, &sqlite)?;
    let held = findings.iter().filter(|finding| finding.held()).count();
    println!(
        "  {held} of {} consistency conditions hold; asked in {:.1} s",
        findings.len(),
        began.elapsed().as_secs_f64()
    );
    for finding in findings.iter().filter(|finding| !finding.held()) {
        println!("  {finding}");
    }
    Ok(sqlite.close()?)
}
