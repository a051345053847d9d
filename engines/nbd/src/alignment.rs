//! Requests of any offset and length on a volume of whole blocks.

use std::ops::Range;
use std::sync::Arc;

use sealab_volume::{Volume, VolumeError};

use crate::ranges::{Ranges, Sharing};

/// How many bytes of zeroes are written at once at the edges of a range.
static ZEROES: [u8; 65536] = [0; 65536];

/// A volume that takes requests of any offset and length.
///
/// What does not begin or end with a block is read, changed and written back, while no other write through this adapter
/// touches the same blocks. All writers must go through one adapter.
pub struct AnyAlignment {
    volume: Arc<dyn Volume>,
    changing: Ranges,
}

impl AnyAlignment {
    /// Any offset and length on `volume`.
    pub fn new(volume: Arc<dyn Volume>) -> Self {
        Self {
            volume,
            changing: Ranges::default(),
        }
    }

    /// The volume beneath.
    pub fn volume(&self) -> &Arc<dyn Volume> {
        &self.volume
    }

    /// Fills `data` with the bytes from `offset` on.
    pub fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), VolumeError> {
        let blocks = self.blocks(offset, data.len() as u64)?;
        if blocks.whole {
            return self.volume.read(offset, data);
        }
        for part in blocks.parts() {
            let target = &mut data[usize_of(part.start - offset)..usize_of(part.end - offset)];
            if blocks.is_whole(&part) {
                self.volume.read(part.start, target)?;
            } else {
                let (block, at) = self.block_of(&blocks, &part)?;
                target.copy_from_slice(&block[at]);
            }
        }
        Ok(())
    }

    /// Writes `data` at `offset`.
    pub fn write(&self, offset: u64, data: &[u8]) -> Result<(), VolumeError> {
        let blocks = self.blocks(offset, data.len() as u64)?;
        let _hold = self.hold(&blocks);
        if blocks.whole {
            return self.volume.write(offset, data);
        }
        self.writable()?;
        for part in blocks.parts() {
            let source = &data[usize_of(part.start - offset)..usize_of(part.end - offset)];
            if blocks.is_whole(&part) {
                self.volume.write(part.start, source)?;
            } else {
                self.change(&blocks, &part, source)?;
            }
        }
        Ok(())
    }

    /// Makes everything durable that was written before the call.
    pub fn flush(&self) -> Result<(), VolumeError> {
        self.volume.flush()
    }

    /// Says that the blocks that lie wholly in the `bytes` bytes from `offset` on are no longer needed.
    pub fn discard(&self, offset: u64, bytes: u64) -> Result<(), VolumeError> {
        let blocks = self.blocks(offset, bytes)?;
        let _hold = self.hold(&blocks);
        match blocks.inner() {
            Some(inner) => self.volume.discard(inner.start, inner.end - inner.start),
            None => self.writable(),
        }
    }

    /// Makes `bytes` bytes from `offset` on read as zeroes; see [`Volume::write_zeroes`].
    pub fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> Result<(), VolumeError> {
        let blocks = self.blocks(offset, bytes)?;
        let _hold = self.hold(&blocks);
        if blocks.whole {
            return self.volume.write_zeroes(offset, bytes, keep_allocated);
        }
        self.writable()?;
        for part in blocks.parts() {
            let length = part.end - part.start;
            if blocks.is_whole(&part) {
                self.volume.write_zeroes(part.start, length, keep_allocated)?;
            } else {
                self.change(&blocks, &part, &ZEROES[..usize_of(length)])?;
            }
        }
        Ok(())
    }

    /// Puts `source` into the block that `part` lies in.
    fn change(&self, blocks: &Blocks, part: &Range<u64>, source: &[u8]) -> Result<(), VolumeError> {
        let (mut block, at) = self.block_of(blocks, part)?;
        block[at].copy_from_slice(source);
        self.volume.write(part.start - part.start % blocks.size, &block)
    }

    /// The block that `part` lies in, and where in the block it lies.
    fn block_of(&self, blocks: &Blocks, part: &Range<u64>) -> Result<(Vec<u8>, Range<usize>), VolumeError> {
        let mut block = vec![0; usize_of(blocks.size)];
        let start = part.start - part.start % blocks.size;
        self.volume.read(start, &mut block)?;
        Ok((block, usize_of(part.start - start)..usize_of(part.end - start)))
    }

    /// The blocks of a request that is on the volume.
    fn blocks(&self, offset: u64, bytes: u64) -> Result<Blocks, VolumeError> {
        let volume_bytes = self.volume.size();
        let end = offset.checked_add(bytes).filter(|end| *end <= volume_bytes);
        let Some(end) = end else {
            return Err(VolumeError::Range {
                offset,
                bytes,
                size: volume_bytes,
            });
        };
        let size = u64::from(self.volume.block_size());
        Ok(Blocks {
            range: offset..end,
            size,
            whole: offset.is_multiple_of(size) && end.is_multiple_of(size),
        })
    }

    /// Holds the blocks of a write: beside other whole ones, or alone if some block must be read first.
    fn hold(&self, blocks: &Blocks) -> crate::ranges::Hold<'_> {
        let sharing = if blocks.whole {
            Sharing::Shared
        } else {
            Sharing::Alone
        };
        self.changing.hold(blocks.outer(), sharing)
    }

    /// Whether a write that needs no block of the volume would be refused.
    fn writable(&self) -> Result<(), VolumeError> {
        if self.volume.read_only() {
            return Err(VolumeError::ReadOnly);
        }
        Ok(())
    }
}

/// A request's bytes and the blocks they lie in.
struct Blocks {
    range: Range<u64>,
    size: u64,
    /// Whether the request is whole blocks.
    whole: bool,
}

impl Blocks {
    /// All blocks that the request touches. The volume's size is a multiple of a block, so nothing overflows.
    fn outer(&self) -> Range<u64> {
        self.range.start - self.range.start % self.size..self.range.end.next_multiple_of(self.size)
    }

    /// The blocks that lie wholly in the request, if any do.
    fn inner(&self) -> Option<Range<u64>> {
        let inner = self.range.start.next_multiple_of(self.size)..self.range.end - self.range.end % self.size;
        (inner.start < inner.end).then_some(inner)
    }

    /// The request as up to three parts: the end of a block, whole blocks, the beginning of a block; or the middle of one.
    fn parts(&self) -> impl Iterator<Item = Range<u64>> {
        let (start, end) = (self.range.start, self.range.end);
        let parts = match self.inner() {
            Some(inner) => [start..inner.start, inner.clone(), inner.end..end],
            None => {
                // The request lies in one block, or across the border of two.
                let border = start.next_multiple_of(self.size).min(end);
                [start..border, border..end, end..end]
            }
        };
        parts.into_iter().filter(|part| part.start < part.end)
    }

    fn is_whole(&self, part: &Range<u64>) -> bool {
        part.start.is_multiple_of(self.size) && part.end.is_multiple_of(self.size)
    }
}

/// A length within a block or a request, which are in memory.
fn usize_of(bytes: u64) -> usize {
    bytes as usize
}
