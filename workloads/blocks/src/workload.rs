//! What a workload does, in the words of fio.

use sealab_volume::Volume;

use crate::error::WorkloadError;

/// The blocks that a workload may work on; four bytes of account each.
pub(crate) const MOST_BLOCKS: u64 = 1 << 28;
/// The longest block.
pub(crate) const MOST_BLOCK_BYTES: u32 = 4 << 20;
/// The most requests at a time; each has a thread.
pub(crate) const MOST_DEPTH: usize = 1024;

/// A workload on a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Which block comes next.
    pub pattern: Pattern,
    /// What is done with it.
    pub operation: Operation,
    /// The bytes of a request, a multiple of the volume's block size, up to 4 MiB.
    pub block_bytes: u32,
    /// The requests at a time, 1 to 1024; each has a thread of its own.
    pub depth: usize,
    /// When it ends.
    pub limit: Limit,
    /// Where the bytes begin that it works on, a multiple of [`Workload::block_bytes`].
    pub start: u64,
    /// How many bytes it works on, of which whole blocks are used; up to 2^28 blocks.
    pub span: u64,
    /// A flush comes after every so many writes; none does if this is `None`.
    pub flush_every: Option<u64>,
    /// The same seed gives the same requests with the same content.
    pub seed: u64,
}

/// Which block comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// The one after the last, and after the end the first.
    Sequential,
    /// Any, each as likely as another.
    Random,
}

/// What is done with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It is read.
    Read,
    /// It is written.
    Write,
    /// Either, by chance.
    Mixed {
        /// How many of a hundred are read.
        read_percent: u8,
    },
}

/// When a workload ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// After so many reads and writes.
    Operations(u64),
    /// After so many bytes read and written, rounded up to whole blocks.
    Bytes(u64),
}

impl Workload {
    /// Whether the workload can run on `volume`.
    pub fn check(&self, volume: &dyn Volume) -> Result<(), WorkloadError> {
        let (size, volume_block) = (volume.size(), volume.block_size());
        if self.block_bytes == 0
            || self.block_bytes > MOST_BLOCK_BYTES
            || !self.block_bytes.is_multiple_of(volume_block)
        {
            return Err(WorkloadError::BlockSize {
                found: self.block_bytes,
                volume: volume_block,
                most: MOST_BLOCK_BYTES,
            });
        }
        let on_volume = self.start.checked_add(self.span).is_some_and(|end| end <= size);
        if !on_volume
            || !self.start.is_multiple_of(self.block_bytes.into())
            || !(1..=MOST_BLOCKS).contains(&self.blocks())
        {
            return Err(WorkloadError::Span {
                start: self.start,
                bytes: self.span,
                block_bytes: self.block_bytes,
                most_blocks: MOST_BLOCKS,
                size,
            });
        }
        if !(1..=MOST_DEPTH).contains(&self.depth) {
            return Err(WorkloadError::Depth {
                found: self.depth,
                most: MOST_DEPTH,
            });
        }
        if let Operation::Mixed { read_percent } = self.operation
            && read_percent > 100
        {
            return Err(WorkloadError::ReadPercent { found: read_percent });
        }
        if self.flush_every == Some(0) {
            return Err(WorkloadError::FlushEvery);
        }
        if volume.read_only() && self.operation != Operation::Read {
            return Err(WorkloadError::ReadOnly);
        }
        Ok(())
    }

    /// The reads and writes that the workload makes.
    pub fn operations(&self) -> u64 {
        match self.limit {
            Limit::Operations(operations) => operations,
            Limit::Bytes(bytes) => bytes.div_ceil(self.block_bytes.max(1).into()),
        }
    }

    /// The whole blocks that it works on.
    pub(crate) fn blocks(&self) -> u64 {
        self.span / u64::from(self.block_bytes.max(1))
    }
}
