//! What volumes hold: blocks that all differ, with canaries in every sector of 512 bytes.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::canary::{CANARY_BYTES, canary};

/// The unit of acts, in bytes.
pub(super) const BLOCK_BYTES: usize = 4096;
/// How many of a volume's blocks have content.
pub(super) const BLOCKS: u64 = 256;
/// Their bytes together.
pub(super) const BYTES: u64 = BLOCKS * BLOCK_BYTES as u64;

/// The snapshots.
pub(super) const OLDER: u64 = 1;
pub(super) const NEWER: u64 = 2;
/// What is written to a block after the newer snapshot begins with this number.
pub(super) const LATER: u64 = 1000;

const SECTOR_BYTES: usize = 512;
/// Not at the start of a sector, and across cipher blocks.
const CANARY_AT: usize = 200;
const CANARIES: u64 = 8;

/// The content of a block in a snapshot.
pub(super) fn content(snapshot: u64, block: u64) -> Vec<u8> {
    let mut bytes = noise(snapshot, block);
    let text = canary(&format!("volume {}", block % CANARIES), snapshot.min(LATER));
    for sector in bytes.chunks_exact_mut(SECTOR_BYTES) {
        sector[CANARY_AT..CANARY_AT + CANARY_BYTES].copy_from_slice(text.as_bytes());
    }
    bytes
}

/// A block of noise, another one for each snapshot and number.
pub(super) fn noise(snapshot: u64, block: u64) -> Vec<u8> {
    let mut bytes = vec![0; BLOCK_BYTES];
    let mut chance = ChaCha8Rng::seed_from_u64(snapshot);
    chance.set_stream(block);
    chance.fill_bytes(&mut bytes);
    bytes
}

/// The canaries of all snapshots.
pub(super) fn canaries() -> Vec<String> {
    let of = |snapshot| (0..CANARIES).map(move |number| canary(&format!("volume {number}"), snapshot));
    [OLDER, NEWER, LATER].into_iter().flat_map(of).collect()
}
