//! What can go wrong in an engine.

use crate::Primitive;

/// An error of an engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A batch's parts do not fit each other, or a length is outside what the primitive defines.
    #[error("{what} is {found} bytes; it must be {expected}")]
    Length {
        /// The part in question.
        what: &'static str,
        /// Its length, in bytes.
        found: usize,
        /// What would be right.
        expected: String,
    },
    /// The library reported a failure that is none of the others.
    #[error("{call} failed: {detail}")]
    Library {
        /// The library's function.
        call: &'static str,
        /// What the library said.
        detail: String,
    },
    /// A tag did not match. The output of the whole call has been overwritten with zeros.
    #[error("message {index} of the batch is not authentic")]
    Unauthentic {
        /// The first message that failed, counted from 0.
        index: usize,
    },
    /// The library is not on this machine or will not run on this CPU.
    #[error("{reason}")]
    Unavailable {
        /// Why, in one line.
        reason: String,
    },
    /// The engine does not implement the primitive.
    #[error("{engine} does not implement {primitive}")]
    Unsupported {
        /// The engine's identifier.
        engine: &'static str,
        /// What was asked for.
        primitive: Primitive,
    },
}
