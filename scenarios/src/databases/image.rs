//! A loaded SQLite database, kept so that every format gets the same one by a copy.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use sealab_tpcc::sqlite::{JournalMode, Sqlite};
use sealab_tpcc::{Tpcc, TpccError, check, load};
use sealab_volume::plain::Plain;
use sealab_volume::store::{MemoryStore, Store};
use sealab_volume::{Volume, VolumeError};

/// The bytes of a block of the volume that is loaded, and of every format's at most.
const BLOCK_BYTES: u32 = 4096;
const PIECE_BYTES: usize = 1 << 20;

/// The one that was asked for last.
static LAST: Mutex<Option<Image>> = Mutex::new(None);

/// A volume's bytes with a database that was held to the consistency conditions.
#[derive(Clone)]
pub(super) struct Image {
    of: (Tpcc, JournalMode, u64),
    store: Arc<MemoryStore>,
}

impl Image {
    /// The database of `tpcc` on `size` bytes.
    pub(super) fn of(tpcc: &Tpcc, mode: JournalMode, size: u64) -> Result<Self, String> {
        let of = (*tpcc, mode, size);
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(image) = last.as_ref().filter(|image| image.of == of) {
            return Ok(image.clone());
        }
        // Two would take twice the memory.
        *last = None;
        let store = Arc::new(MemoryStore::new(size));
        let volume = Plain::new(store.clone(), BLOCK_BYTES, false).map_err(|error| error.to_string())?;
        let fill = || {
            let sqlite = Sqlite::create(Arc::new(volume), mode, tpcc.tables)?;
            load(tpcc, &sqlite, &AtomicBool::new(false))?;
            let findings = check(tpcc, &sqlite)?;
            sqlite.close()?;
            Ok(findings.into_iter().find(|finding| !finding.held()))
        };
        let broken = fill().map_err(|error: TpccError| format!("loading the database: {error}"))?;
        if let Some(finding) = broken {
            return Err(format!("the database as it was loaded: {finding}"));
        }
        let image = Self { of, store };
        *last = Some(image.clone());
        Ok(image)
    }

    /// Writes it to `volume`, but for what is all zeroes.
    pub(super) fn write_to(&self, volume: &dyn Volume) -> Result<(), VolumeError> {
        let mut piece = vec![0; PIECE_BYTES];
        let mut offset = 0;
        while offset < self.store.size() {
            let length = PIECE_BYTES.min((self.store.size() - offset) as usize);
            let piece = &mut piece[..length];
            self.store
                .read_at(offset, piece)
                .map_err(|error| VolumeError::store("reading the database", offset, length as u64, error))?;
            if piece.iter().any(|byte| *byte != 0) {
                volume.write(offset, piece)?;
            }
            offset += length as u64;
        }
        Ok(())
    }
}
