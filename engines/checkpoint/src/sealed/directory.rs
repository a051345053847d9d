//! A folder that is written aside and appears under its name whole, or not at all. What is in it can be read again.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, RenameFlags, openat, renameat_with, symlinkat};
use tempfile::TempDir;

/// A new folder beside its destination, removed when dropped before it is finished. Readable by its owner only: what a
/// process had in memory is nobody else's.
pub(super) struct Directory {
    directory: TempDir,
    opened: OwnedFd,
    destination: PathBuf,
}

impl Directory {
    /// Begins the folder `destination`, which must not exist.
    pub(super) fn new(destination: &Path) -> io::Result<Self> {
        let name = destination.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        if fs::symlink_metadata(destination).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let mut prefix = OsString::from(".");
        prefix.push(name);
        prefix.push(".");
        let directory = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(".partial")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent(destination))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            opened: openat(CWD, directory.path(), flags, Mode::empty())?,
            directory,
            destination: destination.to_owned(),
        })
    }

    /// A new file in the folder; its writer syncs it.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&self.opened, name, flags, Mode::RUSR | Mode::WUSR)?.into())
    }

    /// A file of the folder, for reading.
    pub(super) fn read(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&self.opened, name, flags, Mode::empty())?.into())
    }

    /// A new symbolic link in the folder.
    pub(super) fn link(&self, name: &str, target: &str) -> io::Result<()> {
        Ok(symlinkat(target, &self.opened, name)?)
    }

    /// Gives the folder its name; fails if something has taken it meanwhile.
    pub(super) fn finish(self) -> io::Result<()> {
        rustix::fs::fsync(&self.opened)?;
        renameat_with(
            CWD,
            self.directory.path(),
            CWD,
            &self.destination,
            RenameFlags::NOREPLACE,
        )?;
        // The folder has its name: there is nothing left to remove.
        let _ = self.directory.keep();
        File::open(parent(&self.destination))?.sync_all()
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}
