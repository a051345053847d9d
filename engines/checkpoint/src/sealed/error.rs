//! What can go wrong when a set is sealed, opened or read.

use std::io;

use sealab_engine::{EngineError, KeyError};
use sealab_keys::WrapError;
use sealab_keys::jwe::JweError;

use super::Commitment;
use crate::image::{Fault, ImageError};

/// Why a set was not sealed or not opened. No folder has been written then; of a stream, what was written before is
/// authentic but not whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file is not as it must be.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// What was sealed does not hold: other bytes than were sealed, or not where they were sealed.
    #[error("{file}, byte {offset}: {what} is not authentic")]
    Unauthentic {
        /// The file.
        file: String,
        /// Where the sealed bytes start.
        offset: u64,
        /// What they are.
        what: String,
    },
    /// The set is not sealed in this format.
    #[error("{path}: not a sealed checkpoint, but {found}")]
    NotSealed {
        /// The folder, file or stream.
        path: String,
        /// What it is.
        found: String,
    },
    /// The recipient's key does not unwrap the set's key.
    #[error("{file}: {detail}")]
    Unwrap {
        /// The file.
        file: String,
        /// What is wrong.
        #[source]
        detail: JweError,
    },
    /// The set's key could not be wrapped.
    #[error("the set's key was not wrapped: {0}")]
    Wrap(JweError),
    /// A key could not be derived, or a signature not made.
    #[error(transparent)]
    Keys(#[from] WrapError),
    /// The set builds on another one, and nobody says where that is.
    #[error("{path}: the set builds on another one; name its sealed parent")]
    ParentUnnamed {
        /// The set.
        path: String,
    },
    /// A parent is named for a set that builds on none.
    #[error("{path}: the set builds on no other, but a parent is named")]
    ParentNeedless {
        /// The set.
        path: String,
    },
    /// The set at the parent's place is another one.
    #[error("{path}: the set's commitment is {found}; the parent's is {expected}")]
    ParentDiffers {
        /// Where the parent was looked for.
        path: String,
        /// The commitment of what is there.
        found: Commitment,
        /// The parent's commitment.
        expected: Commitment,
    },
    /// A sender is required, and the set is not signed.
    #[error("{file}: the set is not signed")]
    Unsigned {
        /// The file.
        file: String,
    },
    /// The signature is not the required sender's over this set.
    #[error("{file}: the set is not signed by the given key, or it was changed")]
    Sender {
        /// The file.
        file: String,
    },
    /// Equal pages were stored once, and what was read cannot be read again.
    #[error(
        "{file}: the set stores equal pages once, so it opens to a folder, or from a file, not from stream to stream"
    )]
    NeedsSeeking {
        /// The stream.
        file: String,
    },
    /// The work was interrupted from outside.
    #[error("interrupted")]
    Interrupted,
    /// A derived key is none of the engine's.
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
}

impl Error {
    /// A failure to write `file`.
    pub(super) fn write(file: &str) -> impl FnOnce(io::Error) -> Self + '_ {
        move |detail| Self::Write {
            file: file.to_owned(),
            detail,
        }
    }

    /// A failure to read `file` at `offset`: it ends there, or the system refuses.
    pub(super) fn read(
        file: &str,
        offset: u64,
        what: &'static str,
        bytes: usize,
    ) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_owned();
        move |error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                let fault = Fault::value(what, "cut off", format_args!("{bytes} bytes long"));
                return fault.at(&file, offset).into();
            }
            Fault::Io(error).at(&file, offset).into()
        }
    }

    pub(super) fn unauthentic(file: &str, offset: u64, what: impl Into<String>) -> Self {
        Self::Unauthentic {
            file: file.to_owned(),
            offset,
            what: what.into(),
        }
    }
}
