//! A workload's requests, done by as many threads as there are to be requests at a time.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use sealab_volume::{Volume, VolumeError};

use crate::error::BlocksError;
use crate::outcome::{Kind, Outcome, Tally};
use crate::plan::{Plan, Step};
use crate::workload::Workload;
use crate::written::Written;

/// Runs `workload` on `volume`; the second part of the result knows what the volume must hold afterwards.
///
/// The first request that fails ends the run. Latencies are those of the volume's calls alone; the elapsed time includes
/// what it takes to make contents, a copy each.
pub fn run(workload: &Workload, volume: &dyn Volume) -> Result<(Outcome, Written), BlocksError> {
    workload.check(volume)?;
    let written = Written::new(workload);
    let plan = Mutex::new(Some(Plan::new(workload)));
    let start = Instant::now();
    let tallies: Vec<Result<Tally, BlocksError>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..workload.depth)
            .map(|_| {
                scope.spawn(|| {
                    let result = work(workload, volume, &plan, &written);
                    if result.is_err() {
                        // The others have nothing more to do.
                        *plan.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    }
                    result
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    let elapsed = start.elapsed();
    let mut all = Tally::new();
    for tally in tallies {
        all.merge(&tally?);
    }
    Ok((all.outcome(elapsed), written))
}

fn work(
    workload: &Workload,
    volume: &dyn Volume,
    plan: &Mutex<Option<Plan>>,
    written: &Written,
) -> Result<Tally, BlocksError> {
    let bytes = u64::from(workload.block_bytes);
    let mut data = vec![0; workload.block_bytes as usize];
    let mut tally = Tally::new();
    loop {
        let step = {
            let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
            plan.as_mut().and_then(Iterator::next)
        };
        let mut timed = |kind, bytes, call: &mut dyn FnMut() -> Result<(), VolumeError>| {
            let start = Instant::now();
            call()?;
            tally.add(kind, bytes, start.elapsed());
            Ok(())
        };
        let (operation, offset, bytes, result) = match step {
            None => return Ok(tally),
            Some(Step::Read(block)) => {
                let offset = written.offset(block);
                let result = timed(Kind::Read, bytes, &mut || volume.read(offset, &mut data));
                ("read", offset, bytes, result)
            }
            Some(Step::Write(block)) => {
                let result = written.write(block, &mut data, |offset, data| {
                    timed(Kind::Write, bytes, &mut || volume.write(offset, data))
                });
                ("write", written.offset(block), bytes, result)
            }
            Some(Step::Flush) => ("flush", 0, 0, timed(Kind::Flush, 0, &mut || volume.flush())),
        };
        result.map_err(|source| BlocksError::Volume {
            operation,
            offset,
            bytes,
            source,
        })?;
    }
}
