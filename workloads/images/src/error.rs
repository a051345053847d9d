//! Why an image could not be made, or a method not measured.

use std::io;
use std::path::{Path, PathBuf};

use sealab_programs::ProgramError;

/// Why an image could not be made, or a method not measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImagesError {
    /// A program is missing or failed, or a file could not be read or written.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The host has too few files for an image of that size.
    #[error("{} has {found_mib} MiB of files; an image of {wanted_mib} MiB needs as many", root.display())]
    TooFew {
        /// Where they were looked for.
        root: PathBuf,
        /// What was found, in MiB.
        found_mib: u64,
        /// What is needed, in MiB.
        wanted_mib: u64,
    },
    /// What a program wrote is not what it should be.
    #[error("{place}: {found}; right would be {expected}")]
    Wrong {
        /// The file, or the program's answer.
        place: String,
        /// What was found.
        found: String,
        /// What would be right.
        expected: String,
    },
}

impl ImagesError {
    /// Whether the machine lacks something, so that nothing is wrong with what was to be measured.
    pub fn is_unavailable(&self) -> bool {
        matches!(
            self,
            Self::TooFew { .. } | Self::Program(ProgramError::Missing { .. })
        )
    }

    /// Whether the caller has ended it.
    pub fn is_interruption(&self) -> bool {
        matches!(self, Self::Program(ProgramError::Interrupted))
    }

    /// For `map_err`: an error at `path`.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| ProgramError::at(path)(source).into()
    }
}
