//! What can go wrong, and what a machine may lack.

use std::io;
use std::path::{Path, PathBuf};

use crate::backend::DatabaseError;

/// Why this machine cannot run a database server on a volume. No fault of the caller's.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// The user may not mount.
    #[error("not root, which mounting a volume needs")]
    NotRoot,
    /// A device is missing or closed.
    #[error("{device}: {reason}; a volume is mounted through it")]
    Device {
        /// The device file.
        device: &'static str,
        /// What the system says.
        reason: String,
    },
    /// A program is not installed.
    #[error("{program} is not installed (Debian's package {package})")]
    Program {
        /// The program.
        program: &'static str,
        /// The Debian package that brings it.
        package: &'static str,
    },
    /// The user that a server runs as does not exist.
    #[error("there is no user {user}, as whom the server runs (Debian's package {package})")]
    User {
        /// The user.
        user: &'static str,
        /// The Debian package that makes it.
        package: &'static str,
    },
    /// The kernel or the container does not let the volume be mounted.
    #[error("the volume cannot be mounted here: {reason}")]
    Mount {
        /// What the program says.
        reason: String,
    },
}

/// Why a database was not loaded, run or checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TpccError {
    /// This machine cannot do it.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The parameters make no workload.
    #[error("{name} is {found}; it must be {expected}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its value.
        found: u64,
        /// What would be right.
        expected: &'static str,
    },
    /// The volume is too small.
    #[error("the volume has {found} bytes; the database needs {expected} at least")]
    Small {
        /// The volume's bytes.
        found: u64,
        /// The bytes needed.
        expected: u64,
    },
    /// What is on the volume is no database that was laid out here.
    #[error("the block at 0 is no header of a database: {found}; right would be {expected}")]
    Header {
        /// What stands there.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// The database did not do what it was asked.
    #[error("{what}: {source}")]
    Database {
        /// What was being done.
        what: String,
        /// What the database says.
        source: DatabaseError,
    },
    /// The volume did not do what it was asked.
    #[error("{what}: {source}")]
    Volume {
        /// What was being done.
        what: &'static str,
        /// What the volume says.
        source: sealab_volume::VolumeError,
    },
    /// A program failed.
    #[error("{what} failed with {status}: {message}")]
    Failed {
        /// What was being done.
        what: String,
        /// How the program ended, in words.
        status: String,
        /// What it said.
        message: String,
    },
    /// A step took too long and was ended.
    #[error("{what} took longer than {seconds} s")]
    TooLong {
        /// The step.
        what: String,
        /// How long it may take.
        seconds: u64,
    },
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The caller has ended it.
    #[error("interrupted")]
    Interrupted,
}

impl TpccError {
    /// For `map_err`: an error at `path`.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    /// For `map_err`: a database's error while `what` was being done.
    pub(crate) fn doing(what: impl ToString) -> impl FnOnce(DatabaseError) -> Self {
        move |source| Self::Database {
            what: what.to_string(),
            source,
        }
    }
}
