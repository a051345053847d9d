//! Making a log, and opening one after whatever happened.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};

use sealab_engine::{Engine, Tag};
use zeroize::Zeroizing;

use super::counted::{Counted, value};
use super::entry::Entry;
use super::error::SealedLogError;
use super::geometry::{Geometry, SLOT_BYTES};
use super::header::{Header, KEYSLOTS, Keyslot};
use super::journal::{JournalCipher, Link};
use super::recent::Recent;
use super::seal::Epoch;
use super::state::{Core, State};
use super::superblock::{MOST_SESSIONS, Session, Superblock};
use super::{CreateOptions, OpenOptions, SealedLog};
use crate::counter::TrustedCounter;
use crate::store::Store;

/// Makes a log that fills `store`, with all blocks zeroes, and with `counter` to count its commits.
///
/// # Errors
/// What the store said; a store that is too small; a counter that cannot be read.
pub fn create(
    engine: &dyn Engine,
    store: &dyn Store,
    passphrase: &[u8],
    options: &CreateOptions,
    counter: Option<&dyn TrustedCounter>,
) -> Result<(), SealedLogError> {
    let geometry = Geometry::of_store(store.size()).ok_or_else(|| SealedLogError::Size {
        name: store.name(),
        bytes: store.size(),
        expected: format!("at least {}", Geometry::store_bytes(1).unwrap_or(0)),
    })?;
    let (mut uuid, mut key) = ([0; 16], Zeroizing::new([0; 32]));
    getrandom::fill(&mut uuid)
        .and_then(|()| getrandom::fill(&mut *key))
        .map_err(SealedLogError::Random)?;
    let failed =
        |what: &str, error| SealedLogError::store(format!("{}: writing {what}", store.name()), error);
    // Whatever was there is not to be taken for a header, a superblock, or a journal.
    let used = geometry.offset(0);
    store
        .write_zeroes(0, used, true)
        .and_then(|()| store.sync())
        .map_err(|error| failed("zeroes", error))?;
    let superblock = Superblock {
        generation: 1,
        commit: 0,
        unit: 0,
        previous: Tag(*b"sealed-log begin"),
        data: Entry::UNMAPPED,
        map: Entry::UNMAPPED,
        sessions: Vec::new(),
    };
    let slot = superblock.seal(engine, &key)?;
    store
        .write_at(Geometry::slot_offset(0), &slot)
        .and_then(|()| store.sync())
        .map_err(|error| failed("the superblock", error))?;
    let mut keyslots = [const { None }; KEYSLOTS];
    keyslots[0] = Some(Keyslot::new(engine, &uuid, options.cost, passphrase, &key)?);
    let header = Header {
        uuid,
        geometry,
        counter_base: counter.map(value).transpose()?,
        generation: 1,
        keyslots,
    };
    header.store(engine, &key, store)
}

/// Opens the log on `store`.
///
/// # Errors
/// A wrong passphrase, a header, superblock or journal that is not authentic, a state that the counter says is old.
pub fn open(
    engine: Arc<dyn Engine>,
    store: Arc<dyn Store>,
    passphrase: &[u8],
    options: &OpenOptions,
    counter: Option<Arc<dyn TrustedCounter>>,
) -> Result<SealedLog, SealedLogError> {
    let (header, volume_key, _) = Header::open(&*engine, &*store, passphrase)?;
    let name = store.name();
    let needed = header.geometry.checked_bytes().unwrap_or(u64::MAX);
    if store.size() < needed {
        return Err(SealedLogError::Size {
            name,
            bytes: store.size(),
            expected: format!("{needed}, as its header says"),
        });
    }
    let counter = match (header.counter_base, counter) {
        (Some(base), Some(counter)) => Some(Counted::new(counter, base)?),
        (None, None) => None,
        (Some(_), None) if options.without_counter => None,
        (Some(_), None) => {
            return Err(SealedLogError::Counter {
                name,
                message: "its commits are counted by a trusted counter, and none was given; without it nobody can tell \
                          whether an older state was put back"
                    .to_owned(),
            });
        }
        (None, Some(counter)) => {
            return Err(SealedLogError::Counter {
                name,
                message: format!("it was made without a counter, but {} was given", counter.name()),
            });
        }
    };
    let mut core = Core {
        engine,
        store,
        geometry: header.geometry,
        volume_key,
        epochs: BTreeMap::new(),
        current: None,
    };
    let (superblock, slot) = core.superblock()?;
    for session in &superblock.sessions {
        let epoch = Epoch::new(core.engine.clone(), session.epoch, &session.secret)?;
        core.epochs.insert(session.epoch, Arc::new(epoch));
    }
    let begin_at = Link {
        unit: superblock.unit,
        previous: superblock.previous,
    };
    let mut state = State::new(&core.geometry, options.index_memory, begin_at);
    let recent = std::mem::replace(&mut state.recent, Recent::new(0));
    let replayed = core.replay(&superblock, counter.as_ref(), recent)?;
    if let Some(counter) = &counter {
        counter.check(core.store.name(), replayed.commit)?;
    }
    state.link = replayed.link;
    state.root = replayed.data;
    state.commit = replayed.commit;
    state.generation = superblock.generation;
    state.slot = 1 - slot;
    state.sessions = superblock.sessions.clone();
    state.load_map(&core, replayed.map)?;
    for address in replayed.recent.iter().filter_map(|(_, entry)| entry.address()) {
        // It was another block's when the index was written, which has given it up.
        if !state.space.set(address) {
            state.gone.insert(address);
        }
    }
    state.recent = replayed.recent;
    if !options.read_only {
        begin(&mut core, &mut state, superblock, counter.as_ref())?;
    }
    let crowded = state.sessions.len() + 2 > MOST_SESSIONS;
    let log = SealedLog {
        core,
        state: Mutex::new(state),
        changed: Condvar::new(),
        counter,
        early_commits: options.early_commits,
    };
    if crowded && !options.read_only {
        log.forget_sessions()?;
    }
    Ok(log)
}

/// Begins a session: a commit of its own, made by a superblock. Whatever was there that belonged to no commit is lost from
/// now on.
fn begin(
    core: &mut Core,
    state: &mut State,
    superblock: Superblock,
    counter: Option<&Counted>,
) -> Result<(), SealedLogError> {
    let mut secret = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *secret).map_err(SealedLogError::Random)?;
    let session = Session {
        epoch: superblock.sessions.last().map_or(1, |last| last.epoch + 1),
        unit: state.link.unit,
        commit: state.commit + 1,
        secret: secret.clone(),
    };
    let epoch = Arc::new(Epoch::new(core.engine.clone(), session.epoch, &secret)?);
    state.journal_cipher = Some(JournalCipher::new(&*core.engine, &epoch)?);
    core.epochs.insert(session.epoch, epoch.clone());
    core.current = Some(epoch);
    state.sessions.push(session);
    state.generation += 1;
    state.commit += 1;
    let next = Superblock {
        generation: state.generation,
        sessions: state.sessions.clone(),
        ..superblock
    };
    let failed = |what: &str, error| SealedLogError::store(format!("{}: {what}", core.store.name()), error);
    core.write_superblock(&next, state.slot)
        .map_err(|error| failed("writing the superblock", error))?;
    state.slot = 1 - state.slot;
    if let Some(counter) = counter {
        counter
            .advance_to(state.commit)
            .map_err(|error| failed("counting", error))?;
    }
    Ok(())
}

impl Core {
    /// The later of the superblocks that are authentic, and its slot.
    fn superblock(&self) -> Result<(Superblock, usize), SealedLogError> {
        let read = |slot: usize| {
            let mut bytes = vec![0; SLOT_BYTES];
            let read = self.store.read_at(Geometry::slot_offset(slot), &mut bytes);
            read.map_err(|error| error.to_string())
                .and_then(|()| Superblock::open(&*self.engine, &self.volume_key, &bytes))
        };
        match (read(0), read(1)) {
            (Ok(first), Ok(second)) if second.generation > first.generation => Ok((second, 1)),
            (Ok(first), _) => Ok((first, 0)),
            (Err(_), Ok(second)) => Ok((second, 1)),
            (Err(first), Err(second)) => Err(SealedLogError::Superblock {
                name: self.store.name(),
                first,
                second,
            }),
        }
    }
}
