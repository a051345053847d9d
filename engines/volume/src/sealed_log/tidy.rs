//! Moving blocks: to make segments empty, and to do without the secrets of old sessions.
//!
//! Room never depends on it, since holes are filled too; it makes long pieces of what has come to be in many small ones.

use std::collections::HashSet;

use super::SealedLog;
use super::commit::{lock, wait};
use super::entry::Entry;
use super::error::SealedLogError;
use super::geometry::BLOCK_BYTES;
use super::state::data_place;
use crate::VolumeError;

/// Blocks that are moved under one lock.
const MOVED_AT_A_TIME: usize = 64;
/// Segments that are made empty with one look at the index.
const MOST_SEGMENTS: usize = 64;
/// A segment with more than so many of a thousand blocks taken is left as it is.
const MOST_TAKEN: u64 = 250;
/// A log with more than so many of a thousand blocks taken is left to the filling of holes.
const CROWDED: u64 = 700;

impl SealedLog {
    /// Makes segments empty that hold little, up to `segments` of them; how many blocks were moved. The segments are free
    /// after the next flush. Does nothing where the log is more than 70 % full: there the holes are filled.
    ///
    /// # Errors
    /// What the store said, or that a block is not authentic, which then stays where it is.
    pub fn clean(&self, segments: usize) -> Result<u64, VolumeError> {
        let victims: HashSet<u64> = {
            let state = lock(&self.state);
            if state.space.taken_permille() > CROWDED {
                return Ok(0);
            }
            let most = segments.min(MOST_SEGMENTS);
            state.space.emptiest(most, MOST_TAKEN).into_iter().collect()
        };
        if victims.is_empty() {
            return Ok(0);
        }
        self.relocate(&|log, entry| {
            let segment = entry.address().map(|address| log.space.segment(address));
            segment.is_some_and(|segment| victims.contains(&segment))
        })
    }

    /// Seals anew what the sessions but this one sealed, and forgets their secrets.
    pub(super) fn forget_sessions(&self) -> Result<(), SealedLogError> {
        let current = self.core.writer()?.number;
        self.relocate(&|_, entry| entry.epoch() != current)?;
        let mut state = lock(&self.state);
        while state.committing {
            state = wait(&self.changed, state);
        }
        // What is left of them is in the part of the journal that this commit's superblock does without.
        state.sessions.retain(|session| session.epoch == current);
        drop(self.commit(state, true)?);
        Ok(())
    }

    /// Moves all blocks and writes all nodes anew of whose entries `moves` holds.
    fn relocate(&self, moves: &dyn Fn(&super::state::State, &Entry) -> bool) -> Result<u64, VolumeError> {
        let (mut blocks, mut touched) = (Vec::new(), Vec::new());
        {
            let mut state = self.room(0, 0)?;
            let (root, levels) = (state.root, state.levels);
            let (mut nodes, mut found) = (Vec::new(), Vec::new());
            state.walk(
                &self.core,
                (levels, 0),
                root,
                &(0..self.core.geometry.blocks),
                &mut |id, entry| nodes.push((id, entry)),
                &mut |block, entry| found.push((block, entry)),
            )?;
            found.retain(|(block, entry)| moves(&state, entry) && !state.recent.contains_key(block));
            blocks.extend(found);
            let recent = state.recent.iter().filter(|(_, entry)| entry.address().is_some());
            blocks.extend(
                recent
                    .filter(|(_, entry)| moves(&state, entry))
                    .map(|(block, entry)| (*block, *entry)),
            );
            touched.extend(
                nodes
                    .iter()
                    .filter(|(_, entry)| moves(&state, entry))
                    .map(|((level, index), _)| index << (7 * level)),
            );
        }
        let mut moved = 0;
        let mut data = zeroize::Zeroizing::new(vec![0; BLOCK_BYTES]);
        for blocks in blocks.chunks(MOVED_AT_A_TIME) {
            let mut state = self.room(0, blocks.len() as u64)?;
            for (block, before) in blocks {
                let entry = state.find_now(&self.core, *block)?;
                let (true, Some(address)) = (entry == *before, entry.address()) else {
                    continue;
                };
                match state.batch.get(address) {
                    Some(waiting) => data.copy_from_slice(waiting),
                    None => self.core.fetch(address, &mut data)?,
                }
                self.core.open(data_place(*block), entry, &mut data)?;
                state.write_blocks(&self.core, *block, &data)?;
                moved += 1;
            }
            state.statistics.moved_blocks += blocks.len() as u64;
        }
        let mut state = self.room(0, 0)?;
        if state.touch_map(moves) || !touched.is_empty() {
            touched.sort_unstable();
            touched.dedup();
            state.write_index(&self.core, &touched)?;
            state.writes += 1;
            drop(state);
            drop(self.room(0, 0)?);
        }
        Ok(moved)
    }
}
