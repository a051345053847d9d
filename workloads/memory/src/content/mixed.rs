//! The mixture of process memory, in blocks, so that every page holds something of its own.

use super::text;
use crate::random::Random;

const BLOCK: usize = 512;

#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Zeros,
    Pointers,
    Integers,
    Text,
    Random,
}

/// Fills a page.
pub(super) fn fill(random: &mut Random, page: &mut [u8]) {
    let mut only_zeros = true;
    let blocks = page.len().div_ceil(BLOCK);
    for (index, block) in page.chunks_mut(BLOCK).enumerate() {
        let mut kind = match random.below(100) {
            0..30 => Kind::Zeros,
            30..50 => Kind::Pointers,
            50..65 => Kind::Integers,
            65..85 => Kind::Text,
            _ => Kind::Random,
        };
        // A page of zeros alone would be a duplicate that nobody asked for.
        if only_zeros && index + 1 == blocks && kind == Kind::Zeros {
            kind = Kind::Random;
        }
        only_zeros &= kind == Kind::Zeros;
        match kind {
            Kind::Zeros => block.fill(0),
            Kind::Pointers => pointers(random, block),
            Kind::Integers => integers(random, block),
            Kind::Text => text::fill(random, block),
            Kind::Random => random.fill(block),
        }
    }
}

/// Addresses as programs on Linux have them: in the heap or among the libraries and stacks, aligned to 16.
fn pointers(random: &mut Random, block: &mut [u8]) {
    const HEAP: u64 = 0x0000_55d3_4000_0000;
    const MAPPED: u64 = 0x0000_7f3a_c000_0000;
    const WITHIN: u64 = 0x0fff_fff0;
    for word in block.chunks_mut(8) {
        let bits = random.next();
        let base = if bits >> 63 == 0 { HEAP } else { MAPPED };
        let pointer = base | (bits & WITHIN);
        word.copy_from_slice(&pointer.to_le_bytes()[..word.len()]);
    }
}

/// Counts and indices: most below 256, some below 65536.
fn integers(random: &mut Random, block: &mut [u8]) {
    for pair in block.chunks_mut(8) {
        let bits = random.next();
        let mut integers = bits & 0x0000_00ff_0000_00ff;
        // One integer of sixteen keeps its second byte too.
        if (bits >> 60) & 7 == 0 {
            integers |= bits & 0x0000_ff00;
        }
        pair.copy_from_slice(&integers.to_le_bytes()[..pair.len()]);
    }
}
