//! What is asked of a store, in its order.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use sealab_volume::format::Owner;
use sealab_volume::store::Store;

/// Something that happened at or above a store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// Bytes were read.
    Read {
        /// From where on.
        offset: u64,
        /// How many.
        bytes: u64,
    },
    /// Bytes were written; zeroes and discards are writes of zeroes.
    Write {
        /// From where on.
        offset: u64,
        /// The bytes.
        data: Vec<u8>,
    },
    /// A sync was done: writes before it survive a power cut.
    Synced,
    /// What the owner keeps of the volume has this number from now on: a trusted counter advanced.
    Trusted(u64),
    /// A step of the workload was begun, by its number.
    Begun(usize),
    /// A step of the workload was done, by its number.
    Done(usize),
}

/// Records what is asked of another store.
pub struct RecordingStore {
    store: Arc<dyn Store>,
    events: Mutex<Vec<Event>>,
    owner: OnceLock<Arc<dyn Owner>>,
}

impl RecordingStore {
    /// Records what goes to `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            events: Mutex::new(Vec::new()),
            owner: OnceLock::new(),
        }
    }

    /// Notes from now on when what `owner` keeps of the volume changes.
    pub fn watch(&self, owner: Arc<dyn Owner>) {
        // Whoever came first stays.
        let _ = self.owner.set(owner);
    }

    /// Adds an event of the caller's.
    pub fn mark(&self, event: Event) {
        let trusted = self.owner.get().and_then(|owner| owner.trusted());
        let mut events = self.events();
        events.extend(trusted.map(Event::Trusted));
        events.push(event);
    }

    /// The events since the last call.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events())
    }

    fn events(&self) -> MutexGuard<'_, Vec<Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn zeroes(&self, offset: u64, bytes: u64) {
        // The store had so many bytes.
        let data = vec![0; bytes as usize];
        self.mark(Event::Write { offset, data });
    }
}

impl Store for RecordingStore {
    fn name(&self) -> String {
        self.store.name()
    }

    fn size(&self) -> u64 {
        self.store.size()
    }

    fn alignment(&self) -> usize {
        self.store.alignment()
    }

    fn read_at(&self, offset: u64, data: &mut [u8]) -> io::Result<()> {
        self.store.read_at(offset, data)?;
        self.mark(Event::Read {
            offset,
            bytes: data.len() as u64,
        });
        Ok(())
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.store.write_at(offset, data)?;
        self.mark(Event::Write {
            offset,
            data: data.to_vec(),
        });
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.store.sync()?;
        self.mark(Event::Synced);
        Ok(())
    }

    fn discard(&self, offset: u64, bytes: u64) -> io::Result<bool> {
        let done = self.store.discard(offset, bytes)?;
        if done {
            self.zeroes(offset, bytes);
        }
        Ok(done)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> io::Result<()> {
        self.store.write_zeroes(offset, bytes, keep_allocated)?;
        self.zeroes(offset, bytes);
        Ok(())
    }
}
