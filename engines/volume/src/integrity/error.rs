//! Why a dm-integrity layout was not made or opened.

use std::io;

use crate::superblock::SuperblockError;

/// Why a layout was not made or opened.
#[derive(Debug, thiserror::Error)]
pub enum IntegrityError {
    /// The superblock was refused.
    #[error("{store}: the dm-integrity superblock at {start}: {source}")]
    Superblock {
        /// The store's name.
        store: String,
        /// Where the superblock begins, in bytes of the store.
        start: u64,
        /// What is wrong with it.
        source: SuperblockError,
    },
    /// An option is out of range, or does not go with what the superblock says.
    #[error("{option}: found {found}; it must be {expected}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// What was asked for.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// The store has no room for the layout.
    #[error("{store}: {size} bytes are too few for dm-integrity from {start} on, which needs {needed}")]
    TooSmall {
        /// The store's name.
        store: String,
        /// Its size, in bytes.
        size: u64,
        /// Where the layout begins, in bytes.
        start: u64,
        /// What it needs.
        needed: String,
    },
    /// The journal is not one.
    #[error("{store}: the dm-integrity journal at {offset}: {reason}")]
    Journal {
        /// The store's name.
        store: String,
        /// Where, in bytes of the store.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// What lies beneath failed.
    #[error("{place}: {source}")]
    Store {
        /// What was done to what, with its name.
        place: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// Copying the journal back failed.
    #[error(transparent)]
    Volume(#[from] crate::VolumeError),
}
