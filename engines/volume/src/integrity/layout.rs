//! Where blocks, their tags and the journal lie.
//!
//! From the start on: the superblock (8 sectors), the journal, then areas: a run of tags, and the interleave's worth of
//! data that they belong to.

use super::{IntegrityError, SECTOR_BYTES, Superblock};

/// What a superblock takes, in sectors.
const SUPERBLOCK_SECTORS: u64 = 8;
/// The first sectors of a journal's section, which hold its entries.
pub(super) const ENTRY_SECTORS: usize = 8;
/// What is left of a journal's sector beside its commit id.
const JOURNAL_SECTOR_DATA: usize = SECTOR_BYTES - 8;
/// What the last bytes of an area's run of tags are a multiple of.
const PADDING_BYTES: u64 = 4096;
/// The same without [`Superblock::fixed_padding`]: an oversight in the kernel that old volumes keep.
const OLD_PADDING_BYTES: u64 = 128 << 10;

/// The places that a superblock makes: all sizes in sectors of 512 bytes, but for those in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Layout {
    log2_interleave: u8,
    log2_sectors_per_block: u8,
    tag_bytes: usize,
    journal_sections: u32,
    entry_bytes: usize,
    entries_per_sector: usize,
    metadata_run: u64,
    provided: u64,
}

impl Layout {
    /// What `superblock` says, which must be as [`parse_superblock`](super::parse_superblock) or
    /// [`FormatOptions::superblock`](super::FormatOptions::superblock) gave it.
    pub fn new(superblock: &Superblock) -> Self {
        let sectors_per_block = 1usize << superblock.log2_sectors_per_block;
        let tag_bytes = usize::from(superblock.tag_bytes);
        let entry_bytes = (8 + 8 * sectors_per_block + tag_bytes).next_multiple_of(8);
        let padding = if superblock.fixed_padding {
            PADDING_BYTES
        } else {
            OLD_PADDING_BYTES
        };
        // At most 424 << 31.
        let blocks = superblock.log2_interleave_sectors - superblock.log2_sectors_per_block;
        let tags = u64::from(superblock.tag_bytes) << blocks;
        Self {
            log2_interleave: superblock.log2_interleave_sectors,
            log2_sectors_per_block: superblock.log2_sectors_per_block,
            tag_bytes,
            journal_sections: superblock.journal_sections,
            entry_bytes,
            entries_per_sector: JOURNAL_SECTOR_DATA / entry_bytes,
            metadata_run: tags.next_multiple_of(padding) / SECTOR_BYTES as u64,
            provided: superblock.provided_sectors,
        }
    }

    /// The size of the data.
    pub fn provided_sectors(&self) -> u64 {
        self.provided
    }

    /// The bytes of a block.
    pub fn block_bytes(&self) -> usize {
        SECTOR_BYTES << self.log2_sectors_per_block
    }

    /// The sectors of a block.
    pub(super) fn sectors_per_block(&self) -> usize {
        1 << self.log2_sectors_per_block
    }

    /// The bytes of a block's tag.
    pub fn tag_bytes(&self) -> usize {
        self.tag_bytes
    }

    /// The bytes of a journal's entry.
    pub fn entry_bytes(&self) -> usize {
        self.entry_bytes
    }

    /// How many blocks a section of the journal holds.
    pub fn section_entries(&self) -> usize {
        self.entries_per_sector * ENTRY_SECTORS
    }

    /// The size of a section of the journal.
    pub fn section_sectors(&self) -> usize {
        (self.section_entries() << self.log2_sectors_per_block) + ENTRY_SECTORS
    }

    /// The bytes of a section of the journal.
    pub(super) fn section_bytes(&self) -> usize {
        self.section_sectors() * SECTOR_BYTES
    }

    /// How many sections the journal has.
    pub fn journal_sections(&self) -> u32 {
        self.journal_sections
    }

    /// The size of the journal.
    pub fn journal_sectors(&self) -> u64 {
        self.section_sectors() as u64 * u64::from(self.journal_sections)
    }

    /// What stands before the first area: the superblock and the journal.
    pub fn initial_sectors(&self) -> u64 {
        SUPERBLOCK_SECTORS + self.journal_sectors()
    }

    /// An area's tags, padding included.
    pub fn metadata_run_sectors(&self) -> u64 {
        self.metadata_run
    }

    /// An area's data.
    pub fn interleave_sectors(&self) -> u64 {
        1 << self.log2_interleave
    }

    /// Where a section of the journal begins, in bytes from the layout's start.
    pub(super) fn section_offset(&self, section: u32) -> u64 {
        (SUPERBLOCK_SECTORS * SECTOR_BYTES as u64) + u64::from(section) * self.section_bytes() as u64
    }

    /// Where the block of data sector `sector` lies, in bytes from the layout's start.
    pub fn data_offset(&self, sector: u64) -> u64 {
        let (area, inside) = self.area(sector);
        let areas = (area << self.log2_interleave) + (area + 1) * self.metadata_run;
        (self.initial_sectors() + areas + inside) * SECTOR_BYTES as u64
    }

    /// Where the tag of the block of data sector `sector` lies, in bytes from the layout's start.
    pub fn tag_offset(&self, sector: u64) -> u64 {
        self.initial_sectors() * SECTOR_BYTES as u64 + self.tag_position(sector)
    }

    /// The same, in bytes from the first area's start.
    pub(super) fn tag_position(&self, sector: u64) -> u64 {
        let (area, inside) = self.area(sector);
        let areas = (area << self.log2_interleave) + area * self.metadata_run;
        areas * SECTOR_BYTES as u64 + (inside >> self.log2_sectors_per_block) * self.tag_bytes as u64
    }

    fn area(&self, sector: u64) -> (u64, u64) {
        let area = sector >> self.log2_interleave;
        (area, sector - (area << self.log2_interleave))
    }

    /// The size of the buffers that tags are read and written in: `wanted`, or less where areas would not begin with one.
    pub(super) fn buffer_sectors(&self, wanted: u32) -> Result<u64, IntegrityError> {
        let most = 1u64 << self.metadata_run.trailing_zeros();
        let wanted = u64::from(wanted.max(1));
        let buffer = (1u64 << wanted.ilog2()).min(most);
        // The kernel would read and write tags at other places than the layout's, over data.
        if buffer > self.interleave_sectors() {
            return Err(IntegrityError::Option {
                option: "the interleave",
                found: format!("{} sectors", self.interleave_sectors()),
                expected: format!("at least a buffer of tags, {buffer} sectors"),
            });
        }
        Ok(buffer)
    }

    /// Whether the layout fits a store of `total` sectors if it begins at `start`, as the kernel decides it.
    pub(super) fn fits(&self, start: u64, total: u64) -> bool {
        let wide = u128::from;
        let initial =
            wide(SUPERBLOCK_SECTORS) + self.section_sectors() as u128 * u128::from(self.journal_sections);
        if initial + wide(SUPERBLOCK_SECTORS) >= wide(total) || initial > u128::from(u32::MAX) {
            return false;
        }
        let Some(last) = self.provided.checked_sub(1) else {
            return false;
        };
        let (area, inside) = self.area(last);
        let areas = (wide(area) << self.log2_interleave) + (wide(area) + 1) * wide(self.metadata_run);
        wide(start) + initial + areas + wide(inside) < wide(total)
    }

    /// The same layout with as much data as fits, as the kernel finds it; `None` if that is nothing.
    pub(super) fn filling(mut self, start: u64, total: u64) -> Option<Self> {
        self.provided = 0;
        for bit in (3..u64::BITS - total.leading_zeros()).rev() {
            let tried = Self {
                provided: self.provided | 1 << bit,
                ..self
            };
            if tried.fits(start, total) {
                self = tried;
            }
        }
        (self.provided > 0).then_some(self)
    }
}
