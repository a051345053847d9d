//! Why a set could not be shown.

use std::io;

use super::SourceError;
use crate::image::ImageError;

/// Why a set or file was not shown to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShowError {
    /// A file of the set is not as it must be.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The plain content of a file could not be had.
    #[error("{0}")]
    Source(SourceError),
    /// There is no such file.
    #[error("there is no file {0} in the set")]
    Missing(String),
    /// Writing failed.
    #[error("writing the JSON: {0}")]
    Output(#[from] io::Error),
}
