//! How much memory the index of a sealed log takes, and how long the log takes to open, up to 1 TiB.
//!
//! `sealed_log_memory FILE GIB WRITES`: makes a sparse file for a volume of so many gibibytes, writes so many blocks at
//! random places, stops without closing, and opens it again.

use std::env;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use sealab_engine::Engine;
use sealab_volume::Volume;
use sealab_volume::luks::Argon2Cost;
use sealab_volume::sealed_log::{CreateOptions, OpenOptions, create, open, store_bytes};
use sealab_volume::store::{Access, FileStore};

const BLOCK: usize = 4096;

/// The most memory this process has had resident, in MiB.
fn peak() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line
        .and_then(|line| line.split_whitespace().next())
        .ok_or("no VmHWM")?;
    Ok(kibibytes.parse::<u64>()? / 1024)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().ok_or("which file?")?;
    let gibibytes: u64 = arguments.next().ok_or("how many GiB?")?.parse()?;
    let writes: u64 = arguments.next().ok_or("how many writes?")?.parse()?;
    let engine: Arc<dyn Engine> = Arc::from((sealab_engine_aws_lc::CANDIDATE.open)()?);
    let cost = Argon2Cost {
        time: 4,
        memory: 32,
        cpus: 1,
    };
    let size = store_bytes(gibibytes << 30).ok_or("too large")?;
    let store = FileStore::create(&path, size)?;
    create(&*engine, &store, b"passphrase", &CreateOptions { cost }, None)?;
    println!(
        "{gibibytes} GiB: space {:.2} %, peak before opening {} MiB",
        (size as f64 / (gibibytes << 30) as f64 - 1.0) * 100.0,
        peak()?
    );
    let log = open(
        engine.clone(),
        Arc::new(store),
        b"passphrase",
        &OpenOptions::default(),
        None,
    )?;
    let blocks = log.size() / BLOCK as u64;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let start = Instant::now();
    for number in 0..writes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        log.write(state % blocks * BLOCK as u64, &[number as u8; BLOCK])?;
        if number % 100_000 == 99_999 {
            log.flush()?;
        }
    }
    log.flush()?;
    let rate = (writes * BLOCK as u64) as f64 / start.elapsed().as_secs_f64() / (1 << 20) as f64;
    println!(
        "{writes} random writes: {rate:.0} MiB/s, peak {} MiB, {:?}",
        peak()?,
        log.statistics()
    );
    drop(log);
    let start = Instant::now();
    let store = Arc::new(FileStore::open(&path, Access::ReadWrite)?);
    let log = open(engine, store, b"passphrase", &OpenOptions::default(), None)?;
    log.read(0, &mut [0; BLOCK])?;
    println!(
        "opened in {:.3} s, peak {} MiB",
        start.elapsed().as_secs_f64(),
        peak()?
    );
    std::fs::remove_file(&path)?;
    Ok(())
}
