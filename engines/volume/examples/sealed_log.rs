//! What the sealed log costs: bytes written and syncs, which are exact, and rates beside other formats, measured in turns.
//!
//! `sealed_log [MIB] [FOLDER]`: a volume of so many mebibytes (512 if not given), in memory or with O_DIRECT in a file in
//! FOLDER.

use std::env;
use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use sealab_engine::Engine;
use sealab_volume::Volume;
use sealab_volume::format::{Owner, format};
use sealab_volume::store::{Access, CountingStore, DirectFileStore, FileStore, MemoryStore, Store};

const BLOCK: usize = 4096;
const LARGE: usize = 128 << 10;
const ROUNDS: usize = 5;

type Failure = Box<dyn Error>;

struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

struct Made {
    id: &'static str,
    owner: Box<dyn Owner>,
    store: Arc<CountingStore>,
    path: Option<PathBuf>,
}

impl Drop for Made {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Made {
    fn new(
        id: &'static str,
        engine: &Arc<dyn Engine>,
        bytes: u64,
        folder: Option<&PathBuf>,
    ) -> Result<Self, Failure> {
        let format = format(id).ok_or("no such format")?;
        let size = format.store_bytes(bytes).next_multiple_of(BLOCK as u64);
        let path = folder.map(|folder| folder.join(format!("sealed-log-example-{id}")));
        let store: Arc<dyn Store> = match &path {
            None => Arc::new(MemoryStore::new(size)),
            Some(path) => {
                let _ = std::fs::remove_file(path);
                drop(FileStore::create(path, size)?);
                Arc::new(DirectFileStore::open(path, Access::ReadWrite)?)
            }
        };
        let store = Arc::new(CountingStore::new(store));
        let owner = format.make(engine.clone(), store.clone(), &mut |_| Ok(()))?;
        Ok(Self {
            id,
            owner,
            store,
            path,
        })
    }

    fn open(&self, engine: &Arc<dyn Engine>) -> Result<Box<dyn Volume>, Failure> {
        Ok(self.owner.open(engine.clone(), self.store.clone())?)
    }
}

/// Writes blocks at random places; how many bytes the store got for each byte, and how many syncs there were.
fn amplification(
    volume: &dyn Volume,
    store: &CountingStore,
    blocks: u64,
    writes: u64,
    flush_every: Option<u64>,
) -> Result<(f64, u64), Failure> {
    let mut chance = Chance(42);
    let mut data = vec![0; BLOCK];
    let before = store.counts();
    for number in 1..=writes {
        data[..8].copy_from_slice(&number.to_le_bytes());
        volume.write(chance.below(blocks) * BLOCK as u64, &data)?;
        if flush_every.is_some_and(|every| number % every == 0) {
            volume.flush()?;
        }
    }
    volume.flush()?;
    let counts = store.counts() - before;
    Ok((
        counts.written.bytes as f64 / (writes * BLOCK as u64) as f64,
        counts.syncs,
    ))
}

/// Seconds for `bytes` bytes by requests of `block` bytes.
fn time(volume: &dyn Volume, bytes: u64, block: usize, random: bool, write: bool) -> Result<f64, Failure> {
    let mut data = vec![7; block];
    let mut chance = Chance(bytes + block as u64);
    let blocks = volume.size().min(bytes) / block as u64;
    let start = Instant::now();
    for number in 0..bytes / block as u64 {
        let at = if random {
            chance.below(blocks)
        } else {
            number % blocks
        };
        if write {
            volume.write(at * block as u64, &data)?;
        } else {
            volume.read(at * block as u64, &mut data)?;
        }
    }
    black_box(&data);
    Ok(start.elapsed().as_secs_f64())
}

fn main() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let mebibytes: u64 = arguments.next().map_or(Ok(512), |text| text.parse())?;
    let folder = arguments.next().map(PathBuf::from);
    let engine: Arc<dyn Engine> = Arc::from((sealab_engine_aws_lc::CANDIDATE.open)()?);
    let bytes = mebibytes << 20;
    let blocks = bytes / BLOCK as u64;

    let log = Made::new("sealed-log", &engine, bytes, folder.as_ref())?;
    let space = log.store.size() as f64 / bytes as f64 - 1.0;
    println!("space {:.2} %", space * 100.0);
    let volume = log.open(&engine)?;
    for (name, every, writes) in [
        ("none", None, 2 * blocks),
        ("8", Some(8), blocks / 2),
        ("1", Some(1), blocks / 4),
    ] {
        let (amplification, syncs) = amplification(&*volume, &log.store, blocks, writes, every)?;
        println!(
            "random 4 KiB, flush every {name}: amplification {amplification:.3}, {syncs} syncs, {writes} writes"
        );
    }
    drop(volume);
    drop(log);

    for percent in [50, 80, 95, 100] {
        let log = Made::new("sealed-log", &engine, bytes, folder.as_ref())?;
        let volume = log.open(&engine)?;
        let full = blocks * percent / 100;
        for block in 0..full {
            volume.write(block * BLOCK as u64, &[3; BLOCK])?;
        }
        volume.flush()?;
        // The first round is not counted: a log is at first filled from its start to its end.
        amplification(&*volume, &log.store, full, blocks, None)?;
        let (none, _) = amplification(&*volume, &log.store, full, blocks, None)?;
        let (often, _) = amplification(&*volume, &log.store, full, blocks / 4, Some(64))?;
        println!(
            "{percent} % full, random 4 KiB overwrites: amplification {none:.3}, with a flush every 64 {often:.3}"
        );
    }

    let ids = ["luks2-xts", "luks2-gcm-journal", "sealed-log"];
    let made: Vec<Made> = ids
        .iter()
        .map(|id| Made::new(id, &engine, bytes, folder.as_ref()))
        .collect::<Result<_, _>>()?;
    let volumes: Vec<Box<dyn Volume>> = made
        .iter()
        .map(|made| made.open(&engine))
        .collect::<Result<_, _>>()?;
    // Half of each volume is written, and all that follows goes to this half.
    let some = bytes / 2;
    for volume in &volumes {
        time(&**volume, some, LARGE, false, true)?;
        volume.flush()?;
    }
    for (name, block, random, write) in [
        ("sequential write 128 KiB", LARGE, false, true),
        ("sequential read 128 KiB", LARGE, false, false),
        ("random write 4 KiB", BLOCK, true, true),
        ("random read 4 KiB", BLOCK, true, false),
        ("sequential read 128 KiB after that", LARGE, false, false),
    ] {
        let mut times = vec![Vec::new(); volumes.len()];
        for _ in 0..ROUNDS {
            for (volume, times) in volumes.iter().zip(&mut times) {
                times.push(time(&**volume, some, block, random, write)?);
                volume.flush()?;
            }
        }
        let median = |times: &mut Vec<f64>| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        };
        let medians: Vec<f64> = times.iter_mut().map(median).collect();
        let rates: Vec<String> = made
            .iter()
            .zip(&medians)
            .map(|(made, seconds)| {
                format!(
                    "{} {:.0} MiB/s",
                    made.id,
                    some as f64 / seconds / (1 << 20) as f64
                )
            })
            .collect();
        println!(
            "{name}: {:.2} of luks2-xts, {:.2} of luks2-gcm-journal ({})",
            medians[0] / medians[2],
            medians[1] / medians[2],
            rates.join(", ")
        );
    }
    Ok(())
}
