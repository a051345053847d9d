//! Why a sealed log is not made or not opened.

use std::io;

use crate::VolumeError;

/// Why a sealed log was not made, opened, or changed.
#[derive(Debug, thiserror::Error)]
pub enum SealedLogError {
    /// The store failed.
    #[error("{place}: {source}")]
    Store {
        /// What was done to what.
        place: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The store is too small or too large for a volume.
    #[error("{name} has {bytes} bytes; a sealed log needs {expected}")]
    Size {
        /// The store's name.
        name: String,
        /// The store's size.
        bytes: u64,
        /// What it would have to be.
        expected: String,
    },
    /// There is no header that this version can read.
    #[error("{name}: no sealed log: {found} at byte {offset} of the header; it must be {expected}")]
    Header {
        /// The store's name.
        name: String,
        /// Where in the header.
        offset: usize,
        /// What is there.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// No keyslot opens with the passphrase.
    #[error("{0}: no keyslot opens with this passphrase")]
    Passphrase(String),
    /// A keyslot opens, but the rest of the header is not what its owner wrote.
    #[error("{0}: the header was changed: its authentication code does not hold")]
    HeaderForged(String),
    /// All keyslots are taken, or the last one would be removed.
    #[error("{0}")]
    Keyslots(String),
    /// Neither superblock is authentic.
    #[error("{name}: neither superblock is authentic: {first}; {second}")]
    Superblock {
        /// The store's name.
        name: String,
        /// What is wrong with the first slot.
        first: String,
        /// What is wrong with the second slot.
        second: String,
    },
    /// The journal ends before what the superblock says that it holds.
    #[error("{name}: the journal ends with commit {found}, but commit {expected} was made")]
    Journal {
        /// The store's name.
        name: String,
        /// The last commit that was found.
        found: u64,
        /// The last one that must be there.
        expected: u64,
    },
    /// The volume's last commit is older than the counter says.
    #[error(
        "{name}: an older state was put back: its last commit is {found}, but the counter {counter} stands at {expected}"
    )]
    RolledBack {
        /// The store's name.
        name: String,
        /// The counter's name.
        counter: String,
        /// The last commit on the store, as the counter would count it.
        found: u64,
        /// The counter's number.
        expected: u64,
    },
    /// The volume's last commit is more than one ahead of the counter.
    #[error(
        "{name}: its last commit is {found}, but the counter {counter} stands at {expected}: it is another volume's counter, or was set back"
    )]
    CounterBehind {
        /// The store's name.
        name: String,
        /// The counter's name.
        counter: String,
        /// The last commit on the store, as the counter would count it.
        found: u64,
        /// The counter's number.
        expected: u64,
    },
    /// The volume was made with a counter, and none was given; or the other way round.
    #[error("{name}: {message}")]
    Counter {
        /// The store's or the counter's name.
        name: String,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// A key derivation's parameters are out of bounds, or it failed.
    #[error("key derivation: {0}")]
    Derivation(String),
    /// An engine failed.
    #[error(transparent)]
    Engine(#[from] sealab_engine::EngineError),
    /// There were no random numbers.
    #[error("random numbers: {0}")]
    Random(getrandom::Error),
    /// Reading or writing the index failed.
    #[error(transparent)]
    Volume(#[from] VolumeError),
}

impl SealedLogError {
    pub(super) fn store(place: impl Into<String>, source: io::Error) -> Self {
        Self::Store {
            place: place.into(),
            source,
        }
    }
}
