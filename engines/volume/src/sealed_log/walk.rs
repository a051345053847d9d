//! Going through the index in order of the blocks, all of it or a piece at a time.

use std::ops::Range;

use super::cache::NodeId;
use super::entry::Entry;
use super::geometry::FAN_OUT;
use super::state::{Core, State};
use crate::VolumeError;

/// What stands in the index.
pub(super) enum Visited {
    Node(NodeId, Entry),
    Block(u64, Entry),
}

impl State {
    /// The blocks of `blocks` that are not zeroes; the index is read with the lock held.
    pub(super) fn mapped(
        &mut self,
        core: &Core,
        blocks: Range<u64>,
    ) -> Result<Vec<(u64, Entry)>, VolumeError> {
        let mut found = Vec::new();
        self.walk(core, blocks.clone(), usize::MAX, &mut |at| {
            if let Visited::Block(block, entry) = at {
                found.push((block, entry));
            }
        })?;
        found.retain(|(block, _)| self.recent.get(*block).is_none());
        let is_mapped = |(_, entry): &(u64, Entry)| entry.address().is_some();
        if blocks.end - blocks.start < self.recent.len() as u64 {
            let recent = blocks.filter_map(|block| Some((block, self.recent.get(block)?)));
            found.extend(recent.filter(is_mapped));
        } else {
            let recent = self.recent.iter().filter(|(block, _)| blocks.contains(block));
            found.extend(recent.filter(is_mapped));
        }
        found.sort_unstable_by_key(|(block, _)| *block);
        Ok(found)
    }

    /// Visits the nodes and blocks of the index over `blocks`, without what is recent, in order of the blocks, until about
    /// `most` nodes were read; where to go on. Nodes that begin before `blocks` are passed over.
    pub(super) fn walk(
        &mut self,
        core: &Core,
        blocks: Range<u64>,
        most: usize,
        visit: &mut dyn FnMut(Visited),
    ) -> Result<u64, VolumeError> {
        // It must get to a node over blocks that was not read before.
        let mut left = most.max(self.levels as usize);
        self.walk_under(core, (self.levels, 0), self.root, &blocks, &mut left, visit)
    }

    fn walk_under(
        &mut self,
        core: &Core,
        id: NodeId,
        entry: Entry,
        blocks: &Range<u64>,
        left: &mut usize,
        visit: &mut dyn FnMut(Visited),
    ) -> Result<u64, VolumeError> {
        let (level, shift) = (id.0, 7 * (id.0 - 1));
        let first = id.1 * FAN_OUT;
        let end = ((first + FAN_OUT) << shift).min(blocks.end);
        if entry.address().is_none() {
            return Ok(end);
        }
        let start = (first << shift).max(blocks.start);
        if *left == 0 {
            return Ok(start);
        }
        *left -= 1;
        if first << shift >= blocks.start {
            visit(Visited::Node(id, entry));
        }
        let node = self.node(core, id, entry)?;
        // Who goes on from here comes through again.
        if level > 1 {
            self.cache.insert(id, node.clone());
        }
        for child in start >> shift..end.div_ceil(1 << shift) {
            let entry = node.get(child);
            if level > 1 {
                let until = self.walk_under(core, (level - 1, child), entry, blocks, left, visit)?;
                if until < ((child + 1) << shift).min(blocks.end) {
                    return Ok(until);
                }
            } else if entry.address().is_some() {
                visit(Visited::Block(child, entry));
            }
        }
        Ok(end)
    }
}
