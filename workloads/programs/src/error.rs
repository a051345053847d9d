//! Why a program has not done what it was started for.

use std::io;
use std::path::{Path, PathBuf};

/// Why a program has not done what it was started for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// It is not installed.
    #[error("{program} is not installed (Debian's package {package})")]
    Missing {
        /// The program.
        program: &'static str,
        /// The Debian package that brings it.
        package: &'static str,
    },
    /// The caller has ended it.
    #[error("interrupted")]
    Interrupted,
    /// It took too long and was ended.
    #[error("{what} took longer than {seconds} s")]
    TooLong {
        /// What was being done.
        what: String,
        /// How long it may take.
        seconds: u64,
    },
    /// It failed.
    #[error("{what} failed with {status}: {message}")]
    Failed {
        /// What was being done.
        what: String,
        /// How the program ended, in words.
        status: String,
        /// What it said.
        message: String,
    },
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl ProgramError {
    /// For `map_err`: an error at `path`.
    pub fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    /// What was being done failed for a reason that the system gives, of which no file or folder is known.
    pub fn of(what: &str, error: &io::Error) -> Self {
        Self::Failed {
            what: what.to_owned(),
            status: "an error".to_owned(),
            message: error.to_string(),
        }
    }
}
