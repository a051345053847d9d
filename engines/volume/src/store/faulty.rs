//! A store that fails when it is told to, for the tests of every format.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Store;

/// What is done to a store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operation {
    /// [`Store::read_at`].
    Read,
    /// [`Store::write_at`] and [`Store::write_zeroes`].
    Write,
    /// [`Store::sync`].
    Sync,
    /// [`Store::discard`].
    Discard,
}

/// How a call fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// With this error, and nothing is done; the next call goes well.
    Once(io::ErrorKind),
    /// With this error, and so do all later calls of the same operation.
    FromNowOn(io::ErrorKind),
    /// A write puts so many of its first bytes in place and fails; the next call goes well. Other operations do nothing.
    Torn(usize),
    /// As [`Fault::Torn`], and everything fails from then on until [`FaultyStore::restore_power`].
    PowerCut(usize),
}

/// Passes calls on to another store, but for those that are to fail. Lends nothing, so that every fault can strike.
///
/// ```
/// # use std::io;
/// # use std::sync::Arc;
/// # use sealab_volume::store::{Fault, FaultyStore, MemoryStore, Operation, Store};
/// let store = FaultyStore::new(Arc::new(MemoryStore::new(1024)));
/// store.fail(Operation::Write, 2, Fault::Once(io::ErrorKind::StorageFull));
/// assert!(store.write_at(0, &[1]).is_ok());
/// assert!(store.write_at(0, &[2]).is_err());
/// assert!(store.write_at(0, &[3]).is_ok());
/// ```
pub struct FaultyStore {
    store: Arc<dyn Store>,
    planned: Mutex<Vec<Planned>>,
    calls: [AtomicU64; 4],
    off: AtomicBool,
}

struct Planned {
    operation: Operation,
    /// The number of the call, counted from 1 since the store was made.
    call: u64,
    fault: Fault,
}

impl FaultyStore {
    /// Passes calls on to `store`; nothing fails yet.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            planned: Mutex::new(Vec::new()),
            calls: Default::default(),
            off: AtomicBool::new(false),
        }
    }

    /// Makes the `nth` call of `operation` from now fail, 1 being the next.
    pub fn fail(&self, operation: Operation, nth: u64, fault: Fault) {
        let call = self.calls(operation) + nth;
        self.planned().push(Planned {
            operation,
            call,
            fault,
        });
    }

    /// Forgets all faults that were planned, and brings the power back.
    pub fn restore_power(&self) {
        self.planned().clear();
        self.off.store(false, Ordering::SeqCst);
    }

    /// How many calls of `operation` there were, those that failed included: how many a test can let fail.
    pub fn calls(&self, operation: Operation) -> u64 {
        self.calls[operation as usize].load(Ordering::SeqCst)
    }

    fn planned(&self) -> std::sync::MutexGuard<'_, Vec<Planned>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call; how many bytes to write before the error where it fails.
    fn call(&self, operation: Operation) -> Result<(), (usize, io::Error)> {
        let call = self.calls[operation as usize].fetch_add(1, Ordering::SeqCst) + 1;
        if self.off.load(Ordering::SeqCst) {
            return Err((0, io::Error::other("injected: the power is off")));
        }
        let planned = self.planned();
        let mut due = planned.iter().filter(|planned| planned.operation == operation);
        let fault = due.find(|planned| match planned.fault {
            Fault::FromNowOn(_) => call >= planned.call,
            Fault::Once(_) | Fault::Torn(_) | Fault::PowerCut(_) => call == planned.call,
        });
        match fault.map(|planned| planned.fault) {
            None => Ok(()),
            Some(Fault::Once(kind) | Fault::FromNowOn(kind)) => Err((0, kind.into())),
            Some(Fault::Torn(bytes)) => Err((bytes, io::Error::other("injected: a torn write"))),
            Some(Fault::PowerCut(bytes)) => {
                self.off.store(true, Ordering::SeqCst);
                Err((bytes, io::Error::other("injected: the power was cut")))
            }
        }
    }
}

impl Store for FaultyStore {
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
        self.call(Operation::Read).map_err(|(_, error)| error)?;
        self.store.read_at(offset, data)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let Err((bytes, error)) = self.call(Operation::Write) else {
            return self.store.write_at(offset, data);
        };
        self.store.write_at(offset, &data[..bytes.min(data.len())])?;
        Err(error)
    }

    fn sync(&self) -> io::Result<()> {
        self.call(Operation::Sync).map_err(|(_, error)| error)?;
        self.store.sync()
    }

    fn discard(&self, offset: u64, bytes: u64) -> io::Result<bool> {
        self.call(Operation::Discard).map_err(|(_, error)| error)?;
        self.store.discard(offset, bytes)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> io::Result<()> {
        let Err((torn, error)) = self.call(Operation::Write) else {
            return self.store.write_zeroes(offset, bytes, keep_allocated);
        };
        self.store
            .write_zeroes(offset, bytes.min(torn as u64), keep_allocated)?;
        Err(error)
    }
}
