//! What an open log knows besides its store: all of it under one lock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sealab_engine::{Engine, InOutBuf};
use zeroize::Zeroizing;

use super::addresses::AddressSet;
use super::batch::Batch;
use super::budget::Budget;
use super::cache::Cache;
use super::entry::Entry;
use super::geometry::{BLOCK_BYTES, Geometry, levels};
use super::journal::{JournalCipher, Link};
use super::map::Map;
use super::recent::Recent;
use super::seal::{BATCH, Domain, Epoch, Place};
use super::space::Space;
use super::superblock::Session;
use crate::VolumeError;
use crate::store::Store;

/// What never changes while the log is open.
pub(super) struct Core {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) store: Arc<dyn Store>,
    pub(super) geometry: Geometry,
    pub(super) volume_key: Zeroizing<[u8; 32]>,
    pub(super) epochs: BTreeMap<u32, Arc<Epoch>>,
    /// The session that writes.
    pub(super) current: Option<Arc<Epoch>>,
}

/// What changes.
pub(super) struct State {
    /// What was written since the index was last written, whether committed or not.
    pub(super) recent: Recent,
    pub(super) budget: Budget,
    /// The slots in `recent` that no commit tells of yet.
    pub(super) pending: Vec<u32>,
    /// The first slot in `recent` for which the index may name a place that is not given up yet.
    pub(super) examined: u32,
    /// Places that the index names, but that were given up, since `recent` names others.
    pub(super) gone: AddressSet,
    /// Blocks whose nodes are to be written anew with the index, whether anything changed in them or not.
    pub(super) touched: BTreeSet<u64>,
    /// The root of the index without `recent`, and how many levels it has.
    pub(super) root: Entry,
    pub(super) levels: u32,
    /// Whether the root was written since the last commit.
    pub(super) root_pending: bool,
    pub(super) cache: Cache,
    pub(super) map: Map,
    pub(super) space: Space,
    /// Blocks that will be free once the next commit is durable, and those that wait for the one under way.
    pub(super) released: AddressSet,
    pub(super) released_before: AddressSet,
    pub(super) batch: Batch,
    /// The number of the next seal.
    pub(super) sequence: u64,
    /// Seals below are told of by a commit that is made or under way.
    pub(super) boundary: u64,
    /// The last durable commit.
    pub(super) commit: u64,
    pub(super) committing: bool,
    /// How many writes there were, and how many are durable.
    pub(super) writes: u64,
    pub(super) durable_writes: u64,
    pub(super) link: Link,
    /// The first unit that the superblock needs.
    pub(super) journal_start: u64,
    pub(super) journal_cipher: Option<JournalCipher>,
    pub(super) sessions: Vec<Session>,
    pub(super) generation: u64,
    /// The slot that the next superblock goes to.
    pub(super) slot: usize,
    /// Why nothing more can be written.
    pub(super) failed: Option<String>,
    pub(super) statistics: Statistics,
}

/// What a log did since it was opened.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Statistics {
    /// Commits, each durable.
    pub commits: u64,
    /// Commits that nobody asked for: the log, or the memory, was too full for what was written since the last one. What
    /// was written between two flushes was then not committed as one.
    pub early_commits: u64,
    /// How often the index was written.
    pub index_writes: u64,
    /// Blocks of the index and of the space map that were written.
    pub index_blocks: u64,
    /// Blocks that were moved to make segments empty.
    pub moved_blocks: u64,
}

impl Core {
    pub(super) fn epoch(&self, entry: &Entry) -> Option<&Epoch> {
        self.epochs.get(&entry.epoch()).map(|epoch| &**epoch)
    }

    /// The session that writes; without one the log is open for reading only.
    pub(super) fn writer(&self) -> Result<&Arc<Epoch>, VolumeError> {
        self.current.as_ref().ok_or(VolumeError::ReadOnly)
    }

    /// Opens a block whose ciphertext is in `data`.
    pub(super) fn open(&self, place: Place, entry: Entry, data: &mut [u8]) -> Result<(), VolumeError> {
        let unauthentic = |reason: &str| unauthentic(place, reason);
        let Some(epoch) = self.epoch(&entry) else {
            return Err(unauthentic("it names a session that is not known"));
        };
        epoch
            .open(&[(place, entry)], InOutBuf::from(data))
            .map_err(|error| match error {
                sealab_engine::EngineError::Unauthentic { .. } => unauthentic("its tag does not hold"),
                other => VolumeError::Sector(other.into()),
            })
    }

    /// Reads a block's ciphertext from the store.
    pub(super) fn fetch(&self, address: u64, data: &mut [u8]) -> Result<(), VolumeError> {
        if address >= self.geometry.log {
            return Err(VolumeError::Unauthentic {
                offset: 0,
                reason: format!("an index names block {address} of a log of {}", self.geometry.log),
            });
        }
        let offset = self.geometry.offset(address);
        let read = self.store.read_at(offset, data);
        read.map_err(|error| self.store_error("reading", offset, data.len(), error))
    }

    pub(super) fn store_error(
        &self,
        what: &str,
        offset: u64,
        bytes: usize,
        error: std::io::Error,
    ) -> VolumeError {
        let place = format!("{what} {bytes} bytes at {offset} of {}", self.store.name());
        VolumeError::store(place, offset, bytes as u64, error)
    }
}

/// That a block or a node is not what was written.
fn unauthentic(place: Place, reason: &str) -> VolumeError {
    let (offset, what) = match (place.domain, place.level) {
        (Domain::Data, 0) => (place.index, "".to_owned()),
        (Domain::Data, level) => (
            place.index << (7 * level),
            format!("node {} of level {level} of the index over it: ", place.index),
        ),
        (Domain::Map, level) => (
            0,
            format!("the space map's block {} of level {level}: ", place.index),
        ),
    };
    VolumeError::Unauthentic {
        offset: offset * BLOCK_BYTES as u64,
        reason: format!("{what}{reason}"),
    }
}

impl State {
    /// The state of a log whose index has not been read, with at most `memory` bytes for what is known of the index.
    pub(super) fn new(geometry: &Geometry, memory: usize, link: Link) -> Self {
        let space = Space::new(geometry);
        let budget = Budget::new(geometry, &space, memory);
        Self {
            recent: Recent::new(budget.recent),
            pending: Vec::with_capacity(budget.recent),
            examined: 0,
            gone: AddressSet::new(geometry),
            touched: BTreeSet::new(),
            root: Entry::UNMAPPED,
            levels: levels(geometry.blocks),
            root_pending: false,
            cache: Cache::new(budget.nodes(geometry, 0)),
            map: Map::new(geometry),
            space,
            budget,
            released: AddressSet::new(geometry),
            released_before: AddressSet::new(geometry),
            batch: Batch::new(),
            sequence: 1,
            boundary: 1,
            commit: 0,
            committing: false,
            writes: 0,
            durable_writes: 0,
            journal_start: link.unit,
            link,
            journal_cipher: None,
            sessions: Vec::new(),
            generation: 0,
            slot: 0,
            failed: None,
            statistics: Statistics::default(),
        }
    }

    /// Whether no commit tells of what an entry names.
    pub(super) fn is_pending(&self, core: &Core, entry: &Entry) -> bool {
        let current = core.current.as_ref().map(|epoch| epoch.number);
        Some(entry.epoch()) == current && entry.sequence() >= self.boundary
    }

    /// Gives up the block that an entry names: at once where no commit ever told of it, else once the next one is durable.
    pub(super) fn release(&mut self, core: &Core, entry: &Entry) {
        let Some(address) = entry.address() else { return };
        if self.is_pending(core, entry) {
            self.space.clear(address);
        } else {
            self.released.insert(address);
        }
        self.space.touch(address);
    }

    /// Makes room in memory for what was given up, at the cost of nodes of the index; whether there is enough.
    pub(super) fn balance(&mut self, geometry: &Geometry) -> bool {
        let held = self.released.memory() + self.released_before.memory();
        self.cache.limit(self.budget.nodes(geometry, held));
        held <= self.budget.elastic
    }

    /// Writes what waits to be written.
    pub(super) fn write_out(&mut self, core: &Core) -> Result<(), VolumeError> {
        let written = self.batch.write(&*core.store, &core.geometry);
        written.map_err(|(offset, bytes, error)| core.store_error("writing", offset, bytes, error))
    }

    /// Sees to it that `count` more blocks can wait to be written.
    pub(super) fn make_way(&mut self, core: &Core, count: usize) -> Result<(), VolumeError> {
        if self.batch.room() < count {
            self.write_out(core)?;
        }
        Ok(())
    }

    /// Takes `count` free blocks. Whoever asked knows for what, and says so with [`placed`].
    pub(super) fn take(&mut self, count: usize) -> Result<Vec<u64>, VolumeError> {
        let mut addresses = Vec::with_capacity(count);
        while addresses.len() < count {
            let Some(address) = self.space.take() else {
                for address in addresses {
                    self.space.clear(address);
                }
                return Err(VolumeError::NoSpace {
                    offset: 0,
                    bytes: (count * BLOCK_BYTES) as u64,
                });
            };
            addresses.push(address);
        }
        Ok(addresses)
    }

    /// Seals blocks of the volume, at most [`BATCH`], and notes where they are. There must be room for them.
    pub(super) fn write_blocks(&mut self, core: &Core, first: u64, data: &[u8]) -> Result<(), VolumeError> {
        let count = data.len() / BLOCK_BYTES;
        self.make_way(core, count)?;
        let mut waiting = [None; BATCH];
        for (block, waiting) in (first..first + count as u64).zip(&mut waiting) {
            *waiting = self.waiting(core, block);
        }
        let waiting = &waiting[..count];
        let fresh = waiting.iter().filter(|address| address.is_none()).count();
        let mut addresses = self.take(fresh)?.into_iter();
        let mut start = 0;
        while start < count {
            let block = first + start as u64;
            let piece = &data[start * BLOCK_BYTES..];
            // A block that has not left yet is replaced where it waits.
            if let Some(address) = waiting[start] {
                let entry = self.seal_to(core, data_place(block), address, &piece[..BLOCK_BYTES])?;
                self.recent.insert(block, entry);
                start += 1;
                continue;
            }
            let run = waiting[start..]
                .iter()
                .take_while(|address| address.is_none())
                .count();
            let taken: Vec<u64> = addresses.by_ref().take(run).collect();
            let places: Vec<(Place, u64)> = taken
                .iter()
                .zip(block..)
                .map(|(address, block)| (data_place(block), *address))
                .collect();
            let mut entries = [Entry::UNMAPPED; BATCH];
            let sequence = self.next(run)?;
            let output = self.batch.append(&taken);
            let data = InOutBuf::new(&piece[..run * BLOCK_BYTES], output).map_err(lengths)?;
            let sealed = core.writer()?.seal(sequence, &places, data, &mut entries);
            sealed.map_err(|error| self.broken(error))?;
            for (block, entry) in (block..).zip(&entries[..run]) {
                self.put(core, block, *entry);
            }
            start += run;
        }
        self.writes += 1;
        Ok(())
    }

    /// Where a block of the volume waits to be written, if it does and no commit tells of it.
    fn waiting(&self, core: &Core, block: u64) -> Option<u64> {
        let entry = self.recent.get(block)?;
        let address = entry.address()?;
        (self.is_pending(core, &entry) && self.batch.get(address).is_some()).then_some(address)
    }

    /// Numbers for `count` seals.
    pub(super) fn next(&mut self, count: usize) -> Result<u64, VolumeError> {
        let first = self.sequence;
        if first + count as u64 > MOST_SEALS {
            return Err(VolumeError::Store {
                place: "this session has sealed as many blocks as one key may".to_owned(),
                source: std::io::Error::other("open the volume anew"),
            });
        }
        self.sequence += count as u64;
        Ok(first)
    }

    /// After an engine failed in the midst, nothing is known of what waits to be written.
    pub(super) fn broken(&mut self, error: sealab_engine::EngineError) -> VolumeError {
        self.failed = Some(error.to_string());
        VolumeError::Sector(error.into())
    }

    /// Notes where a block of the volume is now.
    pub(super) fn put(&mut self, core: &Core, block: u64, entry: Entry) {
        let (slot, before) = self.recent.insert(block, entry);
        if before.is_none_or(|before| !self.is_pending(core, &before)) {
            self.pending.push(slot);
        }
        if let Some(before) = before {
            self.release(core, &before);
        }
    }
}

/// So many blocks a session seals at most: 256 TiB, far below what an AES-GCM key is good for (with 2^44 cipher blocks, an
/// adversary's advantage is at most 2^-40).
const MOST_SEALS: u64 = 1 << 36;

/// Where there was no room, says for which bytes of the volume.
pub(super) fn placed(error: VolumeError, offset: u64, bytes: u64) -> VolumeError {
    match error {
        VolumeError::NoSpace { .. } => VolumeError::NoSpace { offset, bytes },
        other => other,
    }
}

/// A block of the volume.
pub(super) fn data_place(block: u64) -> Place {
    Place {
        domain: Domain::Data,
        level: 0,
        index: block,
    }
}

pub(super) fn lengths(_: impl std::any::Any) -> VolumeError {
    VolumeError::Sector(
        sealab_engine::EngineError::Length {
            what: "a batch",
            found: 0,
            expected: "as long as its input".to_owned(),
        }
        .into(),
    )
}

#[cfg(test)]
mod tests {
    use sealab_engine::Tag;

    use super::super::cache::{NODE_MEMORY, Node};
    use super::*;

    #[test]
    fn what_is_given_up_takes_the_place_of_nodes_and_no_more() {
        let geometry = Geometry::of_store(1 << 40).expect("a geometry");
        let link = Link {
            unit: 0,
            previous: Tag([0; 16]),
        };
        let mut state = State::new(&geometry, 64 << 20, link);
        let (elastic, most) = (state.budget.elastic, state.budget.nodes(&geometry, 0));
        assert!(most > 1000 && state.balance(&geometry));
        let mut random = 7u64;
        let mut kept = most;
        while state.balance(&geometry) {
            (0..)
                .zip(0..most)
                .for_each(|(node, _)| state.cache.insert((1, node), Node::empty()));
            let held = state.released.memory() + state.released_before.memory();
            assert!(held + state.cache.len() * NODE_MEMORY <= elastic + 8 * NODE_MEMORY);
            assert!(state.cache.len() <= kept);
            kept = state.cache.len();
            for _ in 0..200_000 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state.released.insert((random >> 20) % geometry.log);
            }
        }
        assert!(kept < most / 2 && state.released.len() > 1_000_000);
        state.released.clear();
        assert!(state.balance(&geometry));
    }
}
