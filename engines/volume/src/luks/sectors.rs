//! What the sectors of a volume lie on.

use std::io;
use std::sync::Arc;

use crate::VolumeError;
use crate::integrity::IntegrityStore;
use crate::sector::{NUMBERED_BYTES, SectorSize};
use crate::store::Store;

/// Encrypted sectors, with or without room for metadata beside each.
pub(super) enum Sectors {
    /// One after another.
    Bare {
        store: Arc<dyn Store>,
        /// Where the first one begins, in bytes.
        start: u64,
    },
    /// In a dm-integrity layout, the metadata as tags.
    Tagged(Box<IntegrityStore>),
}

/// The number of the sector at `offset`, as dm-crypt and dm-integrity count.
pub(super) fn number(offset: u64) -> u64 {
    offset / NUMBERED_BYTES as u64
}

impl Sectors {
    /// Reads the sectors at `offset` (bytes of the volume) and their metadata.
    pub(super) fn read(&self, offset: u64, data: &mut [u8], metadata: &mut [u8]) -> Result<(), VolumeError> {
        match self {
            Self::Bare { store, start } => {
                let bytes = data.len() as u64;
                let done = store.read_at(start + offset, data);
                done.map_err(|error| failed(&**store, "reading", offset, bytes, error))
            }
            Self::Tagged(store) => store.read(number(offset), data, metadata),
        }
    }

    /// Writes the sectors at `offset` (bytes of the volume) and their metadata.
    pub(super) fn write(&self, offset: u64, data: &[u8], metadata: &[u8]) -> Result<(), VolumeError> {
        match self {
            Self::Bare { store, start } => {
                let done = store.write_at(start + offset, data);
                done.map_err(|error| failed(&**store, "writing", offset, data.len() as u64, error))
            }
            Self::Tagged(store) => store.write(number(offset), data, metadata),
        }
    }

    /// Hands `take` sectors of `sector` bytes, where they are in the store, and their metadata, for which `metadata` has
    /// room: of those at `offset` (bytes of the volume), `bytes` bytes, as many from the first on as the store lends. How
    /// many bytes these were.
    pub(super) fn lend(
        &self,
        offset: u64,
        bytes: usize,
        sector: SectorSize,
        metadata: &mut [u8],
        mut take: impl FnMut(&[u8], &[u8]),
    ) -> Result<usize, VolumeError> {
        match self {
            Self::Bare { store, start } => {
                let lent = store.lend(start + offset, bytes, sector.bytes(), &mut |data| take(data, &[]));
                lent.map_err(|error| failed(&**store, "reading", offset, bytes as u64, error))
            }
            Self::Tagged(store) => store.lend(number(offset), bytes, metadata, take),
        }
    }

    /// As [`Sectors::lend`], but has `take` write the sectors, and their metadata, which are stored if `take` says that all
    /// is well.
    pub(super) fn lend_mut(
        &self,
        offset: u64,
        bytes: usize,
        sector: SectorSize,
        metadata: &mut [u8],
        mut take: impl FnMut(&mut [u8], &mut [u8]) -> bool,
    ) -> Result<usize, VolumeError> {
        match self {
            Self::Bare { store, start } => {
                let lent = store.lend_mut(start + offset, bytes, sector.bytes(), &mut |data| {
                    take(data, &mut []);
                });
                lent.map_err(|error| failed(&**store, "writing", offset, bytes as u64, error))
            }
            Self::Tagged(store) => store.lend_mut(number(offset), bytes, metadata, take),
        }
    }

    pub(super) fn sync(&self) -> Result<(), VolumeError> {
        match self {
            Self::Bare { store, .. } => {
                let done = store.sync();
                done.map_err(|error| VolumeError::store(format!("{}: syncing", store.name()), 0, 0, error))
            }
            Self::Tagged(store) => store.sync(),
        }
    }

    /// Gives back the room of sectors. One with metadata would not be authentic afterwards, so those stay.
    pub(super) fn discard(&self, offset: u64, bytes: u64) -> Result<(), VolumeError> {
        match self {
            Self::Bare { store, start } => {
                let done = store.discard(start + offset, bytes);
                done.map(|_| ())
                    .map_err(|error| failed(&**store, "discarding", offset, bytes, error))
            }
            Self::Tagged(_) => Ok(()),
        }
    }
}

fn failed(store: &dyn Store, action: &str, offset: u64, bytes: u64, error: io::Error) -> VolumeError {
    let place = format!(
        "{}: {action} {bytes} bytes at {offset} of the volume",
        store.name()
    );
    VolumeError::store(place, offset, bytes, error)
}
