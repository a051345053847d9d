//! What can go wrong, and what a machine may lack.

use std::io;
use std::path::{Path, PathBuf};

use sealab_programs::ProgramError;

/// Why this machine cannot dump and restore, or not this program. No fault of the caller's.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// The user may not dump other processes.
    #[error("not root, which dumping and restoring other processes needs")]
    NotRoot,
    /// No CRIU was found that works on this kernel.
    #[error("no CRIU that works here ({tried}); `ci/criu` fetches Debian's, SEALAB_CRIU names another")]
    NoCriu {
        /// What was tried, with the reason why it is not used.
        tried: String,
    },
    /// The kernel or the container does not allow namespaces.
    #[error("no PID and mount namespaces of its own for the program: {reason}")]
    Namespaces {
        /// What `unshare` says.
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
    /// The lab's own program was not given to [`crate::peers::Peers`].
    #[error("the program `sealab` is not known here")]
    NoSealab,
    /// The command line of the lab's own program was not given to [`crate::Criu::with_mixture`].
    #[error("the program `mixture` has no command line")]
    NoMixture,
}

/// Why a program could not be dumped, restored, or found going on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CriuError {
    /// This machine cannot do it.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The caller has ended it.
    #[error("interrupted")]
    Interrupted,
    /// A step took too long and was ended.
    #[error("{what} took longer than {seconds} s")]
    TooLong {
        /// The step.
        what: String,
        /// How long it may take.
        seconds: u64,
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
    /// The program is there again but is not what it was.
    #[error("{subject} does not go on after its restore: {found}; right would be {expected}")]
    NotGoingOn {
        /// The subject.
        subject: String,
        /// What was found.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// The parameters of an image set make none.
    #[error("{found}; right would be {expected}")]
    Invalid {
        /// What was found.
        found: String,
        /// What would be right.
        expected: String,
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

impl From<ProgramError> for CriuError {
    fn from(error: ProgramError) -> Self {
        match error {
            ProgramError::Missing { program, package } => Unavailable::Program { program, package }.into(),
            ProgramError::Interrupted => Self::Interrupted,
            ProgramError::TooLong { what, seconds } => Self::TooLong { what, seconds },
            ProgramError::Failed {
                what,
                status,
                message,
            } => Self::Failed {
                what,
                status,
                message,
            },
            ProgramError::Io { path, source } => Self::Io { path, source },
            // The type may get more of them.
            other => Self::Failed {
                what: "a program".to_owned(),
                status: "an error".to_owned(),
                message: other.to_string(),
            },
        }
    }
}

impl CriuError {
    /// For `map_err`: an error at `path`.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}
