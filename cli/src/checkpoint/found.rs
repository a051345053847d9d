//! What lies at the place that a user names: a plain set, a sealed one, or neither.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sealab_checkpoint::pr2297::CIPHER_FILE;

use super::arguments::Format;
use super::failure::CheckpointFailure;

/// The one file of a set sealed as `sealed-checkpoint`, and how it begins.
const SEALED_FILE: &str = "checkpoint.sealed";
const SEALED_MAGIC: &[u8] = b"\x89SLCK";

/// What a folder is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Found {
    Plain,
    Sealed(Format),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("a plain set"),
            Self::Sealed(format) => write!(f, "a set sealed as {}", format.name()),
        }
    }
}

/// Whether the path stands for standard input or output.
pub(super) fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// What `path` is: by the files that only such a set has, never by what they say.
pub(super) fn at(path: &Path) -> Result<Found, CheckpointFailure> {
    let not_a_set = |found: &str| CheckpointFailure::NotASet {
        path: path.display().to_string(),
        found: found.to_owned(),
    };
    let metadata = path.metadata().map_err(|error| not_a_set(&error.to_string()))?;
    if !metadata.is_dir() {
        let mut start = Vec::new();
        File::open(path)
            .and_then(|file| file.take(SEALED_MAGIC.len() as u64).read_to_end(&mut start))
            .map_err(|error| not_a_set(&error.to_string()))?;
        return if start == SEALED_MAGIC {
            Ok(Found::Sealed(Format::SealedCheckpoint))
        } else {
            Err(not_a_set("a file"))
        };
    }
    let has = |name: &str| path.join(name).symlink_metadata().is_ok();
    if has(SEALED_FILE) {
        Ok(Found::Sealed(Format::SealedCheckpoint))
    } else if has(CIPHER_FILE) {
        Ok(Found::Sealed(Format::CriuPr2297))
    } else if has_images(path).map_err(|error| not_a_set(&error.to_string()))? {
        Ok(Found::Plain)
    } else {
        Err(not_a_set("a folder without images"))
    }
}

fn has_images(path: &Path) -> io::Result<bool> {
    for entry in path.read_dir()? {
        if entry?.file_name().as_encoded_bytes().ends_with(b".img") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The format of a sealed set, and that it is `wanted`.
pub(super) fn sealed(path: &Path, wanted: Option<Format>) -> Result<Format, CheckpointFailure> {
    match at(path)? {
        Found::Sealed(format) if wanted.is_none_or(|wanted| wanted == format) => Ok(format),
        found => Err(CheckpointFailure::Other {
            path: path.display().to_string(),
            found,
            wanted,
        }),
    }
}
