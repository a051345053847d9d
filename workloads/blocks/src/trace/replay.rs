//! A trace's requests, asked again.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sealab_volume::{Volume, VolumeError};

use super::{Operation, Request, Trace};
use crate::content::Contents;
use crate::error::{BlocksError, WorkloadError};
use crate::outcome::{Kind, Outcome, Tally};
use crate::workload::{MOST_BLOCK_BYTES, MOST_DEPTH};

/// How a trace is replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replay {
    /// What waits for what.
    pub order: Order,
    /// The requests at a time, 1 to 1024; each has a thread of its own. At 1, all are done one after the other.
    pub depth: usize,
    /// Chooses the content that is written, which does not compress.
    pub seed: u64,
}

/// What waits for what in a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Nothing does: requests are taken in the trace's order, as fast as possible.
    Free,
    /// A flush waits for everything above it, and everything below it waits for the flush, as a database does that has
    /// promised durability. Between flushes, requests are taken in the trace's order, as fast as possible.
    Barriers,
    /// As [`Order::Barriers`], and no request begins before its time in the trace.
    Recorded,
}

/// Asks of `volume` what `trace` asked. The first request that fails ends the replay.
pub(crate) fn replay(trace: &Trace, options: Replay, volume: &dyn Volume) -> Result<Outcome, BlocksError> {
    check(trace, options, volume)?;
    let contents = Contents::new(options.seed, MOST_BLOCK_BYTES);
    let start = Instant::now();
    let player = Player {
        requests: &trace.requests,
        options,
        start,
        place: Mutex::default(),
        moved: Condvar::new(),
    };
    let tallies: Vec<Result<Tally, BlocksError>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..options.depth)
            .map(|_| scope.spawn(|| player.play(volume, &contents)))
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

impl Trace {
    /// Asks of `volume` what was asked when the trace was recorded.
    ///
    /// The volume must be at least as big as the traced one and its blocks no longer than what requests are multiples of.
    /// Requests that overlap and have no flush between may be done in any order, as a disk may.
    pub fn replay(&self, options: Replay, volume: &dyn Volume) -> Result<Outcome, BlocksError> {
        replay(self, options, volume)
    }
}

fn check(trace: &Trace, options: Replay, volume: &dyn Volume) -> Result<(), WorkloadError> {
    if !(1..=MOST_DEPTH).contains(&options.depth) {
        return Err(WorkloadError::Depth {
            found: options.depth,
            most: MOST_DEPTH,
        });
    }
    let (size, block_size) = (volume.size(), volume.block_size());
    for (index, request) in trace.requests.iter().enumerate() {
        let Request { offset, bytes, .. } = *request;
        let whole = offset.is_multiple_of(block_size.into()) && bytes.is_multiple_of(block_size.into());
        if !whole || offset.checked_add(bytes).is_none_or(|end| end > size) {
            return Err(WorkloadError::Trace {
                number: index + 1,
                offset,
                bytes,
                block_size,
                size,
            });
        }
        if volume.read_only() && !matches!(request.operation, Operation::Read | Operation::Flush) {
            return Err(WorkloadError::ReadOnly);
        }
    }
    Ok(())
}

/// What the threads of a replay have in common.
struct Player<'a> {
    requests: &'a [Request],
    options: Replay,
    start: Instant,
    place: Mutex<Place>,
    moved: Condvar,
}

#[derive(Default)]
struct Place {
    next: usize,
    running: usize,
    flushing: bool,
    failed: bool,
}

impl Player<'_> {
    fn play(&self, volume: &dyn Volume, contents: &Contents) -> Result<Tally, BlocksError> {
        let mut tally = Tally::new();
        let mut data = Vec::new();
        while let Some((index, request)) = self.take() {
            if self.options.order == Order::Recorded {
                let due = self.start + Duration::from_micros(request.micros);
                thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            let result = perform(volume, contents, index, &request, &mut data, &mut tally);
            self.give_back(&request, result.is_err());
            result.map_err(|source| BlocksError::Volume {
                operation: name(request.operation),
                offset: request.offset,
                bytes: request.bytes,
                source,
            })?;
        }
        Ok(tally)
    }

    /// The next request, once it may begin.
    fn take(&self) -> Option<(usize, Request)> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let request = *self.requests.get(place.next)?;
            if place.failed {
                return None;
            }
            let flush = request.operation == Operation::Flush;
            let may = self.options.order == Order::Free || !(place.flushing || flush && place.running > 0);
            if may {
                let index = place.next;
                place.next += 1;
                place.running += 1;
                place.flushing = flush;
                return Some((index, request));
            }
            place = self.moved.wait(place).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give_back(&self, request: &Request, failed: bool) {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        place.running -= 1;
        place.failed |= failed;
        if request.operation == Operation::Flush {
            place.flushing = false;
        }
        if place.running == 0 || !place.flushing {
            self.moved.notify_all();
        }
    }
}

fn perform(
    volume: &dyn Volume,
    contents: &Contents,
    index: usize,
    request: &Request,
    data: &mut Vec<u8>,
    tally: &mut Tally,
) -> Result<(), VolumeError> {
    let Request { offset, bytes, .. } = *request;
    match request.operation {
        Operation::Read | Operation::Write => {
            // Requests as long as the recorded system made them, done in pieces if they are longer than any buffer.
            let mut took = Duration::ZERO;
            for start in (offset..offset + bytes).step_by(MOST_BLOCK_BYTES as usize) {
                let length = (offset + bytes - start).min(MOST_BLOCK_BYTES.into()) as usize;
                data.resize(data.len().max(length), 0);
                let data = &mut data[..length];
                if request.operation == Operation::Write {
                    contents.fill(start, index as u64, data);
                }
                let began = Instant::now();
                match request.operation {
                    Operation::Write => volume.write(start, data)?,
                    _ => volume.read(start, data)?,
                }
                took += began.elapsed();
            }
            let kind = match request.operation {
                Operation::Write => Kind::Write,
                _ => Kind::Read,
            };
            tally.add(kind, bytes, took);
        }
        Operation::Flush => {
            let began = Instant::now();
            volume.flush()?;
            tally.add(Kind::Flush, 0, began.elapsed());
        }
        Operation::Discard => {
            let began = Instant::now();
            volume.discard(offset, bytes)?;
            tally.add(Kind::Other, bytes, began.elapsed());
        }
        Operation::WriteZeroes { keep_allocated } => {
            let began = Instant::now();
            volume.write_zeroes(offset, bytes, keep_allocated)?;
            tally.add(Kind::Other, bytes, began.elapsed());
        }
    }
    Ok(())
}

fn name(operation: Operation) -> &'static str {
    match operation {
        Operation::Read => "read",
        Operation::Write => "write",
        Operation::Flush => "flush",
        Operation::Discard => "discard",
        Operation::WriteZeroes { .. } => "write-zeroes",
    }
}
