//! The formats of volumes behind one interface, for benches and attacks: how each is made on a store, and what its owner
//! keeps to open it again.

mod luks;
mod plain;
mod sealed_log;
mod verity;

use std::sync::Arc;

use sealab_engine::{Engine, Primitive};

use crate::store::Store;
use crate::{Volume, VolumeError};

/// What a format says that it protects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protection {
    /// Nothing.
    Nothing,
    /// What is stored tells nothing of the content but its changes; changes of it pass unnoticed.
    Confidentiality,
    /// Changes are noticed; everybody may read.
    Integrity,
    /// Both.
    ConfidentialityAndIntegrity,
}

/// How a volume lies on a store.
pub trait VolumeFormat: Send + Sync {
    /// The stable identifier, as in scenario files, records and attacks.
    fn id(&self) -> &'static str;

    /// One line for people.
    fn description(&self) -> &'static str;

    /// What the engine must implement.
    fn primitives(&self) -> &'static [Primitive];

    /// What it says that it protects. Attacks tell whether that is so.
    fn protection(&self) -> Protection;

    /// Whether an open volume can be written to.
    fn writable(&self) -> bool {
        true
    }

    /// How large a store holds a volume of at least `bytes` bytes.
    fn store_bytes(&self, bytes: u64) -> u64;

    /// Makes a volume that fills `store`, has `fill` write what it is to hold at first, and gives what its owner keeps.
    /// Blocks that `fill` leaves out may hold anything.
    fn make(
        &self,
        engine: Arc<dyn Engine>,
        store: Arc<dyn Store>,
        fill: &mut Fill<'_>,
    ) -> Result<Box<dyn Owner>, FormatError>;
}

/// Writes the first content of a volume.
pub type Fill<'a> = dyn FnMut(&dyn Volume) -> Result<(), VolumeError> + 'a;

/// What the owner of a volume keeps where no adversary gets at it: a passphrase, a root hash.
pub trait Owner: Send + Sync {
    /// Opens what is on `store` as this owner's volume.
    fn open(&self, engine: Arc<dyn Engine>, store: Arc<dyn Store>) -> Result<Box<dyn Volume>, FormatError>;

    /// What the owner keeps of the volume that changes as it is written: a trusted counter's number. `None` where nothing
    /// does.
    fn trusted(&self) -> Option<u64> {
        None
    }

    /// This owner apart, as it was when [`Owner::trusted`] gave that number; `None` where there is no such number. For
    /// opening what the store was at that time as its owner would have opened it then.
    fn at(&self, trusted: u64) -> Option<Box<dyn Owner>> {
        let _ = trusted;
        None
    }
}

/// Why a volume was not made or opened.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FormatError(String);

impl FormatError {
    fn new(error: impl ToString) -> Self {
        Self(error.to_string())
    }
}

/// Every format, in the order of reports.
pub const FORMATS: &[&dyn VolumeFormat] = &[
    &plain::PlainFormat,
    &luks::LUKS1,
    &luks::LUKS2_XTS,
    &luks::LUKS2_HMAC,
    &luks::LUKS2_HMAC_JOURNAL,
    &luks::LUKS2_GCM,
    &luks::LUKS2_GCM_JOURNAL,
    &sealed_log::SealedLogFormat,
    &verity::VerityFormat,
];

/// The format with that identifier.
pub fn format(id: &str) -> Option<&'static dyn VolumeFormat> {
    FORMATS.iter().copied().find(|format| format.id() == id)
}
