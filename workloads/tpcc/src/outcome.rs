//! What a run did, and how long it took.

use std::ops::AddAssign;
use std::time::Duration;

use sealab_blocks::{Latency, Times};

use crate::transaction::Kind;

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// From the first transaction's beginning to the last one's end.
    pub elapsed: Duration,
    /// The transactions of each kind that were committed, in the order of [`Kind::ALL`].
    pub kinds: [Done; 5],
    /// All that were committed. Those that were rolled back as the standard asks are counted apart.
    pub all: Done,
    /// What they did.
    pub effects: Effects,
    /// CPU time of the process, and of the database's processes if they are others, in seconds.
    pub cpu_seconds: f64,
}

/// Transactions of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Done {
    /// How many were committed.
    pub transactions: u64,
    /// How long each took, from its beginning to the end of its commit, attempts that lost included.
    pub latency: Latency,
}

/// What transactions did, counted once they had ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Effects {
    /// New orders that were rolled back for an item that there is not.
    pub rollbacks: u64,
    /// Lines of orders.
    pub lines: u64,
    /// Those supplied by another warehouse.
    pub remote_lines: u64,
    /// Payments.
    pub payments: u64,
    /// Those of another warehouse's customer.
    pub remote_payments: u64,
    /// Orders delivered.
    pub deliveries: u64,
    /// Districts that had no order to deliver.
    pub skipped_deliveries: u64,
    /// Attempts that lost against another transaction and were made again.
    pub retries: u64,
}

impl AddAssign for Effects {
    fn add_assign(&mut self, other: Self) {
        self.rollbacks += other.rollbacks;
        self.lines += other.lines;
        self.remote_lines += other.remote_lines;
        self.payments += other.payments;
        self.remote_payments += other.remote_payments;
        self.deliveries += other.deliveries;
        self.skipped_deliveries += other.skipped_deliveries;
        self.retries += other.retries;
    }
}

impl Outcome {
    /// The transactions of one kind.
    pub fn of(&self, kind: Kind) -> Done {
        self.kinds[kind as usize]
    }

    /// Committed transactions a second.
    pub fn per_second(&self) -> f64 {
        self.all.transactions as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// Collects what one thread does.
pub(crate) struct Tally {
    kinds: [(u64, Times); 5],
    pub(crate) effects: Effects,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            kinds: std::array::from_fn(|_| (0, Times::new())),
            effects: Effects::default(),
        }
    }

    pub(crate) fn add(&mut self, kind: Kind, took: Duration) {
        let (transactions, times) = &mut self.kinds[kind as usize];
        *transactions += 1;
        times.add(took);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for ((transactions, times), other) in self.kinds.iter_mut().zip(&other.kinds) {
            *transactions += other.0;
            times.merge(&other.1);
        }
        self.effects += other.effects;
    }

    pub(crate) fn outcome(&self, elapsed: Duration, cpu_seconds: f64) -> Outcome {
        let mut all = (0, Times::new());
        for (transactions, times) in &self.kinds {
            all.0 += transactions;
            all.1.merge(times);
        }
        let done = |(transactions, times): &(u64, Times)| Done {
            transactions: *transactions,
            latency: times.latency(),
        };
        Outcome {
            elapsed,
            kinds: std::array::from_fn(|kind| done(&self.kinds[kind])),
            all: done(&all),
            effects: self.effects,
            cpu_seconds,
        }
    }
}
