//! What stops a run before or while it goes on.

use std::io;
use std::path::PathBuf;

/// An error that ends the command; what befalls a single cell stands in the record.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A scenario file says something that it must not.
    #[error("{file}:{line}:{column}: {message}")]
    Invalid {
        /// The file's name as it was given.
        file: String,
        /// The line, from 1.
        line: u64,
        /// The column, from 1.
        column: u64,
        /// What was found and what would be right.
        message: String,
    },
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Neither a file nor a shipped scenario.
    #[error("{name}: no such file, and no scenario of that name is shipped; shipped are: {shipped}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names there are.
        shipped: String,
    },
    /// The system refused something that a run cannot do without.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The bench could not attack a format at all.
    #[error(transparent)]
    Attack(sealab_attack::AttackError),
    /// The user ended the run.
    #[error("interrupted; nothing was written")]
    Interrupted,
}
