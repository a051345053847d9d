//! `file`: the bytes of a real file.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;

use rustix::fs::OFlags;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ByteSize, WorkloadError};

/// The first `limit` bytes of the regular file `path`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FileWorkload {
    /// The file; a relative path begins at the working directory.
    pub path: PathBuf,
    /// The most that is taken of it.
    #[serde(default = "default_limit")]
    pub limit: ByteSize,
}

fn default_limit() -> ByteSize {
    ByteSize::mebibytes(64)
}

/// A file that is open and fit.
pub(crate) struct Opened {
    file: File,
    path: PathBuf,
    /// How much of it is the workload.
    pub(crate) length: usize,
    /// How much of it there is.
    pub(crate) file_bytes: u64,
}

impl FileWorkload {
    pub(crate) fn open(&self) -> Result<Opened, WorkloadError> {
        let read = |source| WorkloadError::Read {
            path: self.path.clone(),
            source,
        };
        let unfit = |found| WorkloadError::UnfitFile {
            path: self.path.clone(),
            found,
        };
        // Opening a FIFO must not wait for its writer.
        let file = File::options()
            .read(true)
            .custom_flags(OFlags::NONBLOCK.bits() as i32)
            .open(&self.path)
            .map_err(read)?;
        let metadata = file.metadata().map_err(read)?;
        if metadata.is_dir() {
            return Err(unfit("it is a directory"));
        }
        if !metadata.is_file() {
            return Err(unfit("it is a device, a socket or a pipe"));
        }
        let file_bytes = metadata.len();
        let bytes = file_bytes.min(self.limit.bytes());
        if bytes == 0 {
            return Err(unfit("it is empty"));
        }
        Ok(Opened {
            file,
            path: self.path.clone(),
            length: usize::try_from(bytes).map_err(|_| WorkloadError::OutOfMemory { bytes })?,
            file_bytes,
        })
    }
}

impl Opened {
    /// Reads the workload into `out`, which has its length.
    pub(crate) fn fill(&self, out: &mut [u8]) -> Result<(), WorkloadError> {
        self.file
            .read_exact_at(out, 0)
            .map_err(|source| WorkloadError::Read {
                path: self.path.clone(),
                source,
            })
    }
}

impl fmt::Display for FileWorkload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Quoted, because a label is one line whatever the file's name is.
        write!(f, "file {:?}, limit {}", self.path, self.limit)
    }
}
