//! A part of a store.

use std::io;
use std::sync::Arc;

use super::{Store, check_range};

/// Some bytes of another store, as a store of their own.
pub struct Slice {
    store: Arc<dyn Store>,
    start: u64,
    size: u64,
}

impl Slice {
    /// The `size` bytes from `start` on; an error where `store` has not so many.
    pub fn new(store: Arc<dyn Store>, start: u64, size: u64) -> io::Result<Self> {
        check_range(&*store, start, size)?;
        Ok(Self { store, start, size })
    }

    /// All bytes from `start` on.
    pub fn from(store: Arc<dyn Store>, start: u64) -> io::Result<Self> {
        let size = store.size().saturating_sub(start);
        Self::new(store, start, size)
    }
}

impl Store for Slice {
    fn name(&self) -> String {
        format!("{} from {}", self.store.name(), self.start)
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn alignment(&self) -> usize {
        self.store.alignment()
    }

    fn read_at(&self, offset: u64, data: &mut [u8]) -> io::Result<()> {
        check_range(self, offset, data.len() as u64)?;
        self.store.read_at(self.start + offset, data)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        check_range(self, offset, data.len() as u64)?;
        self.store.write_at(self.start + offset, data)
    }

    fn lend(
        &self,
        offset: u64,
        length: usize,
        unit: usize,
        take: &mut dyn FnMut(&[u8]),
    ) -> io::Result<usize> {
        check_range(self, offset, length as u64)?;
        self.store.lend(self.start + offset, length, unit, take)
    }

    fn lend_mut(
        &self,
        offset: u64,
        length: usize,
        unit: usize,
        take: &mut dyn FnMut(&mut [u8]),
    ) -> io::Result<usize> {
        check_range(self, offset, length as u64)?;
        self.store.lend_mut(self.start + offset, length, unit, take)
    }

    fn sync(&self) -> io::Result<()> {
        self.store.sync()
    }

    fn discard(&self, offset: u64, bytes: u64) -> io::Result<bool> {
        check_range(self, offset, bytes)?;
        self.store.discard(self.start + offset, bytes)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> io::Result<()> {
        check_range(self, offset, bytes)?;
        self.store
            .write_zeroes(self.start + offset, bytes, keep_allocated)
    }
}
