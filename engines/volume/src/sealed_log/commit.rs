//! Commits: what was written becomes durable together, with one sync.
//!
//! The sealed blocks and the journal's units that tell of them go out before the same sync. After a power cut, units may
//! be there whose blocks are not; whoever opens the log sees by the tags whether that is so for the last commit, the only
//! one for which it can be. A commit that tells of a new index, or of more blocks than are quickly looked at, is made with
//! a sync in between.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::SealedLog;
use super::geometry::{BLOCK_BYTES, Geometry};
use super::journal::{
    JournalCipher, Link, UNIT_BYTES, UNIT_RECORDS, Unit, UnitKind, ring_units, unit_offset,
};
use super::state::{Core, State, placed};
use super::superblock::Superblock;
use crate::VolumeError;

/// A commit of more blocks is synced before it is told of: 32 MiB.
pub(super) const MOST_UNSYNCED: usize = 8192;
/// Units of such a commit that are sealed before they are written: 512 KiB.
const UNITS_AT_A_TIME: usize = 1024;
/// Units that are never used, so that no write that is rounded up to 4096 bytes touches a unit that is still needed.
const SPARE_UNITS: u64 = 8;
/// Units of a commit that tells of a new index and nothing else.
const ROOT_UNITS: u64 = 2;

/// The state under its lock.
pub(super) type Locked<'a> = MutexGuard<'a, State>;

/// A commit that is ready to be written.
struct Prepared {
    commit: u64,
    units: Vec<u8>,
    first_unit: u64,
    synced: bool,
    superblock: Option<Superblock>,
    slot: usize,
    covered: u64,
}

pub(super) fn lock(state: &Mutex<State>) -> Locked<'_> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn wait<'a>(changed: &Condvar, state: Locked<'a>) -> Locked<'a> {
    changed.wait(state).unwrap_or_else(PoisonError::into_inner)
}

impl SealedLog {
    /// Makes all that was written before the call durable, together with others who ask for the same.
    pub(super) fn commit_all(&self) -> Result<(), VolumeError> {
        let mut state = lock(&self.state);
        let target = state.writes;
        loop {
            state.check()?;
            if state.durable_writes >= target {
                return Ok(());
            }
            state = if state.committing {
                wait(&self.changed, state)
            } else {
                self.commit(state, false)?
            };
        }
    }

    /// Makes a commit of all that was written, with the index written if `index` says so or the journal has no room.
    /// None may be under way.
    pub(super) fn commit<'a>(
        &'a self,
        mut state: Locked<'a>,
        index: bool,
    ) -> Result<Locked<'a>, VolumeError> {
        let waiting = state.waiting_bytes();
        let prepared = state
            .prepare(&self.core, index)
            .map_err(|error| placed(error, waiting.0, waiting.1))?;
        drop(state);
        let done = self.carry_out(&prepared);
        let mut state = lock(&self.state);
        state.committing = false;
        match done {
            Ok(()) => state.committed(&prepared),
            Err(error) => {
                state.failed = Some(error.to_string());
                self.changed.notify_all();
                return Err(VolumeError::store(
                    "committing to the log",
                    waiting.0,
                    waiting.1,
                    error,
                ));
            }
        }
        self.changed.notify_all();
        Ok(state)
    }

    fn carry_out(&self, prepared: &Prepared) -> io::Result<()> {
        let store = &*self.core.store;
        if prepared.synced {
            store.sync()?;
        }
        self.core.write_units(prepared.first_unit, &prepared.units)?;
        store.sync()?;
        if let Some(counter) = &self.counter {
            counter.advance_to(prepared.commit)?;
        }
        if let Some(superblock) = &prepared.superblock {
            self.core.write_superblock(superblock, prepared.slot)?;
        }
        Ok(())
    }
}

impl Core {
    /// Writes units of the journal, fewer than it has, from the one with that number on.
    fn write_units(&self, first: u64, units: &[u8]) -> io::Result<()> {
        let ring = ring_units(&self.geometry);
        let before_end = ((ring - first % ring) as usize * UNIT_BYTES).min(units.len());
        let (units, rest) = units.split_at(before_end);
        self.store.write_at(unit_offset(&self.geometry, first), units)?;
        if !rest.is_empty() {
            self.store.write_at(self.geometry.journal_offset(), rest)?;
        }
        Ok(())
    }

    /// Writes a superblock; it is durable when this returns.
    pub(super) fn write_superblock(&self, superblock: &Superblock, slot: usize) -> io::Result<()> {
        let sealed = superblock
            .seal(&*self.engine, &self.volume_key)
            .map_err(io::Error::other)?;
        self.store.write_at(Geometry::slot_offset(slot), &sealed)?;
        self.store.sync()
    }
}

impl State {
    /// That nothing went wrong for good.
    pub(super) fn check(&self) -> Result<(), VolumeError> {
        match &self.failed {
            None => Ok(()),
            Some(reason) => Err(VolumeError::Store {
                place: "the log takes no more writes until it is opened anew".to_owned(),
                source: io::Error::other(reason.clone()),
            }),
        }
    }

    /// Sees to it that all blocks are with the store, and seals the units that tell of them.
    fn prepare(&mut self, core: &Core, index: bool) -> Result<Prepared, VolumeError> {
        let ring = ring_units(&core.geometry);
        let used = |state: &Self| state.link.unit - state.journal_start;
        let needed = |state: &Self| state.pending.len().div_ceil(UNIT_RECORDS) as u64 + ROOT_UNITS;
        // The index is written before the journal is full: what comes after it needs room until the superblock is written.
        let crowded = used(self) + needed(self) > ring / 8 * 7;
        let room = self.space.free() >= core.geometry.index_blocks();
        if index || crowded && room {
            self.write_index(core)?;
        }
        if used(self) + needed(self) + SPARE_UNITS > ring {
            let (offset, bytes) = self.waiting_bytes();
            return Err(VolumeError::NoSpace { offset, bytes });
        }
        self.write_out(core)?;
        let commit = self.commit + 1;
        let (roots, synced) = (
            self.root_pending,
            self.root_pending || self.pending.len() > MOST_UNSYNCED,
        );
        let pending = std::mem::take(&mut self.pending);
        let sealed = self.seal_units(core, commit, &pending, synced);
        let told = !pending.is_empty();
        self.pending = pending;
        self.pending.clear();
        let (first_unit, units) = match sealed {
            Ok(sealed) => sealed,
            // Units may have been sealed that were not written: their numbers must not be used again.
            Err(error) => {
                self.failed = Some(error.to_string());
                return Err(VolumeError::store("committing to the log", 0, 0, error));
            }
        };
        let link = self.link;
        self.root_pending = false;
        self.boundary = self.sequence;
        self.released_before = self.released.take();
        self.committing = true;
        // The superblock stands for a state without journal: with records behind the roots, the one before goes on.
        let superblock = (roots && !told).then(|| {
            self.generation += 1;
            Superblock {
                generation: self.generation,
                commit,
                unit: link.unit,
                previous: link.previous,
                data: self.root,
                map: self.map.root(),
                sessions: self.sessions.clone(),
            }
        });
        let slot = self.slot;
        if superblock.is_some() {
            self.slot = 1 - slot;
        }
        Ok(Prepared {
            commit,
            units,
            first_unit,
            synced,
            superblock,
            slot,
            covered: self.writes,
        })
    }

    /// Seals the units of a commit that tells of the `pending` slots; those that are still to be written, with the number of
    /// the first one. What is synced in two steps anyway is written as it is sealed, all but its end: without that it is no
    /// commit, whatever of it the power leaves.
    fn seal_units(
        &mut self,
        core: &Core,
        commit: u64,
        pending: &[u32],
        synced: bool,
    ) -> io::Result<(u64, Vec<u8>)> {
        let Some(cipher) = &mut self.journal_cipher else {
            return Err(io::Error::other("the log is open for reading only"));
        };
        let mut sealing = Sealing {
            cipher,
            link: &mut self.link,
            core: synced.then_some(core),
            first_unit: 0,
            units: Vec::new(),
        };
        sealing.first_unit = sealing.link.unit;
        if self.root_pending {
            sealing.seal(&Unit {
                commit,
                kind: UnitKind::Roots,
                records: vec![(0, self.root), (0, self.map.root())],
            })?;
        }
        let units = pending.len().div_ceil(UNIT_RECORDS).max(1);
        for unit in 0..units {
            let slots = pending.iter().skip(unit * UNIT_RECORDS).take(UNIT_RECORDS);
            sealing.seal(&Unit {
                commit,
                kind: match unit + 1 == units {
                    true => UnitKind::Last { synced },
                    false => UnitKind::More,
                },
                records: slots.filter_map(|slot| self.recent.slot(*slot)).collect(),
            })?;
        }
        Ok((sealing.first_unit, sealing.units))
    }

    /// What a commit would write, for messages: where the first of the blocks is that none tells of yet, and how many bytes
    /// wait.
    fn waiting_bytes(&self) -> (u64, u64) {
        let first = self.pending.first().and_then(|slot| self.recent.slot(*slot));
        let blocks = self.pending.len().max(self.batch.len()).max(1);
        let block = BLOCK_BYTES as u64;
        (first.map_or(0, |(first, _)| first * block), blocks as u64 * block)
    }

    fn committed(&mut self, prepared: &Prepared) {
        self.commit = prepared.commit;
        self.durable_writes = prepared.covered;
        let free = self.released_before.take();
        free.each(&mut |address| self.space.clear(address));
        if let Some(superblock) = &prepared.superblock {
            self.journal_start = superblock.unit;
        }
        self.statistics.commits += 1;
    }
}

/// Units that are being sealed.
struct Sealing<'a> {
    cipher: &'a mut JournalCipher,
    link: &'a mut Link,
    /// Where they may be written before the commit's last one is sealed.
    core: Option<&'a Core>,
    first_unit: u64,
    units: Vec<u8>,
}

impl Sealing<'_> {
    fn seal(&mut self, unit: &Unit) -> io::Result<()> {
        if let (Some(core), true) = (self.core, self.units.len() >= UNITS_AT_A_TIME * UNIT_BYTES) {
            core.write_units(self.first_unit, &self.units)?;
            self.units.clear();
            self.first_unit = self.link.unit;
        }
        self.cipher
            .seal(self.link, unit, &mut self.units)
            .map_err(io::Error::other)
    }
}
