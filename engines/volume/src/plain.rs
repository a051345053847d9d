//! A volume without any protection, the baseline.

use std::sync::Arc;

use crate::store::Store;
use crate::stripes::Stripes;
use crate::{Volume, VolumeError, check_request};

/// The bytes of a store as they are.
pub struct Plain {
    store: Arc<dyn Store>,
    block_size: u32,
    size: u64,
    read_only: bool,
    stripes: Stripes,
}

impl Plain {
    /// All whole blocks of `store`. A block is a power of two of 512 to 65,536 bytes, or the error is
    /// [`VolumeError::Alignment`].
    pub fn new(store: Arc<dyn Store>, block_size: u32, read_only: bool) -> Result<Self, VolumeError> {
        if !block_size.is_power_of_two() || !(512..=65536).contains(&block_size) {
            return Err(VolumeError::Alignment {
                offset: 0,
                bytes: store.size(),
                block_size,
            });
        }
        let size = store.size() / u64::from(block_size) * u64::from(block_size);
        Ok(Self {
            store,
            block_size,
            size,
            read_only,
            stripes: Stripes::new(),
        })
    }

    fn check_write(&self, offset: u64, bytes: u64) -> Result<(), VolumeError> {
        if self.read_only {
            return Err(VolumeError::ReadOnly);
        }
        check_request(self, offset, bytes)
    }

    fn error(&self, action: &str, offset: u64, bytes: u64, error: std::io::Error) -> VolumeError {
        let place = format!("{}: {action} {bytes} bytes at {offset}", self.store.name());
        VolumeError::store(place, offset, bytes, error)
    }
}

impl Volume for Plain {
    fn size(&self) -> u64 {
        self.size
    }

    fn block_size(&self) -> u32 {
        self.block_size
    }

    fn read_only(&self) -> bool {
        self.read_only
    }

    fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), VolumeError> {
        check_request(self, offset, data.len() as u64)?;
        for (at, part) in Stripes::parts(offset, data.len()) {
            let part = &mut data[part];
            let _shared = self.stripes.read(at);
            let done = self.store.read_at(at, part);
            done.map_err(|error| self.error("reading", at, part.len() as u64, error))?;
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), VolumeError> {
        self.check_write(offset, data.len() as u64)?;
        for (at, part) in Stripes::parts(offset, data.len()) {
            let part = &data[part];
            let _alone = self.stripes.write(at);
            let done = self.store.write_at(at, part);
            done.map_err(|error| self.error("writing", at, part.len() as u64, error))?;
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), VolumeError> {
        let done = self.store.sync();
        done.map_err(|error| VolumeError::store(format!("{}: syncing", self.store.name()), 0, 0, error))
    }

    fn discard(&self, offset: u64, bytes: u64) -> Result<(), VolumeError> {
        self.check_write(offset, bytes)?;
        let done = self.store.discard(offset, bytes);
        done.map(|_| ())
            .map_err(|error| self.error("discarding", offset, bytes, error))
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> Result<(), VolumeError> {
        self.check_write(offset, bytes)?;
        let done = self.store.write_zeroes(offset, bytes, keep_allocated);
        done.map_err(|error| self.error("zeroing", offset, bytes, error))
    }
}
