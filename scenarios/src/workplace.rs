//! Where checkpoints and images are written: in memory where there is room for it, so that no disk is measured.

use std::env;
use std::path::{Path, PathBuf};

use rustix::fs::{statfs, statvfs};
use sealab_memory::ByteSize;

use crate::machine::available_memory;

/// A file system in memory, on every Linux.
const MEMORY: &str = "/dev/shm";
/// As statfs tells a tmpfs.
const TMPFS_MAGIC: i64 = 0x0102_1994;

/// A folder to work in.
pub(crate) struct Workplace {
    pub(crate) folder: PathBuf,
    /// Whether it lies in memory.
    pub(crate) memory: bool,
}

impl Workplace {
    /// The best there is for `copies` copies of `what`, each of `size`; fails with the reason where there is no room.
    pub(crate) fn find(what: &str, size: ByteSize, copies: u64) -> Result<Self, String> {
        let needed = size.bytes().saturating_mul(copies).saturating_add(64 << 20);
        let memory = Path::new(MEMORY);
        let is_tmpfs = statfs(memory).is_ok_and(|found| found.f_type == TMPFS_MAGIC);
        // The programs that work on it may fill memory once more.
        let there = available_memory().is_none_or(|bytes| bytes > needed.saturating_add(size.bytes()));
        if is_tmpfs && there && free(memory) >= needed {
            return Ok(Self {
                folder: memory.to_owned(),
                memory: true,
            });
        }
        let folder = env::temp_dir();
        let found = free(&folder);
        if found < needed {
            return Err(format!(
                "{} has {} MiB free; {what} of {size} need {} MiB",
                folder.display(),
                found >> 20,
                needed >> 20
            ));
        }
        Ok(Self {
            folder,
            memory: false,
        })
    }
}

fn free(folder: &Path) -> u64 {
    statvfs(folder).map_or(0, |found| found.f_bavail.saturating_mul(found.f_frsize))
}
