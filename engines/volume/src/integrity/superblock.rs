//! dm-integrity's superblock: the first sector of 4096 bytes.
//!
//! Little-endian: magic `integrt\0` | version u8 | log2 interleave u8 | tag size u16 | journal sections u32 | provided
//! data sectors u64 | flags u32 | log2 sectors per block u8 | log2 blocks per bitmap bit u8 | 2 unused | recalculation
//! sector u64 | 8 unused | salt 16.

use crate::superblock::{SuperblockError, array, wrong};

/// The bytes that a superblock takes, of which most are zero.
pub(super) const SUPERBLOCK_BYTES: usize = 4096;
/// As far as fields go.
const USED_BYTES: usize = 64;
const MAGIC: &[u8; 8] = b"integrt\0";
/// So many bytes of tag fit a journal's sector beside the rest of an entry for a block of 4096 bytes.
const MAX_TAG_BYTES: u16 = 424;
/// What the kernel takes for a log2 of the interleave.
const INTERLEAVES: std::ops::RangeInclusive<u8> = 3..=31;

const HAVE_JOURNAL_MAC: u32 = 0x1;
const RECALCULATING: u32 = 0x2;
const DIRTY_BITMAP: u32 = 0x4;
const FIXED_PADDING: u32 = 0x8;
const FIXED_HMAC: u32 = 0x10;
const INLINE: u32 = 0x20;

/// What a superblock says, checked on its own: every field is in range, but need not fit a store.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Superblock {
    /// 1 to 5; says which flags there can be.
    pub version: u8,
    /// So many sectors of 512 bytes of data stand together, as a power of two.
    pub log2_interleave_sectors: u8,
    /// The bytes of a block's tag.
    pub tag_bytes: u16,
    /// How many sections the journal has.
    pub journal_sections: u32,
    /// The size of the data, in sectors of 512 bytes.
    pub provided_sectors: u64,
    /// A block of 1, 2, 4 or 8 sectors of 512 bytes, as a power of two.
    pub log2_sectors_per_block: u8,
    /// So many blocks share a bit of the bitmap, as a power of two.
    pub log2_blocks_per_bitmap_bit: u8,
    /// The first sector of 512 bytes whose tag is still to be computed, where tags are being computed anew.
    pub recalculating_from: Option<u64>,
    /// Whether the journal's place holds a bitmap of where tags may be stale: the volume was in use and not closed.
    pub dirty_bitmap: bool,
    /// Whether areas of tags are padded to 4096 bytes, and not to 128 KiB.
    pub fixed_padding: bool,
    /// Whether tags that the kernel computes itself cover the salt.
    pub fixed_hmac: bool,
    /// That salt.
    pub salt: [u8; 16],
}

/// Reads the superblock that `bytes` begin with. Nothing else is read: for fuzzing, and for showing what a disk says.
pub fn parse_superblock(bytes: &[u8]) -> Result<Superblock, SuperblockError> {
    let Some(bytes) = bytes.first_chunk::<USED_BYTES>() else {
        return Err(wrong(
            "the length",
            0,
            bytes.len(),
            format!("{USED_BYTES} or more"),
        ));
    };
    if &bytes[..8] != MAGIC {
        return Err(wrong("magic", 0, bytes[..8].escape_ascii(), "\"integrt\\0\""));
    }
    let u32_at = |at| u32::from_le_bytes(array(bytes, at));
    let u64_at = |at| u64::from_le_bytes(array(bytes, at));
    let version = bytes[8];
    if !(1..=5).contains(&version) {
        return Err(wrong("version", 8, version, "1 to 5"));
    }
    let log2_interleave_sectors = bytes[9];
    if !INTERLEAVES.contains(&log2_interleave_sectors) {
        return Err(wrong(
            "log2_interleave_sectors",
            9,
            log2_interleave_sectors,
            "3 to 31",
        ));
    }
    let tag_bytes = u16::from_le_bytes(array(bytes, 10));
    if !(1..=MAX_TAG_BYTES).contains(&tag_bytes) {
        let expected = format!("1 to {MAX_TAG_BYTES}");
        return Err(wrong("integrity_tag_size", 10, tag_bytes, expected));
    }
    let journal_sections = u32_at(12);
    if journal_sections == 0 {
        return Err(wrong("journal_sections", 12, 0, "at least 1"));
    }
    let flags = u32_at(24);
    check_flags(flags, version)?;
    let log2_sectors_per_block = bytes[28];
    if log2_sectors_per_block > 3 {
        return Err(wrong(
            "log2_sectors_per_block",
            28,
            log2_sectors_per_block,
            "0 to 3",
        ));
    }
    let provided_sectors = u64_at(16);
    let block = 1u64 << log2_sectors_per_block;
    if provided_sectors == 0 || !provided_sectors.is_multiple_of(block) {
        let expected = format!("a multiple of {block}, and not 0");
        return Err(wrong("provided_data_sectors", 16, provided_sectors, expected));
    }
    let log2_blocks_per_bitmap_bit = bytes[29];
    if log2_blocks_per_bitmap_bit > 63 - log2_sectors_per_block {
        let expected = "less than 64 with log2_sectors_per_block";
        return Err(wrong(
            "log2_blocks_per_bitmap_bit",
            29,
            log2_blocks_per_bitmap_bit,
            expected,
        ));
    }
    Ok(Superblock {
        version,
        log2_interleave_sectors,
        tag_bytes,
        journal_sections,
        provided_sectors,
        log2_sectors_per_block,
        log2_blocks_per_bitmap_bit,
        recalculating_from: (flags & RECALCULATING != 0).then(|| u64_at(32)),
        dirty_bitmap: flags & DIRTY_BITMAP != 0,
        fixed_padding: flags & FIXED_PADDING != 0,
        fixed_hmac: flags & FIXED_HMAC != 0,
        salt: array(bytes, 48),
    })
}

/// That all flags are known, supported, and older than the version.
fn check_flags(flags: u32, version: u8) -> Result<(), SuperblockError> {
    let known = HAVE_JOURNAL_MAC | RECALCULATING | DIRTY_BITMAP | FIXED_PADDING | FIXED_HMAC | INLINE;
    let unsupported = match flags {
        _ if flags & HAVE_JOURNAL_MAC != 0 => "HAVE_JOURNAL_MAC (0x1), a journal with a MAC",
        _ if flags & INLINE != 0 => "INLINE (0x20), tags in the device's own metadata",
        _ if flags & !known != 0 => "an unknown one",
        _ => "",
    };
    if !unsupported.is_empty() {
        let expected = format!("without {unsupported}, which is not supported");
        return Err(wrong("flags", 24, format_args!("{flags:#x}"), expected));
    }
    let needs = [
        (FIXED_HMAC, 5),
        (FIXED_PADDING, 4),
        (DIRTY_BITMAP, 3),
        (RECALCULATING, 2),
    ];
    for (flag, least) in needs {
        if flags & flag != 0 && version < least {
            let expected = format!("at least {least} with flag {flag:#x}");
            return Err(wrong("version", 8, version, expected));
        }
    }
    Ok(())
}

impl Superblock {
    /// The bytes of a block.
    pub fn block_bytes(&self) -> usize {
        super::SECTOR_BYTES << self.log2_sectors_per_block
    }

    /// As it stands on a disk, but for the zeroes after it.
    pub(super) fn to_bytes(&self) -> [u8; USED_BYTES] {
        let flag = |set, flag| if set { flag } else { 0 };
        let flags = flag(self.recalculating_from.is_some(), RECALCULATING)
            | flag(self.dirty_bitmap, DIRTY_BITMAP)
            | flag(self.fixed_padding, FIXED_PADDING)
            | flag(self.fixed_hmac, FIXED_HMAC);
        let mut bytes = [0; USED_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8] = self.version;
        bytes[9] = self.log2_interleave_sectors;
        bytes[10..12].copy_from_slice(&self.tag_bytes.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.journal_sections.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.provided_sectors.to_le_bytes());
        bytes[24..28].copy_from_slice(&flags.to_le_bytes());
        bytes[28] = self.log2_sectors_per_block;
        bytes[29] = self.log2_blocks_per_bitmap_bit;
        bytes[32..40].copy_from_slice(&self.recalculating_from.unwrap_or(0).to_le_bytes());
        bytes[48..].copy_from_slice(&self.salt);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Superblock {
        Superblock {
            version: 5,
            log2_interleave_sectors: 15,
            tag_bytes: 28,
            journal_sections: 62,
            provided_sectors: 2_033_896,
            log2_sectors_per_block: 3,
            log2_blocks_per_bitmap_bit: 12,
            recalculating_from: Some(4096),
            dirty_bitmap: true,
            fixed_padding: true,
            fixed_hmac: true,
            salt: [7; 16],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = sample().to_bytes();
        assert_eq!(parse_superblock(&bytes).unwrap(), sample());
        assert_eq!(
            parse_superblock(&[&bytes[..], &[9; 99]].concat()).unwrap(),
            sample()
        );
        for length in 0..bytes.len() {
            assert_eq!(
                parse_superblock(&bytes[..length]).unwrap_err().field,
                "the length"
            );
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_name_and_place() {
        for (at, value, field) in [
            (0, b'I', "magic"),
            (7, b' ', "magic"),
            (8, 0, "version"),
            (8, 6, "version"),
            // Older than its flags.
            (8, 4, "version"),
            (9, 2, "log2_interleave_sectors"),
            (9, 32, "log2_interleave_sectors"),
            (10, 0, "integrity_tag_size"),
            (11, 2, "integrity_tag_size"),
            (12, 0, "journal_sections"),
            (16, 1, "provided_data_sectors"),
            (24, 0x1f, "flags"),
            (24, 0x3e, "flags"),
            (25, 1, "flags"),
            (28, 4, "log2_sectors_per_block"),
            (29, 61, "log2_blocks_per_bitmap_bit"),
        ] {
            let mut bytes = sample().to_bytes();
            bytes[at] = value;
            let error = parse_superblock(&bytes).unwrap_err();
            assert_eq!(error.field, field, "{at} {value}: {error}");
            assert!((error.offset..error.offset + 8).contains(&at), "{error}");
        }
        let mut bytes = sample().to_bytes();
        bytes[16..24].fill(0);
        assert_eq!(
            parse_superblock(&bytes).unwrap_err().field,
            "provided_data_sectors"
        );
    }
}
