//! What an advance of a counter costs in syncs of 4 KiB: `counter_cost FOLDER ADDRESS…`, where the addresses are those of
//! counters that are there. All take turns, so that what disturbs one disturbs all.

use std::error::Error;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sealab_tpm::CounterAddress;

const ROUNDS: usize = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(
        arguments
            .next()
            .ok_or("a folder on the disk to compare with is missing")?,
    );
    let mut counters = Vec::new();
    for word in arguments {
        counters.push(word.parse::<CounterAddress>()?.open()?);
    }
    let path = folder.join("counter_cost.tmp");
    let file = File::create(&path)?;
    file.write_all_at(&[0; 4096], 0)?;
    file.sync_all()?;
    let mut syncs = Vec::new();
    let mut advances = vec![Vec::new(); counters.len()];
    for round in 0..ROUNDS {
        let block = [round as u8; 4096];
        syncs.push(timed(|| {
            file.write_all_at(&block, 0).and_then(|()| file.sync_data())
        })?);
        for (counter, times) in counters.iter().zip(&mut advances) {
            times.push(timed(|| counter.advance().map(drop))?);
        }
    }
    std::fs::remove_file(&path)?;
    let sync = median(&mut syncs);
    for (counter, times) in counters.iter().zip(&mut advances) {
        let ratio = median(times).as_secs_f64() / sync.as_secs_f64();
        println!(
            "{}: an advance takes {ratio:.2} syncs of 4 KiB (medians of {ROUNDS})",
            counter.name()
        );
    }
    Ok(())
}

fn timed(work: impl FnOnce() -> std::io::Result<()>) -> std::io::Result<Duration> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
