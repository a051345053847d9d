//! How the memory for the index is shared out, so that all of it together is never more.

use super::addresses::AddressSet;
use super::cache::NODE_MEMORY;
use super::commit::MOST_UNSYNCED;
use super::geometry::{FAN_OUT, Geometry, levels};
use super::recent::RECENT_MEMORY;
use super::seal::BATCH;
use super::space::Space;

/// What a block takes that was written since the index was: beside what [`Recent`](super::recent::Recent) takes, its slot
/// among those that no commit tells of, and its number while the index is written.
const BLOCK_MEMORY: usize = RECENT_MEMORY + 4 + 8;
/// Sets of addresses that there may be at a time.
const SETS: usize = 6;
/// What the sets take for such a block while the index is written, where they are not full: its old place, and those of
/// a node before and after.
const ADDRESSES_MEMORY: usize = 13;
/// What a page of the space map takes beside its bits: its entry twice, and its place in lists of what is written.
const PAGE_MEMORY: usize = 160;
/// What a block takes while a commit is made that tells of it.
const RECORD_MEMORY: usize = 96;
/// Slots are numbered with 4 bytes.
const MOST_RECENT: usize = 1 << 31;
/// So much there is for what is given up in any case, in bytes.
const LEAST_ELASTIC: usize = 1 << 20;

/// Shares of the memory.
pub(super) struct Budget {
    /// How many blocks may be known that the index does not tell of.
    pub(super) recent: usize,
    /// For what is given up with the next commit, and what that leaves for nodes of the index, in bytes.
    pub(super) elastic: usize,
}

impl Budget {
    pub(super) fn new(geometry: &Geometry, space: &Space, memory: usize) -> Self {
        let blocks = usize::try_from(geometry.blocks).unwrap_or(usize::MAX);
        let pages = geometry.pages() as usize;
        let [empty, full] = AddressSet::bounds(geometry);
        // While the index is written, a node of each level is made with all below it.
        let nodes = u64::from(levels(geometry.blocks) - 1) * FAN_OUT;
        let nodes = nodes.min(geometry.index_blocks()) as usize * NODE_MEMORY;
        let fixed = space.memory()
            + pages * PAGE_MEMORY
            + SETS * empty
            + nodes
            + MOST_UNSYNCED.min(blocks) * RECORD_MEMORY;
        let rest = memory.saturating_sub(fixed);
        let sets = (SETS - 2) * (full - empty);
        let (rest, each) = match rest / 8 > sets {
            true => (rest - sets, BLOCK_MEMORY),
            false => (rest, BLOCK_MEMORY + ADDRESSES_MEMORY),
        };
        let recent = (rest / 3 * 2 / each)
            .max(1024)
            .min(blocks.saturating_add(2 * BATCH))
            .min(MOST_RECENT);
        // Both that wait for a commit, as large as they can be.
        let least = (2 * (full - empty)).min(LEAST_ELASTIC);
        Self {
            recent,
            elastic: rest.saturating_sub(recent * each).max(least),
        }
    }

    /// How many nodes of the index there is room for beside `held` bytes of what was given up.
    pub(super) fn nodes(&self, geometry: &Geometry, held: usize) -> usize {
        let nodes = self.elastic.saturating_sub(held) / NODE_MEMORY;
        nodes.min(geometry.index_blocks() as usize)
    }
}
