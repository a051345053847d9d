//! Moving blocks: to make segments empty, and to do without the secrets of old sessions.
//!
//! Room never depends on it, since holes are filled too; it makes long pieces of what has come to be in many small ones.

use std::collections::HashSet;
use std::thread;
use std::time::Duration;

use super::SealedLog;
use super::commit::{lock, wait};
use super::entry::Entry;
use super::error::SealedLogError;
use super::geometry::BLOCK_BYTES;
use super::state::{State, data_place, placed};
use super::walk::Visited;
use crate::VolumeError;

/// Blocks that are moved under one lock.
const MOVED_AT_A_TIME: usize = 32;
/// Nodes of the index that are looked at under one lock.
const NODES_AT_A_TIME: usize = 32;
/// How long the lock is let go of: one that is taken again at once is hardly ever had by those who wait for it.
const GAP: Duration = Duration::from_micros(100);
/// Recent blocks that are looked at under one lock.
const SLOTS_AT_A_TIME: usize = NODES_AT_A_TIME * 128;
/// Nodes that are noted at a time to be written anew: some are over many others.
const MOST_TOUCHED: usize = 4096;
/// Of so many segments one may be made empty with one look at the index; what is moved takes room until the next flush.
const SHARE: usize = 100;
/// So many segments may be in any case.
const MOST_SEGMENTS: usize = 64;
/// A segment with more than so many of a thousand blocks taken is left as it is.
const MOST_TAKEN: u64 = 250;
/// A log with more than so many of a thousand blocks taken is left to the filling of holes.
const CROWDED: u64 = 700;

impl SealedLog {
    /// Makes segments empty that hold little, up to `segments` of them, but no more than 64 or a hundredth of the log; how
    /// many blocks were moved, those of the index and of the space map included, which move when the index is written next.
    /// The segments are free after the next flush, or the first one after that. Does nothing where the log is more than
    /// 70 % full: there the holes are filled.
    ///
    /// All of the index is looked at for it, a few nodes at a time; other callers go on between these.
    ///
    /// # Errors
    /// What the store said, or that a block is not authentic, which then stays where it is.
    pub fn clean(&self, segments: usize) -> Result<u64, VolumeError> {
        let victims: HashSet<u64> = {
            let state = lock(&self.state);
            if state.space.taken_permille() > CROWDED {
                return Ok(0);
            }
            let most = segments.min(MOST_SEGMENTS.max(state.space.segments() / SHARE));
            state.space.emptiest(most, MOST_TAKEN).into_iter().collect()
        };
        if victims.is_empty() {
            return Ok(0);
        }
        let moves = |log: &State, entry: &Entry| {
            let segment = entry.address().map(|address| log.space.segment(address));
            segment.is_some_and(|segment| victims.contains(&segment))
        };
        self.relocate(&moves, false)
    }

    /// Seals anew what the sessions but this one sealed, and forgets their secrets.
    pub(super) fn forget_sessions(&self) -> Result<(), SealedLogError> {
        let current = self.core.writer()?.number;
        self.relocate(&|_, entry| entry.epoch() != current, true)?;
        let mut state = lock(&self.state);
        while state.committing {
            state = wait(&self.changed, state);
        }
        // What is left of them is in the part of the journal that this commit's superblock does without.
        state.sessions.retain(|session| session.epoch == current);
        drop(self.commit(state, true)?);
        Ok(())
    }

    /// Moves blocks of whose entries `moves` holds, and has such nodes written anew with the index; how many these were.
    /// Where there are more nodes than are noted, the index is written if it is to be `all` of them; otherwise some are left.
    fn relocate(&self, moves: &dyn Fn(&State, &Entry) -> bool, all: bool) -> Result<u64, VolumeError> {
        let mut moved = 0;
        // What is recent is looked at first: where the index is written meanwhile, the rest is found there.
        let (mut slot, slots) = (0, lock(&self.state).recent.len());
        while slot < slots {
            let blocks: Vec<(u64, Entry)> = {
                let state = lock(&self.state);
                let recent = state.recent.iter().skip(slot).take(SLOTS_AT_A_TIME);
                recent.filter(|(_, entry)| moves(&state, entry)).collect()
            };
            slot += SLOTS_AT_A_TIME;
            moved += self.move_blocks(&blocks)?;
        }
        let (mut start, end) = (0, self.core.geometry.blocks);
        while start < end {
            let mut blocks = Vec::new();
            {
                let mut state = self.room(start * BLOCK_BYTES as u64, 0)?;
                let mut nodes = Vec::new();
                start = state.walk(&self.core, start..end, NODES_AT_A_TIME, &mut |at| match at {
                    Visited::Node(id, entry) => nodes.push((id, entry)),
                    Visited::Block(block, entry) => blocks.push((block, entry)),
                })?;
                blocks.retain(|(block, entry)| moves(&state, entry) && state.recent.get(*block).is_none());
                nodes.retain(|(_, entry)| moves(&state, entry));
                if all && state.touched.len() >= MOST_TOUCHED {
                    state.write_index(&self.core)?;
                }
                for ((level, index), _) in nodes {
                    if all || state.touched.len() < MOST_TOUCHED {
                        moved += u64::from(state.touched.insert(index << (7 * level)));
                    }
                }
            }
            thread::sleep(GAP);
            moved += self.move_blocks(&blocks)?;
        }
        Ok(moved + lock(&self.state).touch_map(moves))
    }

    /// Moves blocks that are still where they were.
    fn move_blocks(&self, blocks: &[(u64, Entry)]) -> Result<u64, VolumeError> {
        let mut moved = 0;
        let mut data = zeroize::Zeroizing::new(vec![0; BLOCK_BYTES]);
        for blocks in blocks.chunks(MOVED_AT_A_TIME) {
            let (offset, bytes) = (
                blocks[0].0 * BLOCK_BYTES as u64,
                (blocks.len() * BLOCK_BYTES) as u64,
            );
            let mut state = self.room(offset, blocks.len() as u64)?;
            let before = moved;
            for (block, then) in blocks {
                let entry = state.find_now(&self.core, *block)?;
                let (true, Some(address)) = (entry == *then, entry.address()) else {
                    continue;
                };
                match state.batch.get(address) {
                    Some(waiting) => data.copy_from_slice(waiting),
                    None => self.core.fetch(address, &mut data)?,
                }
                self.core.open(data_place(*block), entry, &mut data)?;
                let indexed = state.recent.get(*block).is_none();
                let written = state.write_blocks(&self.core, *block, &data);
                written.map_err(|error| placed(error, offset, bytes))?;
                // The index goes on naming it; that it is given up need not wait for the index to be written.
                if indexed && state.gone.insert(address) {
                    state.release(&self.core, &entry);
                }
                moved += 1;
            }
            state.statistics.moved_blocks += moved - before;
            drop(state);
            thread::sleep(GAP);
        }
        Ok(moved)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sealab_engine::Engine;

    use super::super::{CreateOptions, OpenOptions, create, open, store_bytes};
    use super::*;
    use crate::Volume;
    use crate::luks::Argon2Cost;
    use crate::store::MemoryStore;

    const BLOCKS: u64 = 5000;

    fn opened(engine: &Arc<dyn Engine>, store: &Arc<MemoryStore>) -> SealedLog {
        let options = OpenOptions {
            index_memory: 0,
            ..OpenOptions::default()
        };
        open(engine.clone(), store.clone(), b"passphrase", &options, None).expect("a log")
    }

    /// Commits with the index written, and counts what that leads to.
    fn unaccounted(log: &SealedLog) -> i64 {
        for _ in 0..2 {
            let state = lock(&log.state);
            drop(log.commit(state, true).expect("a commit"));
        }
        let mut state = lock(&log.state);
        let mut found = state.map.len();
        let walked = state.walk(&log.core, 0..log.core.geometry.blocks, usize::MAX, &mut |_| {
            found += 1
        });
        walked.expect("the index");
        log.core.geometry.log as i64 - state.space.free() as i64 - found
    }

    #[test]
    fn what_is_given_up_is_free_in_the_end_and_nothing_else() {
        let engine: Arc<dyn Engine> = Arc::from((sealab_engine_aws_lc::CANDIDATE.open)().expect("an engine"));
        let bytes = store_bytes(BLOCKS * BLOCK_BYTES as u64).expect("a size");
        let store = Arc::new(MemoryStore::new(bytes));
        let cost = Argon2Cost {
            time: 4,
            memory: 32,
            cpus: 1,
        };
        create(&*engine, &*store, b"passphrase", &CreateOptions { cost }, None).expect("a log");
        let mut random = 3u64;
        let mut below = |bound: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) % bound
        };
        let mut moved = 0;
        for _ in 0..6 {
            let log = opened(&engine, &store);
            for _ in 0..4000 {
                let (offset, block) = (below(BLOCKS) * BLOCK_BYTES as u64, BLOCK_BYTES as u64);
                match below(400) {
                    0 => log.clean(16).map(|more| moved += more),
                    1 | 2 => log.flush(),
                    3..200 => log.discard(offset, block * below(40).min(BLOCKS - offset / block)),
                    _ => log.write(offset, &[7; BLOCK_BYTES]),
                }
                .expect("a request");
            }
            drop(log);
            // What no commit told of is lost; what it took is not.
            assert_eq!(unaccounted(&opened(&engine, &store)), 0);
            let log = opened(&engine, &store);
            for block in (0..BLOCKS).step_by(3) {
                log.write(block * BLOCK_BYTES as u64, &[8; BLOCK_BYTES])
                    .expect("a write");
            }
            assert_eq!(unaccounted(&log), 0);
        }
        assert!(moved > 100, "{moved}");
    }
}
