//! What a workload or a replay did, and how long it took.

use std::time::Duration;

use crate::latency::{Latency, Times};

/// What a workload or a replay did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// From the first request's beginning to the last one's end.
    pub elapsed: Duration,
    /// The reads.
    pub reads: Done,
    /// The writes.
    pub writes: Done,
    /// The flushes; they have no bytes.
    pub flushes: Done,
    /// The discards and writes of zeroes, which only traces have.
    pub others: Done,
}

/// What was done of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// How many requests.
    pub operations: u64,
    /// Their bytes together.
    pub bytes: u64,
    /// How long each took.
    pub latency: Latency,
}

/// The kinds of request that are counted apart.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Read,
    Write,
    Flush,
    Other,
}

/// Collects what one thread does.
pub(crate) struct Tally {
    kinds: [(u64, u64, Times); 4],
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            kinds: std::array::from_fn(|_| (0, 0, Times::new())),
        }
    }

    pub(crate) fn add(&mut self, kind: Kind, bytes: u64, took: Duration) {
        let (operations, all_bytes, times) = &mut self.kinds[kind as usize];
        *operations += 1;
        *all_bytes += bytes;
        times.add(took);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for ((operations, bytes, times), other) in self.kinds.iter_mut().zip(&other.kinds) {
            *operations += other.0;
            *bytes += other.1;
            times.merge(&other.2);
        }
    }

    pub(crate) fn outcome(&self, elapsed: Duration) -> Outcome {
        let done = |kind: Kind| {
            let (operations, bytes, times) = &self.kinds[kind as usize];
            Done {
                operations: *operations,
                bytes: *bytes,
                latency: times.latency(),
            }
        };
        Outcome {
            elapsed,
            reads: done(Kind::Read),
            writes: done(Kind::Write),
            flushes: done(Kind::Flush),
            others: done(Kind::Other),
        }
    }
}
