//! An open layout.

use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use super::disk::Disk;
use super::format::check_start;
use super::layout::Layout;
use super::ring::{Ring, recover};
use super::scan::scan;
use super::superblock::SUPERBLOCK_BYTES;
use super::tags::Tags;
use super::{IntegrityError, SECTOR_BYTES, Superblock, SuperblockError, bitmap, parse_superblock};
use crate::VolumeError;
use crate::store::Store;
use crate::stripes::Stripes;

/// The size of the kernel's buffers of tags, in sectors.
pub(super) const BUFFER_SECTORS: u32 = 128;

/// What happens to writes. The layout on the disk is the same for all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// They are refused, and nothing is written at all. What a journal holds is read from there.
    ReadOnly,
    /// They go to their places (`cryptsetup --integrity-no-journal`). A power cut can leave a block with another's tag.
    Direct,
    /// They go to the journal, then to their places: each block is as it was or as it was to be.
    Journal,
}

/// How a layout is to be opened.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// What happens to writes.
    pub mode: Mode,
    /// The size of the buffers in which tags are read and written, in sectors; rounded down to a power of two, and to
    /// what the layout allows.
    pub buffer_sectors: u32,
    /// How much memory buffers of tags may take, in bytes; one for each of eight parts they have in any case.
    pub cache_bytes: u64,
    /// So much of the journal may be in use before it is copied back, in percent.
    pub watermark: u8,
}

impl OpenOptions {
    /// The kernel's defaults, and 32 MiB of buffers.
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            buffer_sectors: BUFFER_SECTORS,
            cache_bytes: 32 << 20,
            watermark: 50,
        }
    }
}

/// Blocks with a tag each. Safe under many callers: of a block and its tag, a read sees what one write wrote.
pub struct IntegrityStore {
    disk: Disk,
    superblock: Superblock,
    mode: Mode,
    /// Where it is in use, or was found to hold something.
    ring: Option<RwLock<Ring>>,
    stripes: Stripes,
    stale: Vec<Range<u64>>,
}

impl IntegrityStore {
    /// Opens the layout that begins at byte `start` of `store`, which must have tags of `tag_bytes` and blocks of
    /// `block_bytes`. In the modes that write, a journal left by a power cut is copied back first.
    pub fn open(
        store: Arc<dyn Store>,
        start: u64,
        tag_bytes: usize,
        block_bytes: usize,
        options: &OpenOptions,
    ) -> Result<Self, IntegrityError> {
        check_start(start)?;
        let superblock = read_superblock(&*store, start)?;
        let refused = |field, offset, found: String, expected| IntegrityError::Superblock {
            store: store.name(),
            start,
            source: SuperblockError {
                field,
                offset,
                found,
                expected,
            },
        };
        if usize::from(superblock.tag_bytes) != tag_bytes {
            let found = superblock.tag_bytes.to_string();
            return Err(refused("integrity_tag_size", 10, found, tag_bytes.to_string()));
        }
        if superblock.block_bytes() != block_bytes {
            let found = superblock.log2_sectors_per_block.to_string();
            let expected = format!("that of blocks of {block_bytes} bytes");
            return Err(refused("log2_sectors_per_block", 28, found, expected));
        }
        let layout = Layout::new(&superblock);
        let total = store.size() / SECTOR_BYTES as u64;
        if !layout.fits(start / SECTOR_BYTES as u64, total) {
            return Err(match layout.filling(start / SECTOR_BYTES as u64, total) {
                Some(most) => refused(
                    "provided_data_sectors",
                    16,
                    superblock.provided_sectors.to_string(),
                    format!("at most {}, for which there is room", most.provided_sectors()),
                ),
                None => refused(
                    "journal_sections",
                    12,
                    superblock.journal_sections.to_string(),
                    format!("such that {total} sectors have room for the journal and data"),
                ),
            });
        }
        let stale = bitmap::stale(&*store, start, &superblock, &layout)?;
        if options.mode != Mode::ReadOnly && (superblock.dirty_bitmap || !stale.is_empty()) {
            let found = "DIRTY_BITMAP (0x4) or RECALCULATING (0x2)".to_owned();
            let expected = "without both to write: the kernel has to compute tags anew first".to_owned();
            return Err(refused("flags", 24, found, expected));
        }
        let buffer = layout.buffer_sectors(options.buffer_sectors)? * SECTOR_BYTES as u64;
        let first_area = start + layout.initial_sectors() * SECTOR_BYTES as u64;
        let tags = Tags::new(store.clone(), first_area, buffer, options.cache_bytes);
        let disk = Disk {
            store,
            start,
            layout,
            tags,
        };
        let ring = if superblock.dirty_bitmap {
            // A bitmap is in the journal's place.
            None
        } else {
            let found = scan(&*disk.store, start, &layout)?;
            match options.mode {
                Mode::ReadOnly => {
                    Some(Ring::new(&layout, found, options.watermark)).filter(|ring| !ring.is_empty())
                }
                Mode::Direct => recover(&disk, found, options.watermark, false).map(|_| None)?,
                Mode::Journal => Some(recover(&disk, found, options.watermark, true)?),
            }
        };
        Ok(Self {
            disk,
            superblock,
            mode: options.mode,
            ring: ring.map(RwLock::new),
            stripes: Stripes::new(),
            stale,
        })
    }

    /// What the superblock says.
    pub fn superblock(&self) -> &Superblock {
        &self.superblock
    }

    /// Where everything lies.
    pub fn layout(&self) -> &Layout {
        &self.disk.layout
    }

    /// The size of the data, in sectors of 512 bytes.
    pub fn sectors(&self) -> u64 {
        self.disk.layout.provided_sectors()
    }

    /// The bytes of a block.
    pub fn block_bytes(&self) -> usize {
        self.disk.layout.block_bytes()
    }

    /// The bytes of a block's tag.
    pub fn tag_bytes(&self) -> usize {
        self.disk.layout.tag_bytes()
    }

    /// What happens to writes.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The ranges of data sectors whose tags may be older or newer than their data, in ascending order: the volume was in
    /// the kernel's bitmap mode and not closed, or its tags are being computed anew. A volume with such ranges opens for
    /// reading only.
    pub fn stale(&self) -> &[Range<u64>] {
        &self.stale
    }

    /// Reads whole blocks from data sector `first` (of 512 bytes) on, and their tags one after another.
    pub fn read(&self, first: u64, data: &mut [u8], tags: &mut [u8]) -> Result<(), VolumeError> {
        let offset = self.check(first, data.len(), tags.len())?;
        for (at, part) in Stripes::parts(offset, data.len()) {
            let tags = &mut tags[self.tag_range(&part)];
            let data = &mut data[part];
            let first = at / SECTOR_BYTES as u64;
            if let Some(ring) = &self.ring {
                let ring = ring.read().unwrap_or_else(PoisonError::into_inner);
                ring.read(&self.disk, first, data, tags)?;
            } else {
                let _shared = self.stripes.read(at);
                self.disk.read(first, data, tags)?;
            }
        }
        Ok(())
    }

    /// Writes whole blocks from data sector `first` (of 512 bytes) on, with their tags one after another.
    pub fn write(&self, first: u64, data: &[u8], tags: &[u8]) -> Result<(), VolumeError> {
        if self.mode == Mode::ReadOnly {
            return Err(VolumeError::ReadOnly);
        }
        let offset = self.check(first, data.len(), tags.len())?;
        for (at, part) in Stripes::parts(offset, data.len()) {
            let tags = &tags[self.tag_range(&part)];
            let data = &data[part];
            let first = at / SECTOR_BYTES as u64;
            if let Some(ring) = &self.ring {
                let mut ring = ring.write().unwrap_or_else(PoisonError::into_inner);
                ring.write(&self.disk, first, data, tags)?;
            } else {
                let _alone = self.stripes.write(at);
                self.disk.write(first, data, tags)?;
            }
        }
        Ok(())
    }

    /// As [`IntegrityStore::read`], but hands `take` blocks where they are, with their tags: as many from the first on as are
    /// in memory in one piece. How many bytes these were. `take` must not call the store.
    pub(crate) fn lend(
        &self,
        first: u64,
        bytes: usize,
        tags: &mut [u8],
        take: impl FnMut(&[u8], &[u8]),
    ) -> Result<usize, VolumeError> {
        let offset = self.check(first, bytes, tags.len())?;
        let Some((_, part)) = Stripes::parts(offset, bytes).next() else {
            return Ok(0);
        };
        let Some(ring) = &self.ring else {
            let _shared = self.stripes.read(offset);
            return self.disk.lend(first, part.len(), tags, take);
        };
        let ring = ring.read().unwrap_or_else(PoisonError::into_inner);
        if !ring.is_empty() {
            return Ok(0);
        }
        self.disk.lend(first, part.len(), tags, take)
    }

    /// As [`IntegrityStore::write`], but has `take` write blocks to their place, and their tags, and say whether it could: as
    /// many from the first on as have their place in memory in one piece, none where blocks go to the journal first. How
    /// many bytes these were. `take` must not call the store.
    pub(crate) fn lend_mut(
        &self,
        first: u64,
        bytes: usize,
        tags: &mut [u8],
        take: impl FnMut(&mut [u8], &mut [u8]) -> bool,
    ) -> Result<usize, VolumeError> {
        if self.mode == Mode::ReadOnly {
            return Err(VolumeError::ReadOnly);
        }
        let offset = self.check(first, bytes, tags.len())?;
        let Some((_, part)) = Stripes::parts(offset, bytes).next() else {
            return Ok(0);
        };
        if self.ring.is_some() {
            return Ok(0);
        }
        let _alone = self.stripes.write(offset);
        self.disk.lend_mut(first, part.len(), tags, take)
    }

    /// Makes everything durable that was written before the call.
    pub fn sync(&self) -> Result<(), VolumeError> {
        match (self.mode, &self.ring) {
            (Mode::ReadOnly, _) => Ok(()),
            (_, Some(ring)) => {
                let mut ring = ring.write().unwrap_or_else(PoisonError::into_inner);
                ring.commit(&self.disk)
            }
            (_, None) => self.disk.write_back(),
        }
    }

    /// As [`IntegrityStore::sync`], and leaves an empty journal, as the kernel does when it closes a volume. Need not be
    /// called: what a journal holds is found when the volume is opened again.
    pub fn settle(&self) -> Result<(), VolumeError> {
        match (self.mode, &self.ring) {
            (Mode::Journal, Some(ring)) => {
                let mut ring = ring.write().unwrap_or_else(PoisonError::into_inner);
                ring.settle(&self.disk)
            }
            _ => self.sync(),
        }
    }

    /// That a request is for whole blocks that are there; its offset in bytes.
    fn check(&self, first: u64, data: usize, tags: usize) -> Result<u64, VolumeError> {
        let layout = &self.disk.layout;
        let (bytes, size) = (data as u64, layout.provided_sectors() * SECTOR_BYTES as u64);
        let offset = first.saturating_mul(SECTOR_BYTES as u64);
        if offset.checked_add(bytes).is_none_or(|end| end > size) {
            return Err(VolumeError::Range { offset, bytes, size });
        }
        let block = layout.block_bytes();
        if !offset.is_multiple_of(block as u64) || !data.is_multiple_of(block) {
            return Err(VolumeError::Alignment {
                offset,
                bytes,
                block_size: block as u32,
            });
        }
        // No slice is longer than isize::MAX bytes; a tag is shorter than its block.
        let count = data / block;
        if tags != count * layout.tag_bytes() {
            return Err(crate::sector::SectorError::Length {
                what: "the metadata of sectors",
                found: tags,
                expected: format!("{} for each of {count} blocks", layout.tag_bytes()),
            }
            .into());
        }
        Ok(offset)
    }

    fn tag_range(&self, part: &Range<usize>) -> Range<usize> {
        let (block, tag) = (self.block_bytes(), self.tag_bytes());
        part.start / block * tag..part.end / block * tag
    }
}

fn read_superblock(store: &dyn Store, start: u64) -> Result<Superblock, IntegrityError> {
    let size = store.size();
    if start
        .checked_add(SUPERBLOCK_BYTES as u64)
        .is_none_or(|end| end > size)
    {
        return Err(IntegrityError::TooSmall {
            store: store.name(),
            size,
            start,
            needed: format!("{SUPERBLOCK_BYTES} bytes for a superblock alone"),
        });
    }
    let mut bytes = [0; SUPERBLOCK_BYTES];
    store
        .read_at(start, &mut bytes)
        .map_err(|source| IntegrityError::Store {
            place: format!("{}: reading the dm-integrity superblock at {start}", store.name()),
            source,
        })?;
    parse_superblock(&bytes).map_err(|source| IntegrityError::Superblock {
        store: store.name(),
        start,
        source,
    })
}
