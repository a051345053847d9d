//! Blocks and tags at the places that the layout gives them, whatever the journal says.

use std::sync::Arc;

use super::SECTOR_BYTES;
use super::layout::Layout;
use super::tags::Tags;
use crate::VolumeError;
use crate::store::{Store, pieces};

/// A store with a layout on it.
pub(super) struct Disk {
    pub(super) store: Arc<dyn Store>,
    /// Where the layout begins, in bytes of the store.
    pub(super) start: u64,
    pub(super) layout: Layout,
    pub(super) tags: Tags,
}

impl Disk {
    /// Reads whole blocks from data sector `first` on, and their tags.
    pub(super) fn read(&self, first: u64, data: &mut [u8], tags: &mut [u8]) -> Result<(), VolumeError> {
        for (sector, blocks) in self.runs(first, data.len()) {
            let data = &mut data[self.data_range(&blocks)];
            let done = self
                .store
                .read_at(self.start + self.layout.data_offset(sector), data);
            done.map_err(|error| self.failed("reading", sector, data.len(), error))?;
            let tags = &mut tags[self.tag_range(&blocks)];
            let done = self.tags.read(self.layout.tag_position(sector), tags);
            done.map_err(|error| self.failed("reading the tags of", sector, data.len(), error))?;
        }
        Ok(())
    }

    /// Writes whole blocks from data sector `first` on, and their tags, which may stay in memory until
    /// [`Disk::write_back`].
    pub(super) fn write(&self, first: u64, data: &[u8], tags: &[u8]) -> Result<(), VolumeError> {
        for (sector, blocks) in self.runs(first, data.len()) {
            let data = &data[self.data_range(&blocks)];
            let done = self
                .store
                .write_at(self.start + self.layout.data_offset(sector), data);
            done.map_err(|error| self.failed("writing", sector, data.len(), error))?;
            let tags = &tags[self.tag_range(&blocks)];
            let done = self.tags.write(self.layout.tag_position(sector), tags);
            done.map_err(|error| self.failed("writing the tags of", sector, data.len(), error))?;
        }
        Ok(())
    }

    /// Of the blocks from data sector `first` on, `bytes` bytes with `tags`, hands `take` as many as the store lends in one
    /// piece, and their tags; how many bytes these were.
    pub(super) fn lend(
        &self,
        first: u64,
        bytes: usize,
        tags: &mut [u8],
        mut take: impl FnMut(&[u8], &[u8]),
    ) -> Result<usize, VolumeError> {
        let Some((sector, blocks)) = self.runs(first, bytes).next() else {
            return Ok(0);
        };
        let bytes = self.data_range(&blocks).len();
        let tags = &mut tags[self.tag_range(&blocks)];
        let done = self.tags.read(self.layout.tag_position(sector), tags);
        done.map_err(|error| self.failed("reading the tags of", sector, bytes, error))?;
        let place = self.start + self.layout.data_offset(sector);
        let lent = self
            .store
            .lend(place, bytes, self.layout.block_bytes(), &mut |data| {
                take(data, &tags[self.tags_of(data.len())]);
            });
        lent.map_err(|error| self.failed("reading", sector, bytes, error))
    }

    /// Of the blocks from data sector `first` on, `bytes` bytes with `tags`, has `take` write as many as the store lends in
    /// one piece, and their tags, which are stored if it says so; how many bytes these were.
    pub(super) fn lend_mut(
        &self,
        first: u64,
        bytes: usize,
        tags: &mut [u8],
        mut take: impl FnMut(&mut [u8], &mut [u8]) -> bool,
    ) -> Result<usize, VolumeError> {
        let Some((sector, blocks)) = self.runs(first, bytes).next() else {
            return Ok(0);
        };
        let bytes = self.data_range(&blocks).len();
        let place = self.start + self.layout.data_offset(sector);
        let mut whole = false;
        let lent = self
            .store
            .lend_mut(place, bytes, self.layout.block_bytes(), &mut |data| {
                let tags = &mut tags[self.tags_of(data.len())];
                whole = take(data, tags);
            });
        let lent = lent.map_err(|error| self.failed("writing", sector, bytes, error))?;
        if whole {
            let tags = &tags[self.tags_of(lent)];
            let done = self.tags.write(self.layout.tag_position(sector), tags);
            done.map_err(|error| self.failed("writing the tags of", sector, lent, error))?;
        }
        Ok(lent)
    }

    /// The tags of the first `bytes` bytes of blocks.
    fn tags_of(&self, bytes: usize) -> std::ops::Range<usize> {
        self.tag_range(&(0..bytes / self.layout.block_bytes()))
    }

    /// Makes durable what was written.
    pub(super) fn write_back(&self) -> Result<(), VolumeError> {
        let done = self.tags.write_back();
        done.map_err(|error| {
            VolumeError::store(format!("{}: writing tags", self.store.name()), 0, 0, error)
        })?;
        self.sync()
    }

    pub(super) fn sync(&self) -> Result<(), VolumeError> {
        let done = self.store.sync();
        done.map_err(|error| VolumeError::store(format!("{}: syncing", self.store.name()), 0, 0, error))
    }

    /// Cuts `bytes` bytes from data sector `first` on into what lies in one area: the data sector, and the blocks counted
    /// from `first`.
    fn runs(&self, first: u64, bytes: usize) -> impl Iterator<Item = (u64, std::ops::Range<usize>)> + use<> {
        let layout = self.layout;
        let sectors = (bytes / SECTOR_BYTES) as u64;
        pieces(first, sectors, layout.interleave_sectors()).map(move |piece| {
            let block = layout.sectors_per_block();
            let start = (piece.start - first) as usize / block;
            let end = (piece.end - first) as usize / block;
            (piece.start, start..end)
        })
    }

    fn data_range(&self, blocks: &std::ops::Range<usize>) -> std::ops::Range<usize> {
        blocks.start * self.layout.block_bytes()..blocks.end * self.layout.block_bytes()
    }

    fn tag_range(&self, blocks: &std::ops::Range<usize>) -> std::ops::Range<usize> {
        blocks.start * self.layout.tag_bytes()..blocks.end * self.layout.tag_bytes()
    }

    /// That `action` failed on `bytes` bytes at data sector `sector`.
    pub(super) fn failed(
        &self,
        action: &str,
        sector: u64,
        bytes: usize,
        error: std::io::Error,
    ) -> VolumeError {
        let (offset, bytes) = (sector * SECTOR_BYTES as u64, bytes as u64);
        let place = format!(
            "{}: {action} {bytes} bytes at {offset} of the volume",
            self.store.name()
        );
        VolumeError::store(place, offset, bytes, error)
    }
}
