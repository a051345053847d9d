//! A workload's requests, done by as many threads as there are to be requests at a time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use sealab_volume::{Volume, VolumeError};

use crate::content::Contents;
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
    let outcome = done(workload, volume, &written)?;
    Ok((outcome, written))
}

/// As [`run`], without the account of what was written, which takes four bytes a block of the span, and without the wait of
/// writes for others of the same block.
pub fn drive(workload: &Workload, volume: &dyn Volume) -> Result<Outcome, BlocksError> {
    workload.check(volume)?;
    done(workload, volume, &Unaccounted::new(workload))
}

/// Where the content of writes comes from.
trait Source: Sync {
    /// Where a block lies.
    fn offset(&self, block: u64) -> u64;

    /// Puts content for `block` into `data` and gives it to `write`.
    fn write<E>(
        &self,
        block: u64,
        data: &mut [u8],
        write: impl FnOnce(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E>;
}

impl Source for Written {
    fn offset(&self, block: u64) -> u64 {
        self.offset(block)
    }

    fn write<E>(
        &self,
        block: u64,
        data: &mut [u8],
        write: impl FnOnce(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.write(block, data, write)
    }
}

/// Content that nobody compares: each write's is another.
struct Unaccounted {
    contents: Contents,
    start: u64,
    block_bytes: u64,
    writes: AtomicU64,
}

impl Unaccounted {
    fn new(workload: &Workload) -> Self {
        Self {
            contents: Contents::new(workload.seed, workload.block_bytes),
            start: workload.start,
            block_bytes: workload.block_bytes.into(),
            writes: AtomicU64::new(0),
        }
    }
}

impl Source for Unaccounted {
    fn offset(&self, block: u64) -> u64 {
        self.start + block * self.block_bytes
    }

    fn write<E>(
        &self,
        block: u64,
        data: &mut [u8],
        write: impl FnOnce(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let offset = self.offset(block);
        self.contents
            .fill(offset, self.writes.fetch_add(1, Ordering::Relaxed), data);
        write(offset, data)
    }
}

fn done(workload: &Workload, volume: &dyn Volume, source: &impl Source) -> Result<Outcome, BlocksError> {
    let plan = Mutex::new(Some(Plan::new(workload)));
    let start = Instant::now();
    let tallies: Vec<Result<Tally, BlocksError>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..workload.depth)
            .map(|_| {
                scope.spawn(|| {
                    let result = work(workload, volume, &plan, source);
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
    Ok(all.outcome(elapsed))
}

fn work(
    workload: &Workload,
    volume: &dyn Volume,
    plan: &Mutex<Option<Plan>>,
    source: &impl Source,
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
                let offset = source.offset(block);
                let result = timed(Kind::Read, bytes, &mut || volume.read(offset, &mut data));
                ("read", offset, bytes, result)
            }
            Some(Step::Write(block)) => {
                let result = source.write(block, &mut data, |offset, data| {
                    timed(Kind::Write, bytes, &mut || volume.write(offset, data))
                });
                ("write", source.offset(block), bytes, result)
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
