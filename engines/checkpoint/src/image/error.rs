//! What is wrong with an image, and where.

use std::fmt;
use std::io;

/// Something in an image set that is not as it must be.
#[derive(Debug, thiserror::Error)]
#[error("{file}{}: {fault}", Place(*offset))]
pub struct ImageError {
    /// The file's name in its set; the sets of a parent chain have `parent/` before it, once a generation.
    pub file: String,
    /// Where in the file, in bytes from its start, if the fault has a place.
    pub offset: Option<u64>,
    /// What is wrong.
    #[source]
    pub fault: Fault,
}

/// What can be wrong with an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The system refused to read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A field needs more bytes than are left.
    #[error("{what} takes {needed} bytes, but the file has only {left} more")]
    Truncated {
        /// What was to be read.
        what: &'static str,
        /// Its length in bytes.
        needed: u64,
        /// Bytes from here to the end of the file.
        left: u64,
    },
    /// A length is over what this reader holds in memory.
    #[error("{what} has {found} bytes; at most {most} are read")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// Its length in bytes.
        found: u64,
        /// The most that is read.
        most: u64,
    },
    /// The number at the start of the file is none of an image, or not that of this file's name.
    #[error("the magic number is {found:#010x}; it must be {expected}")]
    Magic {
        /// The number.
        found: u32,
        /// What would be right.
        expected: String,
    },
    /// The bytes of an entry are no protobuf message of its type.
    #[error("the bytes are no {message}: {detail}")]
    Message {
        /// The type's name in CRIU's sources.
        message: &'static str,
        /// What the protobuf reader says.
        detail: prost::DecodeError,
    },
    /// A value is outside what it may be.
    #[error("{what} is {found}; it must be {expected}")]
    Value {
        /// What has the value.
        what: &'static str,
        /// The value.
        found: String,
        /// What would be right.
        expected: String,
    },
}

impl Fault {
    pub(crate) fn value(what: &'static str, found: impl fmt::Display, expected: impl fmt::Display) -> Self {
        Self::Value {
            what,
            found: found.to_string(),
            expected: expected.to_string(),
        }
    }

    /// The fault, in `file` at `offset`.
    pub(crate) fn at(self, file: &str, offset: u64) -> ImageError {
        ImageError {
            file: file.to_owned(),
            offset: Some(offset),
            fault: self,
        }
    }

    /// The fault of `file` as a whole.
    pub(crate) fn of(self, file: &str) -> ImageError {
        ImageError {
            file: file.to_owned(),
            offset: None,
            fault: self,
        }
    }
}

struct Place(Option<u64>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(offset) => write!(f, ", byte {offset}"),
            None => Ok(()),
        }
    }
}
