//! What is written: bytes that do not compress and tell where they belong and how often they were written.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::workload::MOST_BLOCK_BYTES;

/// Every piece of this length is marked, so that no sector can be another's.
const PIECE_BYTES: usize = 512;
/// A mark: the piece's offset on the volume and the generation, 8 bytes each, little-endian, under a mask.
const MARK_BYTES: usize = 16;
/// Contents begin at one of so many places of the random bytes.
const STARTS: u64 = 1 << 20;

/// The contents of a workload's blocks.
///
/// Random bytes are drawn once; a content is a cut of them with its marks, under a mask of its own, so that no two contents
/// have bytes in common that a compressor would find. Making one costs little more than copying, and what is measured is the
/// volume.
pub(crate) struct Contents {
    random: Vec<u8>,
    seed: u64,
}

/// Where a content begins among the random bytes, and the mask it is under.
struct Cut {
    start: usize,
    mask: u64,
}

impl Contents {
    /// The contents of blocks of up to `block_bytes` bytes.
    pub(crate) fn new(seed: u64, block_bytes: u32) -> Self {
        let longest = block_bytes.min(MOST_BLOCK_BYTES) as usize;
        let mut random = vec![0; STARTS as usize + longest];
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        // Apart from the numbers that the plan draws.
        chance.set_stream(1);
        chance.fill_bytes(&mut random);
        Self { random, seed }
    }

    /// Fills `block`, which lies at `offset`, for the `generation`th time. Whole pieces of 512 bytes are filled.
    pub(crate) fn fill(&self, offset: u64, generation: u64, block: &mut [u8]) {
        let cut = self.cut(offset, generation);
        let random = &self.random[cut.start..cut.start + block.len()];
        let (words, _) = block.as_chunks_mut::<8>();
        for (word, random) in words.iter_mut().zip(random.as_chunks::<8>().0) {
            *word = (u64::from_le_bytes(*random) ^ cut.mask).to_le_bytes();
        }
        for (number, piece) in block.chunks_exact_mut(PIECE_BYTES).enumerate() {
            piece[..MARK_BYTES].copy_from_slice(&cut.mark(offset, number, generation));
        }
    }

    /// Where the first byte of `block` is that differs from what [`Contents::fill`] would put there.
    pub(crate) fn difference(&self, offset: u64, generation: u64, block: &[u8]) -> Option<usize> {
        let mut right = vec![0; block.len()];
        self.fill(offset, generation, &mut right);
        block.iter().zip(&right).position(|(found, right)| found != right)
    }

    fn cut(&self, offset: u64, generation: u64) -> Cut {
        let mask = mix(mix(offset ^ self.seed) ^ generation);
        Cut {
            start: (mix(mask) % STARTS) as usize,
            mask,
        }
    }
}

impl Cut {
    fn mark(&self, offset: u64, number: usize, generation: u64) -> [u8; MARK_BYTES] {
        let mut mark = [0; MARK_BYTES];
        let at = offset + (number * PIECE_BYTES) as u64;
        mark[..8].copy_from_slice(&(at ^ self.mask).to_le_bytes());
        mark[8..].copy_from_slice(&(generation ^ mix(at ^ self.mask)).to_le_bytes());
        mark
    }
}

/// Spreads a number over 64 bits as SplitMix64 does.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
