//! A store that counts what is done to it: for write amplification, exactly.

use std::io;
use std::ops::Sub;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::Store;

/// Counts calls and bytes on their way to another store. Calls that fail count too: they were asked for. What is lent
/// counts as read or written; what the other store does not lend counts once it is read or written.
pub struct CountingStore {
    store: Arc<dyn Store>,
    read: Counter,
    written: Counter,
    discarded: Counter,
    zeroed: Counter,
    syncs: AtomicU64,
}

/// What was done to a store. Subtracting an earlier reading from a later one gives what was done in between.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Counts {
    /// Reads.
    pub read: Count,
    /// Writes.
    pub written: Count,
    /// Room given back.
    pub discarded: Count,
    /// Zeroes written without data.
    pub zeroed: Count,
    /// How many syncs there were.
    pub syncs: u64,
}

/// How often something was done, and to how much.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Count {
    /// How many calls there were.
    pub calls: u64,
    /// How many bytes they had together.
    pub bytes: u64,
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            read: self.read - earlier.read,
            written: self.written - earlier.written,
            discarded: self.discarded - earlier.discarded,
            zeroed: self.zeroed - earlier.zeroed,
            syncs: self.syncs - earlier.syncs,
        }
    }
}

impl Sub for Count {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            calls: self.calls - earlier.calls,
            bytes: self.bytes - earlier.bytes,
        }
    }
}

#[derive(Default)]
struct Counter {
    calls: AtomicU64,
    bytes: AtomicU64,
}

impl Counter {
    fn add(&self, bytes: u64) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What came of lending `length` bytes: where it is nothing, there will be another call.
    fn add_lent(&self, lent: &io::Result<usize>, length: usize) {
        match lent {
            Ok(0) => {}
            Ok(bytes) => self.add(*bytes as u64),
            Err(_) => self.add(length as u64),
        }
    }

    fn count(&self) -> Count {
        Count {
            calls: self.calls.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

impl CountingStore {
    /// Counts what goes to `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            read: Counter::default(),
            written: Counter::default(),
            discarded: Counter::default(),
            zeroed: Counter::default(),
            syncs: AtomicU64::new(0),
        }
    }

    /// What was done since the store was made. Exact once no call is under way.
    pub fn counts(&self) -> Counts {
        Counts {
            read: self.read.count(),
            written: self.written.count(),
            discarded: self.discarded.count(),
            zeroed: self.zeroed.count(),
            syncs: self.syncs.load(Ordering::Relaxed),
        }
    }
}

impl Store for CountingStore {
    fn name(&self) -> String {
        self.store.name()
    }

    fn size(&self) -> u64 {
        self.store.size()
    }

    fn alignment(&self) -> usize {
        self.store.alignment()
    }

    fn read_at(&self, offset: u64, data: &mut [u8]) -> io::Result<()> {
        self.read.add(data.len() as u64);
        self.store.read_at(offset, data)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.written.add(data.len() as u64);
        self.store.write_at(offset, data)
    }

    fn lend(
        &self,
        offset: u64,
        length: usize,
        unit: usize,
        take: &mut dyn FnMut(&[u8]),
    ) -> io::Result<usize> {
        let lent = self.store.lend(offset, length, unit, take);
        self.read.add_lent(&lent, length);
        lent
    }

    fn lend_mut(
        &self,
        offset: u64,
        length: usize,
        unit: usize,
        take: &mut dyn FnMut(&mut [u8]),
    ) -> io::Result<usize> {
        let lent = self.store.lend_mut(offset, length, unit, take);
        self.written.add_lent(&lent, length);
        lent
    }

    fn sync(&self) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.store.sync()
    }

    fn discard(&self, offset: u64, bytes: u64) -> io::Result<bool> {
        self.discarded.add(bytes);
        self.store.discard(offset, bytes)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> io::Result<()> {
        self.zeroed.add(bytes);
        self.store.write_zeroes(offset, bytes, keep_allocated)
    }
}
