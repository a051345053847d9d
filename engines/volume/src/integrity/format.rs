//! Making a layout.

use super::layout::Layout;
use super::section::Section;
use super::superblock::SUPERBLOCK_BYTES;
use super::{IntegrityError, SECTOR_BYTES, Superblock, parse_superblock};
use crate::store::Store;

/// How a layout is to be made. The journal's place is there in every [`Mode`](super::Mode), as in the kernel's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FormatOptions {
    /// The bytes of a block's tag, 1 to 424.
    pub tag_bytes: u16,
    /// The bytes of a block: 512, 1024, 2048 or 4096.
    pub block_bytes: usize,
    /// The size of the journal in sectors of 512 bytes, rounded down to whole sections, at least one. The kernel's
    /// choice without: a 128th of the store, at most 131,072.
    pub journal_sectors: Option<u32>,
    /// The data of an area in sectors of 512 bytes, rounded down to a power of two; 32,768 is the kernel's choice.
    pub interleave_sectors: u32,
    /// Whether areas of tags are padded to 4096 bytes only, as since Linux 5.11.
    pub fixed_padding: bool,
}

impl FormatOptions {
    /// What cryptsetup asks the kernel for, for LUKS2 with integrity.
    pub fn new(tag_bytes: u16, block_bytes: usize) -> Self {
        Self {
            tag_bytes,
            block_bytes,
            journal_sectors: None,
            interleave_sectors: 32_768,
            fixed_padding: true,
        }
    }

    /// What [`format()`] would put on a store of `size` bytes from byte `start` on: for counting without writing.
    pub fn superblock(&self, size: u64, start: u64) -> Result<Superblock, IntegrityError> {
        if !matches!(self.block_bytes, 512 | 1024 | 2048 | 4096) {
            return Err(option(
                "the block size",
                self.block_bytes,
                "512, 1024, 2048 or 4096 bytes",
            ));
        }
        if self.interleave_sectors < 8 {
            return Err(option(
                "the interleave",
                self.interleave_sectors,
                "8 sectors or more",
            ));
        }
        check_start(start)?;
        let total = size / SECTOR_BYTES as u64;
        let mut superblock = Superblock {
            version: if self.fixed_padding { 4 } else { 1 },
            log2_interleave_sectors: self.interleave_sectors.ilog2() as u8,
            tag_bytes: self.tag_bytes,
            journal_sections: 1,
            provided_sectors: 8,
            log2_sectors_per_block: (self.block_bytes / SECTOR_BYTES).ilog2() as u8,
            log2_blocks_per_bitmap_bit: 0,
            recalculating_from: None,
            dirty_bitmap: false,
            fixed_padding: self.fixed_padding,
            fixed_hmac: false,
            salt: [0; 16],
        };
        // The one list of what is in range.
        parse_superblock(&superblock.to_bytes())
            .map_err(|error| option("the tag size", self.tag_bytes, &error.expected))?;
        let journal = self.journal_sectors.map_or((total >> 7).min(131_072), u64::from);
        let section = Layout::new(&superblock).section_sectors() as u64;
        // No more than 2^32 sectors.
        superblock.journal_sections = (journal / section).max(1) as u32;
        let layout = Layout::new(&superblock).filling(start / SECTOR_BYTES as u64, total);
        let Some(layout) = layout else {
            return Err(IntegrityError::TooSmall {
                store: "the store".to_owned(),
                size,
                start,
                needed: format!("{} bytes before the tags", initial_bytes(&superblock)),
            });
        };
        layout.buffer_sectors(super::store::BUFFER_SECTORS)?;
        superblock.provided_sectors = layout.provided_sectors();
        superblock.log2_blocks_per_bitmap_bit = bitmap_bit(&layout);
        Ok(superblock)
    }
}

/// So many blocks share a bit that the bitmap has room in the journal's place: 32,768 sectors or more.
fn bitmap_bit(layout: &Layout) -> u8 {
    let bits = (layout.journal_sectors() * SECTOR_BYTES as u64 * 8).min(u32::MAX.into());
    let mut log2_sectors = 15;
    while layout.provided_sectors().div_ceil(1 << log2_sectors) > bits {
        log2_sectors += 1;
    }
    log2_sectors - layout.sectors_per_block().ilog2() as u8
}

/// Makes the layout on `store` from byte `start` (a multiple of 512) to its end: writes the superblock and an empty
/// journal, and syncs. Tags are left as they are: a block holds no tag before it was written.
pub fn format(store: &dyn Store, start: u64, options: &FormatOptions) -> Result<Superblock, IntegrityError> {
    let superblock = options
        .superblock(store.size(), start)
        .map_err(|error| named(error, store))?;
    let layout = Layout::new(&superblock);
    let failed = |source| IntegrityError::Store {
        place: format!("{}: formatting dm-integrity at {start}", store.name()),
        source,
    };
    for number in 0..layout.journal_sections() {
        let section = Section::new(&layout).stamped(&layout, number, 0);
        let offset = start + layout.section_offset(number);
        store.write_at(offset, &section).map_err(failed)?;
    }
    let mut bytes = [0; SUPERBLOCK_BYTES];
    let used = superblock.to_bytes();
    bytes[..used.len()].copy_from_slice(&used);
    store.write_at(start, &bytes).map_err(failed)?;
    store.sync().map_err(failed)?;
    Ok(superblock)
}

/// That a layout can begin at byte `start`.
pub(super) fn check_start(start: u64) -> Result<(), IntegrityError> {
    if start.is_multiple_of(SECTOR_BYTES as u64) {
        return Ok(());
    }
    Err(option("the start", start, "a multiple of 512 bytes"))
}

fn option(option: &'static str, found: impl ToString, expected: &str) -> IntegrityError {
    IntegrityError::Option {
        option,
        found: found.to_string(),
        expected: expected.to_owned(),
    }
}

fn initial_bytes(superblock: &Superblock) -> u64 {
    Layout::new(superblock).initial_sectors() * SECTOR_BYTES as u64
}

fn named(error: IntegrityError, in_store: &dyn Store) -> IntegrityError {
    match error {
        IntegrityError::TooSmall {
            size, start, needed, ..
        } => IntegrityError::TooSmall {
            store: in_store.name(),
            size,
            start,
            needed,
        },
        other => other,
    }
}
