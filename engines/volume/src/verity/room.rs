//! How much room a tree takes.

use super::{Parameters, SUPERBLOCK_BYTES};

impl Parameters {
    /// The bytes of a hash area: a superblock, padded to a block of hashes, and the tree.
    pub fn hash_bytes(&self) -> u64 {
        let block = u64::from(self.hash_block_bytes.max(1));
        // The kernel rounds digests up to a power of two; both that are allowed are one.
        let digests = (block / self.algorithm.digest_bytes().max(1) as u64).max(2);
        let mut bytes = (SUPERBLOCK_BYTES as u64).next_multiple_of(block);
        let mut blocks = self.data_blocks;
        while blocks > 1 {
            blocks = blocks.div_ceil(digests);
            bytes = bytes.saturating_add(blocks.saturating_mul(block));
        }
        bytes
    }
}
