//! Canaries: byte sequences that are planted in the generated memory, so that a scan of what was stored can show that
//! nothing of it is in clear.

use crate::random::Random;

/// The length of a canary, in bytes.
pub const CANARY_BYTES: usize = 32;

/// The most canaries of one workload; a scan looks for each of them.
pub(crate) const MOST: usize = 16;

const PREFIX: &[u8] = b"SEALAB-CANARY-";

/// One planted canary: `SEALAB-CANARY-` and 18 digits, different for each seed and place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Canary {
    /// Where it begins in the workload's bytes. Duplicate pages may repeat it elsewhere.
    pub offset: usize,
    /// The bytes to look for.
    pub bytes: [u8; CANARY_BYTES],
}

impl Canary {
    pub(crate) fn new(random: &mut Random, offset: usize) -> Self {
        let mut bytes = [0; CANARY_BYTES];
        let (prefix, digits) = bytes.split_at_mut(PREFIX.len());
        prefix.copy_from_slice(PREFIX);
        let mut number = random.next();
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
        Self { offset, bytes }
    }

    /// Plants the canary in `block`, which begins at `start` of the workload and holds it wholly.
    pub(crate) fn plant(&self, block: &mut [u8], start: usize) {
        let at = self.offset - start;
        block[at..at + CANARY_BYTES].copy_from_slice(&self.bytes);
    }
}
