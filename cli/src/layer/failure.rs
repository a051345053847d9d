//! Why the layers of an image were not encrypted, decrypted, rewrapped or shown, and how to mend it.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use sealab_layer::WrappingError;
use sealab_layer::ocicrypt::LayerError;
use sealab_registry::RegistryError;

use super::opened::printable;

/// A failure, told in one line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LayerFailure {
    #[error("{path}: {problem}")]
    File { path: String, problem: String },
    #[error("{0}")]
    Call(String),
    #[error(transparent)]
    Image(#[from] Box<sealab_layer::Error>),
    #[error("{file}: {error}")]
    InImage {
        file: String,
        error: Box<sealab_layer::Error>,
    },
    #[error("{mountpoint}: {problem}")]
    Mount { mountpoint: String, problem: String },
    #[error(transparent)]
    Registry(#[from] Box<RegistryError>),
    #[error(transparent)]
    Recipient(#[from] Box<WrappingError>),
    #[error("{image}: layer {layer} is not encrypted; --all-encrypted asks that every one is")]
    Plain { image: String, layer: usize },
    #[error("interrupted; nothing was written")]
    Interrupted,
}

impl From<sealab_layer::Error> for LayerFailure {
    fn from(error: sealab_layer::Error) -> Self {
        match error {
            sealab_layer::Error::Interrupted => Self::Interrupted,
            error => Self::Image(Box::new(error)),
        }
    }
}

impl From<WrappingError> for LayerFailure {
    fn from(error: WrappingError) -> Self {
        Self::Recipient(Box::new(error))
    }
}

impl From<RegistryError> for LayerFailure {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Interrupted => Self::Interrupted,
            RegistryError::Layout(error) => error.into(),
            error => Self::Registry(Box::new(error)),
        }
    }
}

impl LayerFailure {
    /// For `map_err`: an error at `path`.
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |error| Self::File {
            path,
            problem: error.to_string(),
        }
    }

    /// An error in reading the file at `path` of an image.
    pub(super) fn of_file(path: &[u8], error: sealab_layer::Error) -> Self {
        Self::InImage {
            file: format!("/{}", printable(path.strip_prefix(b"/").unwrap_or(path))),
            error: Box::new(error),
        }
    }

    pub(super) fn broken(path: &Path, problem: impl Into<String>) -> Self {
        Self::File {
            path: path.display().to_string(),
            problem: problem.into(),
        }
    }

    /// 1 where something that was checked did not hold, 2 where the call, a file or the set-up is wrong.
    pub(crate) fn exit_code(&self) -> ExitCode {
        let checked = match self {
            Self::Interrupted => return ExitCode::from(130),
            Self::Image(error) | Self::InImage { error, .. } => is_untrue(error),
            Self::Plain { .. } => true,
            Self::Registry(error) => matches!(**error, RegistryError::Digest { .. }),
            _ => false,
        };
        ExitCode::from(if checked { 1 } else { 2 })
    }
}

/// Whether what was read is not what was sealed or named.
pub(super) fn is_untrue(error: &sealab_layer::Error) -> bool {
    use sealab_layer::Error;
    matches!(
        error,
        Error::Digest { .. }
            | Error::Size { .. }
            | Error::Unauthentic { .. }
            | Error::Layer {
                source: LayerError::Unauthentic,
                ..
            }
    )
}
