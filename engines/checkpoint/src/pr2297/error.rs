//! What can go wrong when a set is sealed or opened.

use std::io;

use sealab_engine::{EngineError, KeyError};

use crate::image::ImageError;

/// Why a set was not sealed or not opened. Nothing has been written then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of the set is not as it must be.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A tag does not hold: another key, or other bytes than were sealed.
    #[error("{file}, byte {offset}: {what} is not authentic")]
    Unauthentic {
        /// The file.
        file: String,
        /// Where the sealed bytes start.
        offset: u64,
        /// What they are.
        what: &'static str,
    },
    /// The memory pages are not those that were sealed, or not at the addresses where they were.
    #[error("the memory pages do not have the digest that cipher.img says")]
    Digest,
    /// The set is not sealed in this format.
    #[error("there is no cipher.img: the set is not sealed in this format")]
    NotSealed,
    /// The format has no place for it.
    #[error("{file}: {what} cannot be sealed in this format")]
    Unsupported {
        /// The file.
        file: String,
        /// What the format cannot hold.
        what: &'static str,
    },
    /// The recipient's key did not wrap or unwrap.
    #[error("{what}: {detail}")]
    Wrap {
        /// The key that was to be wrapped or unwrapped.
        what: &'static str,
        /// What was wrong.
        detail: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The bytes are no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The engine failed or cannot do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The system has no random bytes.
    #[error("the system's random generator failed: {0}")]
    Random(#[from] getrandom::Error),
    /// Writing failed.
    #[error("{file}: {detail}")]
    Write {
        /// The file or folder.
        file: String,
        /// What the system said.
        #[source]
        detail: io::Error,
    },
    /// What was given to one operation does not fit together.
    #[error("{what} is {found}; it must be {expected}")]
    Length {
        /// The part in question.
        what: &'static str,
        /// Its length.
        found: usize,
        /// What would be right.
        expected: String,
    },
}

impl Error {
    /// A failure to write `file`.
    pub(super) fn write(file: &str) -> impl FnOnce(io::Error) -> Self + '_ {
        move |detail| Self::Write {
            file: file.to_owned(),
            detail,
        }
    }
}
