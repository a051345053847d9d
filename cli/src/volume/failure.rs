//! Why a volume was not made, served, checked or shown, and how to mend it.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use sealab_nbd::{ListenError, ServeError};
use sealab_volume::VolumeError;
use sealab_volume::luks::LuksError;
use sealab_volume::sealed_log::SealedLogError;
use sealab_volume::verity::VerityError;

/// A failure, told in one line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VolumeFailure {
    #[error("{path}: {problem}")]
    File { path: String, problem: String },
    #[error("{path}: it exists already; name a new file, or remove this one")]
    Exists { path: String },
    #[error("{path}: {found}; {hint}")]
    Format {
        path: String,
        found: String,
        hint: &'static str,
    },
    #[error("{0}")]
    Call(String),
    #[error("the counter: {0}")]
    Counter(io::Error),
    #[error(transparent)]
    Luks(Box<LuksError>),
    #[error(transparent)]
    SealedLog(Box<SealedLogError>),
    #[error(transparent)]
    Verity(Box<VerityError>),
    #[error(transparent)]
    Volume(Box<VolumeError>),
    #[error(transparent)]
    Listen(Box<ListenError>),
    #[error(transparent)]
    Serve(Box<ServeError>),
}

/// Boxed, since results of every command carry the failure.
macro_rules! boxed {
    ($($variant:ident($error:ty)),*) => {$(
        impl From<$error> for VolumeFailure {
            fn from(error: $error) -> Self {
                Self::$variant(Box::new(error))
            }
        }
    )*};
}

boxed!(
    Luks(LuksError),
    Verity(VerityError),
    Volume(VolumeError),
    Listen(ListenError),
    Serve(ServeError)
);

impl From<SealedLogError> for VolumeFailure {
    fn from(error: SealedLogError) -> Self {
        match error {
            // A wrong passphrase is told in the same words whatever the format.
            SealedLogError::Passphrase(_) => LuksError::Passphrase.into(),
            error => Self::SealedLog(Box::new(error)),
        }
    }
}

impl VolumeFailure {
    /// For `map_err`: an error at `path`.
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |error| match error.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists {
                path: path.display().to_string(),
            },
            _ => Self::File {
                path: path.display().to_string(),
                problem: error.to_string(),
            },
        }
    }

    /// 1 where something that was checked did not hold, 2 where the call, a file or the set-up is wrong.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Volume(error) if matches!(**error, VolumeError::Unauthentic { .. }) => ExitCode::from(1),
            Self::SealedLog(error) if is_unheld(error) => ExitCode::from(1),
            _ => ExitCode::from(2),
        }
    }
}

/// Whether a log is not what its owner wrote last.
fn is_unheld(error: &SealedLogError) -> bool {
    matches!(
        error,
        SealedLogError::RolledBack { .. }
            | SealedLogError::HeaderForged(_)
            | SealedLogError::Superblock { .. }
            | SealedLogError::Journal { .. }
            | SealedLogError::Volume(VolumeError::Unauthentic { .. })
    )
}
