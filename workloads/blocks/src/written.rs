//! What a workload wrote last, block by block, and whether it is still there.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use sealab_volume::Volume;

use crate::content::Contents;
use crate::error::BlocksError;
use crate::workload::Workload;

/// Set in a block's account while a thread writes it.
const BUSY: u32 = 1 << 31;

/// How often a workload wrote each block, and with what.
pub struct Written {
    contents: Contents,
    start: u64,
    block_bytes: u32,
    generations: Vec<AtomicU32>,
}

/// A block that does not hold what was written to it last.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the byte at {at}, of the block at {offset}, is not what write {generation} put there")]
pub struct Difference {
    /// The block, in bytes of the volume.
    pub offset: u64,
    /// The first byte that differs.
    pub at: u64,
    /// How often the block was written.
    pub generation: u32,
}

impl Written {
    /// Nothing so far. The workload was checked.
    pub(crate) fn new(workload: &Workload) -> Self {
        Self {
            contents: Contents::new(workload.seed, workload.block_bytes),
            start: workload.start,
            block_bytes: workload.block_bytes,
            generations: (0..workload.blocks()).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    /// Where a block lies.
    pub(crate) fn offset(&self, block: u64) -> u64 {
        self.start + block * u64::from(self.block_bytes)
    }

    /// Puts the next content of `block` into `data` and gives it to `write`. Other writes of the same block wait until then,
    /// so that the last one is known.
    pub(crate) fn write<E>(
        &self,
        block: u64,
        data: &mut [u8],
        write: impl FnOnce(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let account = &self.generations[block as usize];
        let before = loop {
            let before = account.load(Ordering::Relaxed) & !BUSY;
            let claimed =
                account.compare_exchange_weak(before, before | BUSY, Ordering::Acquire, Ordering::Relaxed);
            if claimed.is_ok() {
                break before;
            }
            thread::yield_now();
        };
        let generation = before + 1;
        let offset = self.offset(block);
        self.contents.fill(offset, generation.into(), data);
        let result = write(offset, data);
        account.store(generation, Ordering::Release);
        result
    }

    /// How many blocks were written at all.
    pub fn blocks(&self) -> u64 {
        let written = |account: &&AtomicU32| account.load(Ordering::Relaxed) > 0;
        self.generations.iter().filter(written).count() as u64
    }

    /// Reads every block that was written and compares it with what was written last; how many that were.
    pub fn verify(&self, volume: &dyn Volume) -> Result<u64, BlocksError> {
        let mut data = vec![0; self.block_bytes as usize];
        let mut verified = 0;
        for (block, account) in self.generations.iter().enumerate() {
            let generation = account.load(Ordering::Relaxed);
            if generation == 0 {
                continue;
            }
            let offset = self.offset(block as u64);
            volume
                .read(offset, &mut data)
                .map_err(|source| BlocksError::Volume {
                    operation: "read",
                    offset,
                    bytes: self.block_bytes.into(),
                    source,
                })?;
            if let Some(at) = self.contents.difference(offset, generation.into(), &data) {
                return Err(BlocksError::Content(Difference {
                    offset,
                    at: offset + at as u64,
                    generation,
                }));
            }
            verified += 1;
        }
        Ok(verified)
    }
}
