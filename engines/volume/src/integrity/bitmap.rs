//! The bitmap that stands in the journal's place while a volume is in use in the kernel's bitmap mode.
//!
//! A bit for every so many blocks, the lowest bit of a byte first: set where data and tags were being written when the
//! volume was last in use, so that they may not be of the same time.

use std::ops::Range;

use super::layout::Layout;
use super::{IntegrityError, Superblock};
use crate::store::Store;

/// The largest bitmap that is read, in bytes: that of 128 TiB with as many sectors to a bit as the kernel chooses.
const MAX_BITMAP_BYTES: u64 = 1 << 20;

/// The ranges of data sectors, in ascending order, whose tags may be stale: those of the bitmap, where the superblock says
/// there is one, and those the kernel has not computed anew yet.
pub(super) fn stale(
    store: &dyn Store,
    start: u64,
    superblock: &Superblock,
    layout: &Layout,
) -> Result<Vec<Range<u64>>, IntegrityError> {
    let provided = layout.provided_sectors();
    let mut ranges: Vec<Range<u64>> = Vec::new();
    if superblock.dirty_bitmap {
        let shift = superblock.log2_blocks_per_bitmap_bit + superblock.log2_sectors_per_block;
        let bits = ((provided - 1) >> shift) + 1;
        let room = layout.journal_sectors() * super::SECTOR_BYTES as u64;
        let bytes = bits.div_ceil(8);
        let room = room.min(MAX_BITMAP_BYTES);
        let offset = start + layout.section_offset(0);
        if bytes > room {
            return Err(IntegrityError::Journal {
                store: store.name(),
                offset,
                reason: format!("a bitmap of {bytes} bytes; there can be no more than {room}"),
            });
        }
        let mut bitmap = vec![0; bytes as usize];
        store
            .read_at(offset, &mut bitmap)
            .map_err(|source| IntegrityError::Store {
                place: format!("{}: reading the bitmap", store.name()),
                source,
            })?;
        for bit in 0..bits {
            if bitmap[(bit / 8) as usize] >> (bit % 8) & 1 != 0 {
                let first = bit << shift;
                add(&mut ranges, first..first.saturating_add(1 << shift).min(provided));
            }
        }
    }
    if let Some(from) = superblock.recalculating_from.filter(|from| *from < provided) {
        ranges.retain(|range| range.start < from);
        add(&mut ranges, from..provided);
    }
    Ok(ranges)
}

fn add(ranges: &mut Vec<Range<u64>>, range: Range<u64>) {
    match ranges.last_mut() {
        Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
        _ => ranges.push(range),
    }
}
