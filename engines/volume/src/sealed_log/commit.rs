//! Commits: what was written becomes durable together, with one sync.
//!
//! The sealed blocks and the journal's units that tell of them go out before the same sync. After a power cut, units may
//! be there whose blocks are not; whoever opens the log sees by the tags whether that is so for the last commit, the only
//! one for which it can be. A commit that tells of a new index, or of more blocks than are quickly looked at, is made with
//! a sync in between.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::SealedLog;
use super::entry::Entry;
use super::geometry::Geometry;
use super::journal::{UNIT_BYTES, UNIT_RECORDS, Unit, UnitKind, ring_units, unit_offset};
use super::state::{Core, State};
use super::superblock::Superblock;
use crate::VolumeError;

/// A commit of more blocks is synced before it is told of: 32 MiB.
const MOST_UNSYNCED: usize = 8192;
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
        let prepared = state.prepare(&self.core, index)?;
        drop(state);
        let done = self.carry_out(&prepared);
        let mut state = lock(&self.state);
        state.committing = false;
        match done {
            Ok(()) => state.committed(&prepared),
            Err(error) => {
                state.failed = Some(error.to_string());
                self.changed.notify_all();
                return Err(VolumeError::store("committing to the log", 0, 0, error));
            }
        }
        self.changed.notify_all();
        Ok(state)
    }

    fn carry_out(&self, prepared: &Prepared) -> io::Result<()> {
        let (store, geometry) = (&*self.core.store, &self.core.geometry);
        if prepared.synced {
            store.sync()?;
        }
        let ring = ring_units(geometry);
        let before_end =
            ((ring - prepared.first_unit % ring) as usize * UNIT_BYTES).min(prepared.units.len());
        let (first, rest) = prepared.units.split_at(before_end);
        store.write_at(unit_offset(geometry, prepared.first_unit), first)?;
        if !rest.is_empty() {
            store.write_at(geometry.journal_offset(), rest)?;
        }
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
            self.write_index(core, &[])?;
        }
        if used(self) + needed(self) + SPARE_UNITS > ring {
            return Err(VolumeError::NoSpace { offset: 0, bytes: 0 });
        }
        self.write_out(core)?;
        let (first_unit, commit) = (self.link.unit, self.commit + 1);
        let (roots, synced) = (
            self.root_pending,
            self.root_pending || self.pending.len() > MOST_UNSYNCED,
        );
        let mut records: Vec<(u64, Entry)> = Vec::with_capacity(self.pending.len());
        records.extend(
            self.pending
                .iter()
                .filter_map(|block| Some((*block, *self.recent.get(block)?))),
        );
        let mut units = Vec::new();
        let mut link = self.link;
        let mut seal = |unit: Unit| match &mut self.journal_cipher {
            Some(cipher) => cipher
                .seal(&mut link, &unit, &mut units)
                .map_err(|error| error.to_string()),
            None => Err("the log is open for reading only".to_owned()),
        };
        let sealed = (|| {
            if roots {
                seal(Unit {
                    commit,
                    kind: UnitKind::Roots,
                    records: vec![(0, self.root), (0, self.map.root())],
                })?;
            }
            let mut rest = &records[..];
            loop {
                let (these, others) = rest.split_at(rest.len().min(UNIT_RECORDS));
                rest = others;
                let last = rest.is_empty();
                seal(Unit {
                    commit,
                    kind: if last {
                        UnitKind::Last { synced }
                    } else {
                        UnitKind::More
                    },
                    records: these.to_vec(),
                })?;
                if last {
                    return Ok::<(), String>(());
                }
            }
        })();
        // Units may have been sealed that were not written: their numbers must not be used again.
        if let Err(reason) = sealed {
            self.failed = Some(reason);
            self.check()?;
        }
        self.link = link;
        self.pending.clear();
        self.root_pending = false;
        self.boundary = self.sequence;
        self.released_before = std::mem::take(&mut self.released);
        self.committing = true;
        // The superblock stands for a state without journal: with records behind the roots, the one before goes on.
        let superblock = (roots && records.is_empty()).then(|| {
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

    fn committed(&mut self, prepared: &Prepared) {
        self.commit = prepared.commit;
        self.durable_writes = prepared.covered;
        for address in std::mem::take(&mut self.released_before) {
            self.space.clear(address);
        }
        if let Some(superblock) = &prepared.superblock {
            self.journal_start = superblock.unit;
        }
        self.statistics.commits += 1;
    }
}
