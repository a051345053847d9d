//! A volume that counts what a database does to it.

use std::ops::Sub;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sealab_volume::{Volume, VolumeError, check_request};

/// Passes requests on to another volume and counts them.
pub struct CountedVolume {
    volume: Arc<dyn Volume>,
    size: u64,
    read: AtomicU64,
    written: AtomicU64,
    flushes: AtomicU64,
}

/// What was asked of a volume. Subtracting an earlier reading from a later one gives what was asked in between.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct VolumeCounts {
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written, those of zeroes included.
    pub written_bytes: u64,
    /// Flushes.
    pub flushes: u64,
}

impl Sub for VolumeCounts {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            read_bytes: self.read_bytes - earlier.read_bytes,
            written_bytes: self.written_bytes - earlier.written_bytes,
            flushes: self.flushes - earlier.flushes,
        }
    }
}

impl CountedVolume {
    /// Counts what goes to `volume`.
    pub fn new(volume: Arc<dyn Volume>) -> Self {
        let size = volume.size();
        Self::first(volume, size)
    }

    /// Counts what goes to the first `size` bytes of `volume`, whole blocks of it, and hides the others: formats differ in
    /// what they leave of a store, and databases are to have equal room.
    pub fn first(volume: Arc<dyn Volume>, size: u64) -> Self {
        Self {
            size: size.min(volume.size()),
            volume,
            read: AtomicU64::new(0),
            written: AtomicU64::new(0),
            flushes: AtomicU64::new(0),
        }
    }

    /// What was asked so far, requests that failed included. Exact once no request is under way.
    pub fn counts(&self) -> VolumeCounts {
        VolumeCounts {
            read_bytes: self.read.load(Ordering::Relaxed),
            written_bytes: self.written.load(Ordering::Relaxed),
            flushes: self.flushes.load(Ordering::Relaxed),
        }
    }
}

impl Volume for CountedVolume {
    fn size(&self) -> u64 {
        self.size
    }

    fn block_size(&self) -> u32 {
        self.volume.block_size()
    }

    fn read_only(&self) -> bool {
        self.volume.read_only()
    }

    fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), VolumeError> {
        check_request(self, offset, data.len() as u64)?;
        self.read.fetch_add(data.len() as u64, Ordering::Relaxed);
        self.volume.read(offset, data)
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), VolumeError> {
        check_request(self, offset, data.len() as u64)?;
        self.written.fetch_add(data.len() as u64, Ordering::Relaxed);
        self.volume.write(offset, data)
    }

    fn flush(&self) -> Result<(), VolumeError> {
        self.flushes.fetch_add(1, Ordering::Relaxed);
        self.volume.flush()
    }

    fn discard(&self, offset: u64, bytes: u64) -> Result<(), VolumeError> {
        check_request(self, offset, bytes)?;
        self.volume.discard(offset, bytes)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> Result<(), VolumeError> {
        check_request(self, offset, bytes)?;
        self.written.fetch_add(bytes, Ordering::Relaxed);
        self.volume.write_zeroes(offset, bytes, keep_allocated)
    }
}
