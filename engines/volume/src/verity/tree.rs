//! Where the blocks of a tree are.

use super::VerityError;
use super::superblock::{Parameters, SUPERBLOCK_BYTES};
use crate::store::Store;

/// The place of a tree on its store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HashArea {
    /// Where it begins, in bytes: the superblock, or without one the first block of hashes (`veritysetup --hash-offset`).
    pub offset: u64,
    /// Whether there is a superblock. Without, the first block must begin at a multiple of its size.
    pub superblock: bool,
}

/// One level of a tree.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Level {
    /// Where its first block is, in bytes of the store.
    pub(super) start: u64,
    pub(super) blocks: u64,
}

/// The levels of a tree, that of the data's digests first. There are none if there is one block of data.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) levels: Vec<Level>,
    pub(super) hash_block_bytes: usize,
    pub(super) digest_bytes: usize,
    /// Where it begins and ends, in bytes.
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Tree {
    /// The tree that `parameters`, which are in range, have at `area` of `store`.
    pub(super) fn new(
        store: &dyn Store,
        area: HashArea,
        parameters: &Parameters,
    ) -> Result<Self, VerityError> {
        let block = u64::from(parameters.hash_block_bytes);
        let digest_bytes = parameters.algorithm.digest_bytes();
        let refused = |end, limit| VerityError::Area {
            store: store.name(),
            what: "the tree of hashes",
            start: area.offset,
            end,
            limit,
        };
        let from = u128::from(area.offset);
        let start = if area.superblock {
            (from + SUPERBLOCK_BYTES as u128).next_multiple_of(block.into())
        } else {
            from
        };
        let fanout = block / digest_bytes as u64;
        let mut counts = Vec::new();
        let mut blocks = parameters.data_blocks;
        while blocks > 1 {
            blocks = blocks.div_ceil(fanout);
            counts.push(blocks);
        }
        let total: u128 = counts.iter().map(|count| u128::from(*count)).sum();
        let end = start + total * u128::from(block);
        if area.superblock && !area.offset.is_multiple_of(512) {
            return Err(refused(
                end,
                "a superblock begins at a multiple of 512".to_owned(),
            ));
        }
        if !area.superblock && !area.offset.is_multiple_of(block) {
            let limit = format!("without a superblock it begins at a multiple of {block}");
            return Err(refused(end, limit));
        }
        if end > u128::from(store.size()) {
            return Err(refused(end, format!("the store ends at {}", store.size())));
        }
        // Not past the end of the store, and so a u64.
        let start = start as u64;
        let mut levels = vec![Level { start, blocks: 0 }; counts.len()];
        let mut at = start;
        for (level, blocks) in levels.iter_mut().zip(counts).rev() {
            *level = Level { start: at, blocks };
            at += blocks * block;
        }
        Ok(Self {
            levels,
            hash_block_bytes: block as usize,
            digest_bytes,
            start,
            end: end as u64,
        })
    }

    /// How many digests a block has room for.
    pub(super) fn fanout(&self) -> u64 {
        (self.hash_block_bytes / self.digest_bytes) as u64
    }

    /// Where a block of a level is, in bytes of the store.
    pub(super) fn offset(&self, level: usize, block: u64) -> u64 {
        self.levels[level].start + block * self.hash_block_bytes as u64
    }
}

/// That `store` has all the data that `parameters` speak of, and, if the tree is on the same store, not within it.
pub(super) fn check_data(
    store: &dyn Store,
    parameters: &Parameters,
    tree: Option<(HashArea, &Tree)>,
) -> Result<(), VerityError> {
    let end = parameters.data_bytes();
    let refused = |limit| VerityError::Area {
        store: store.name(),
        what: "the data",
        start: 0,
        end: end.into(),
        limit,
    };
    if end > store.size() {
        return Err(refused(format!("the store ends at {}", store.size())));
    }
    if let Some((area, tree)) = tree {
        let start = if area.superblock { area.offset } else { tree.start };
        if start < end && (area.superblock || !tree.levels.is_empty()) {
            return Err(refused(format!("the hash area begins at {start}")));
        }
    }
    Ok(())
}
