//! Why an engine, or a vector file, did not pass.

use std::sync::Arc;

use sealab_engine::{EngineError, Primitive};

/// A vector that an engine failed, or data that is no vector.
#[derive(Debug, thiserror::Error)]
pub enum VectorError {
    /// A message that must be refused was opened.
    #[error("{file}, case {case}: {how} accepted a message that is not authentic")]
    Accepted {
        /// The vector file.
        file: Arc<str>,
        /// The case's number in the file.
        case: u32,
        /// The call, the way the data was passed and the batch.
        how: String,
    },
    /// A refusal names another message of the batch than the first that is not authentic.
    #[error(
        "{file}, case {case}: {how} refused message {actual} of the batch, but message {expected} is the first that is not authentic"
    )]
    Blamed {
        /// The vector file.
        file: Arc<str>,
        /// The case's number in the file.
        case: u32,
        /// The call, the way the data was passed and the batch.
        how: String,
        /// The index of the first message that is not authentic.
        expected: usize,
        /// The index that the engine gave.
        actual: usize,
    },
    /// The engine gave another answer than the vector.
    #[error(
        "{file}, case {case}: {how} gives a wrong {what} from byte {at} on: expected {expected}, found {actual}"
    )]
    Differs {
        /// The vector file.
        file: Arc<str>,
        /// The case's number in the file.
        case: u32,
        /// The call, the way the data was passed and the batch.
        how: String,
        /// What differs: ciphertext (or its SHA-256), plaintext, tag, code or digest.
        what: &'static str,
        /// The first wrong byte of the case's value, counted from 0.
        at: usize,
        /// At most 16 bytes of what would be right, from there on, in hexadecimal.
        expected: String,
        /// As many bytes of what the engine gave.
        actual: String,
    },
    /// The engine reported an error where the vector has an answer, or another error than a refusal.
    #[error("{file}, case {case}: {how} failed")]
    Engine {
        /// The vector file.
        file: Arc<str>,
        /// The case's number in the file.
        case: u32,
        /// The call, the way the data was passed and the batch.
        how: String,
        /// What the engine said.
        source: EngineError,
    },
    /// A refused call left something other than zeros in its output.
    #[error(
        "{file}, case {case}: {how} was refused, but its output holds {actual} at byte {at} where zeros must be"
    )]
    Exposed {
        /// The vector file.
        file: Arc<str>,
        /// The case's number in the file.
        case: u32,
        /// The call, the way the data was passed and the batch.
        how: String,
        /// The first byte of the output that is not 0, counted from 0.
        at: usize,
        /// At most 16 bytes of the output, from there on, in hexadecimal.
        actual: String,
    },
    /// The file is no vector file of the primitive.
    #[error("{file}, {place}: {reason}")]
    Malformed {
        /// The vector file.
        file: Arc<str>,
        /// The place in the file.
        place: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// No vector was run, so nothing is known of the engine.
    #[error("no vector of {primitive} was run through {engine} ({skipped} were skipped)")]
    Nothing {
        /// The engine's identifier.
        engine: &'static str,
        /// The primitive in question.
        primitive: Primitive,
        /// How many vectors the engine said it cannot do.
        skipped: usize,
    },
}

/// The most characters of what a file says that an error quotes.
const MAX_REASON_CHARS: usize = 400;

impl VectorError {
    /// A place of a file that is no vector file's; `reason` may quote what stands there.
    pub(crate) fn malformed(file: &str, place: impl Into<String>, reason: &str) -> Self {
        let printable = reason.chars().map(|c| if c.is_control() { '?' } else { c });
        let mut kept: String = printable.clone().take(MAX_REASON_CHARS).collect();
        if printable.count() > MAX_REASON_CHARS {
            kept.push('…');
        }
        Self::Malformed {
            file: file.into(),
            place: place.into(),
            reason: kept,
        }
    }
}
