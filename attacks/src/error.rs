//! What keeps the bench from a verdict.

use std::io;

/// Why there is no verdict. None of it is a finding about a format's guarantees.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttackError {
    /// The format failed at its own work before anything was attacked.
    #[error("{format}: {step}: {detail}")]
    Format {
        /// The format.
        format: &'static str,
        /// What was to be done.
        step: &'static str,
        /// What it said.
        detail: String,
    },
    /// The unchanged artifact did not open to what was sealed, so no verdict would mean anything.
    #[error("{format}: opening the unchanged artifact gave something else than was sealed: {detail}")]
    Control {
        /// The format.
        format: &'static str,
        /// The first difference.
        detail: String,
    },
    /// A key could not be made.
    #[error("making a key: {0}")]
    Key(String),
    /// A file of the bench's own.
    #[error("{file}: {detail}")]
    File {
        /// The file or folder.
        file: String,
        /// What the system said.
        #[source]
        detail: io::Error,
    },
    /// The list of expected verdicts is wrong.
    #[error("expected.yaml: {0}")]
    Expectations(String),
    /// The user ended it.
    #[error("interrupted")]
    Interrupted,
}
