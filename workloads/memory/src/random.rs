//! The one source of chance of the generated workloads: ChaCha8 by seed and purpose, the same on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Bytes drawn from the generator at once; ChaCha8's SIMD path needs runs of blocks.
const BATCH_BYTES: usize = 8192;

/// A deterministic stream of random numbers, for one seed and one purpose.
pub(crate) struct Random {
    generator: ChaCha8Rng,
    batch: Box<[u8; BATCH_BYTES]>,
    used: usize,
}

impl Random {
    /// The stream of `seed` for `purpose`; only the first 24 bytes of the purpose tell streams apart.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        debug_assert!(purpose.len() <= 24, "{purpose}");
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        for (to, from) in key[8..].iter_mut().zip(purpose.bytes()) {
            *to = from;
        }
        Self {
            generator: ChaCha8Rng::from_seed(key),
            batch: Box::new([0; BATCH_BYTES]),
            used: BATCH_BYTES,
        }
    }

    /// Fills `out` with random bytes.
    pub(crate) fn fill(&mut self, out: &mut [u8]) {
        self.generator.fill_bytes(out);
    }

    /// The next 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        if self.used == BATCH_BYTES {
            self.generator.fill_bytes(&mut self.batch[..]);
            self.used = 0;
        }
        let mut word = [0; 8];
        word.copy_from_slice(&self.batch[self.used..self.used + 8]);
        self.used += 8;
        u64::from_le_bytes(word)
    }

    /// A number below `bound`, which must not be 0. The bias of the multiplication is below 2^-32 for any bound here.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }
}
