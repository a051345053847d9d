//! What the journal adds to a superblock: commits that are whole, up to the last one.

use zeroize::Zeroizing;

use super::commit::MOST_UNSYNCED;
use super::counted::Counted;
use super::entry::Entry;
use super::error::SealedLogError;
use super::geometry::BLOCK_BYTES;
use super::journal::{JournalCipher, Link, UNIT_BYTES, Unit, UnitKind, ring_units, unit_offset};
use super::recent::Recent;
use super::seal::Epoch;
use super::state::{Core, data_place};
use super::superblock::{Session, Superblock};

/// Units that are read from the store at a time.
const READ_UNITS: u64 = 128;

/// What the journal adds to a superblock.
pub(super) struct Replayed {
    pub(super) recent: Recent,
    pub(super) data: Entry,
    pub(super) map: Entry,
    pub(super) commit: u64,
    pub(super) link: Link,
}

/// A commit as the journal tells of it.
struct Told {
    /// Where it begins.
    start: Link,
    records: Vec<(u64, Entry)>,
    /// Whether there are more records than are kept, and they are to be read again.
    more: bool,
    roots: Option<(Entry, Entry)>,
    synced: bool,
    commit: u64,
    link: Link,
}

impl Core {
    /// Follows the journal from a superblock to the last commit that is whole; what it tells of goes to `recent`.
    pub(super) fn replay(
        &self,
        superblock: &Superblock,
        counter: Option<&Counted>,
        recent: Recent,
    ) -> Result<Replayed, SealedLogError> {
        let mut done = Replayed {
            recent,
            data: superblock.data,
            map: superblock.map,
            commit: superblock.commit,
            link: Link {
                unit: superblock.unit,
                previous: superblock.previous,
            },
        };
        let mut reader = UnitReader::new(self);
        let mut sessions = superblock.sessions.iter().peekable();
        let mut current = None;
        while let Some(session) = sessions.next_if(|session| session.commit <= superblock.commit) {
            current = Some(session);
        }
        let mut told: Option<Told> = None;
        let epoch = |session: Option<&Session>| self.epochs.get(&session?.epoch);
        loop {
            let (link, commit) = told
                .as_ref()
                .map_or((done.link, done.commit), |told| (told.link, told.commit));
            // Where a session began, all before was whole.
            if let Some(session) =
                sessions.next_if(|session| session.unit == link.unit && session.commit == commit + 1)
            {
                if let (Some(told), Some(epoch)) = (told.take(), epoch(current)) {
                    done.accept(told, &mut reader, epoch)?;
                }
                done.commit += 1;
                current = Some(session);
                continue;
            }
            let next = match epoch(current) {
                Some(epoch) => reader.commit(epoch, link, commit + 1, &mut |_, _| ())?,
                None => None,
            };
            let (next, begun) = match next {
                Some(Read::Whole(next)) => (Some(next), true),
                Some(Read::Begun) => (None, true),
                None => (None, false),
            };
            if let (Some(last), Some(epoch)) = (told.take(), epoch(current)) {
                // The next commit is not begun before this one is durable; nor is one counted.
                let counted = counter.is_some_and(|counter| counter.commits() >= last.commit);
                if begun || last.synced || counted || sessions.peek().is_some() || self.is_whole(&last)? {
                    done.accept(last, &mut reader, epoch)?;
                }
            }
            told = next;
            if told.is_none() {
                break;
            }
        }
        if let Some(session) = sessions.last() {
            return Err(SealedLogError::Journal {
                name: self.store.name(),
                found: done.commit,
                expected: session.commit - 1,
            });
        }
        Ok(done)
    }

    /// Whether all blocks that a commit tells of are there.
    fn is_whole(&self, told: &Told) -> Result<bool, SealedLogError> {
        let mut data = Zeroizing::new(vec![0; BLOCK_BYTES]);
        for (block, entry) in &told.records {
            let Some(address) = entry.address() else { continue };
            self.fetch(address, &mut data)?;
            if self.open(data_place(*block), *entry, &mut data).is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Replayed {
    fn accept(
        &mut self,
        told: Told,
        reader: &mut UnitReader<'_>,
        epoch: &Epoch,
    ) -> Result<(), SealedLogError> {
        if let Some((data, map)) = told.roots {
            (self.data, self.map) = (data, map);
            self.recent.clear();
        }
        let mut note = |block, entry| {
            self.recent.insert(block, entry);
        };
        if told.more {
            reader.commit(epoch, told.start, told.commit, &mut note)?;
        } else {
            told.records
                .into_iter()
                .for_each(|(block, entry)| note(block, entry));
        }
        self.commit = told.commit;
        self.link = told.link;
        Ok(())
    }
}

/// What stands in the journal where a commit may be.
enum Read {
    Whole(Told),
    /// Some of it.
    Begun,
}

/// Reads units ahead.
struct UnitReader<'a> {
    core: &'a Core,
    bytes: Vec<u8>,
    first: u64,
}

impl<'a> UnitReader<'a> {
    fn new(core: &'a Core) -> Self {
        Self {
            core,
            bytes: Vec::new(),
            first: 0,
        }
    }

    /// The commit that begins at `link`, of that number; what it tells of is told to `note`, whether it is whole or not.
    fn commit(
        &mut self,
        epoch: &Epoch,
        mut link: Link,
        commit: u64,
        note: &mut dyn FnMut(u64, Entry),
    ) -> Result<Option<Read>, SealedLogError> {
        let start = link;
        let mut cipher = JournalCipher::new(&*self.core.engine, epoch)?;
        let (mut records, mut roots, mut begun, mut many) = (Vec::new(), None, false, false);
        let most = ring_units(&self.core.geometry);
        for _ in 0..most {
            let bytes = self.unit(link.unit)?;
            let unit = cipher
                .open(&mut link, &bytes)?
                .filter(|unit| unit.commit == commit);
            let Some(Unit {
                kind, records: more, ..
            }) = unit
            else {
                break;
            };
            let geometry = &self.core.geometry;
            let possible = |(block, entry): &(u64, Entry)| {
                *block < geometry.blocks && entry.address().is_none_or(|address| address < geometry.log)
            };
            if !more.iter().all(possible) {
                break;
            }
            begun = true;
            let synced = match kind {
                UnitKind::Roots => {
                    roots = Some((more[0].1, more[1].1));
                    continue;
                }
                UnitKind::More => None,
                UnitKind::Last { synced } => Some(synced),
            };
            more.iter().for_each(|(block, entry)| note(*block, *entry));
            records.extend(more);
            if records.len() > MOST_UNSYNCED {
                many = true;
                records.clear();
            }
            if let Some(synced) = synced {
                // So many are synced before they are told of.
                if many && !synced {
                    break;
                }
                return Ok(Some(Read::Whole(Told {
                    start,
                    records,
                    more: many,
                    roots,
                    synced,
                    commit,
                    link,
                })));
            }
        }
        Ok(begun.then_some(Read::Begun))
    }

    fn unit(&mut self, unit: u64) -> Result<[u8; UNIT_BYTES], SealedLogError> {
        let held = self.first..self.first + (self.bytes.len() / UNIT_BYTES) as u64;
        if !held.contains(&unit) {
            let ring = ring_units(&self.core.geometry);
            let units = READ_UNITS.min(ring - unit % ring);
            self.bytes.resize(units as usize * UNIT_BYTES, 0);
            self.first = unit;
            let store = &self.core.store;
            store
                .read_at(unit_offset(&self.core.geometry, unit), &mut self.bytes)
                .map_err(|error| {
                    SealedLogError::store(format!("{}: reading the journal", store.name()), error)
                })?;
        }
        let at = (unit - self.first) as usize * UNIT_BYTES;
        Ok(std::array::from_fn(|index| self.bytes[at + index]))
    }
}
