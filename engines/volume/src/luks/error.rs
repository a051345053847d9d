//! Why a LUKS volume was not made, opened or changed.

use std::{fmt, io};

use crate::VolumeError;
use crate::integrity::IntegrityError;
use crate::sector::SectorError;

/// A field of a header that is not as it must be.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("at byte {offset}: {field} is {found}; allowed: {allowed}")]
pub struct Refusal {
    /// Where the field stands in the header, in bytes; for a field of the JSON text, where that text begins.
    pub offset: u64,
    /// The field's name, as the format's specification has it.
    pub field: String,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub allowed: String,
}

impl Refusal {
    pub(super) fn new(
        offset: u64,
        field: impl fmt::Display,
        found: impl fmt::Display,
        allowed: impl fmt::Display,
    ) -> Self {
        Self {
            offset,
            field: field.to_string(),
            found: found.to_string(),
            allowed: allowed.to_string(),
        }
    }
}

/// Text from a header as a message may hold it: quoted, escaped, and not long.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 64;
    match text.char_indices().nth(LONGEST) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}… ({} bytes)", &text[..end], text.len()),
    }
}

/// Why a LUKS volume was not made, opened or changed.
#[derive(Debug, thiserror::Error)]
pub enum LuksError {
    /// The header is broken, or outside of what is allowed.
    #[error("{name}: {refusal}")]
    Header {
        /// The store's name.
        name: String,
        /// What does not fit.
        refusal: Refusal,
    },
    /// No keyslot that may be tried holds the volume key under this passphrase. The same for every passphrase and cause.
    #[error("no key is available with this passphrase")]
    Passphrase,
    /// The keyslot cannot be used so.
    #[error("keyslot {keyslot}: {reason}")]
    Keyslot {
        /// The keyslot's number.
        keyslot: u32,
        /// What is wrong.
        reason: String,
    },
    /// An option cannot be had, or not with the others.
    #[error("{option} is {found}; allowed: {allowed}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// What was asked for.
        found: String,
        /// What would be right.
        allowed: String,
    },
    /// The header or a keyslot could not be read or written.
    #[error("{place}: {source}")]
    Store {
        /// What was done to what, with its name and offset.
        place: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The key derivation function could not be computed, for example for want of memory.
    #[error("key derivation: {0}")]
    Derivation(String),
    /// The engine cannot do it, or reported an error.
    #[error(transparent)]
    Sector(#[from] SectorError),
    /// The dm-integrity layout beneath authenticated sectors could not be made or opened.
    #[error(transparent)]
    Integrity(#[from] IntegrityError),
    /// The sectors of a new volume could not be written.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// The operating system gave no random numbers.
    #[error("random numbers: {0}")]
    Random(#[from] getrandom::Error),
}
