//! Memory that the parent and its workers share, so that every worker seals the same bytes from the same place.
//!
//! Three anonymous files: the plain workload, what is sealed, and what is opened again. They have no name in any
//! directory, and only one process works on them at a time: the parent fills them before it asks, and waits for one
//! worker's answer before it asks another.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use memmap2::MmapMut;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

/// An anonymous file in memory.
pub(crate) struct SharedFile(File);

impl SharedFile {
    pub(crate) fn create(name: &str) -> io::Result<Self> {
        Ok(Self(File::from(memfd_create(name, MemfdFlags::CLOEXEC)?)))
    }

    /// The path by which a child of this process opens the file.
    pub(crate) fn path(&self) -> PathBuf {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd()).into()
    }

    /// Makes the file `length` bytes long, all zeros, and maps it.
    pub(crate) fn resize(&self, length: usize) -> io::Result<Mapping> {
        // To nothing first: pages of an earlier workload must not show.
        ftruncate(&self.0, 0)?;
        ftruncate(&self.0, length as u64)?;
        Mapping::of(&self.0, length)
    }
}

/// A shared file's bytes.
pub(crate) struct Mapping(Option<MmapMut>);

impl Mapping {
    /// Maps the shared file that another process offers at `path`.
    pub(crate) fn open(path: &std::path::Path, length: usize) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let found = file.metadata()?.len();
        if found < length as u64 {
            return Err(io::Error::other(format!(
                "shared memory of {found} bytes; {length} were announced"
            )));
        }
        Self::of(&file, length)
    }

    fn of(file: &File, length: usize) -> io::Result<Self> {
        if length == 0 {
            return Ok(Self(None));
        }
        // SAFETY: the file is an anonymous memfd of this run. It is not truncated while it is mapped by a worker that
        // works (the parent resizes it between requests and workers map anew), and parent and workers take turns.
        let mapping = unsafe { memmap2::MmapOptions::new().len(length).map_mut(file) }?;
        Ok(Self(Some(mapping)))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or(&[])
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        self.0.as_deref_mut().unwrap_or(&mut [])
    }
}
