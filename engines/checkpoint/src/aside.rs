//! A folder that is written aside and appears under its name whole, or not at all. What is in it can be read again.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, RenameFlags, openat, renameat_with, symlinkat};
use tempfile::TempDir;

/// A new folder beside its destination, removed when dropped before it is finished. Readable by its owner only, as are
/// its files: what a process had in memory is nobody else's.
pub(crate) struct Aside {
    directory: TempDir,
    opened: OwnedFd,
    destination: PathBuf,
}

impl Aside {
    /// Begins the folder `destination`, which must not exist.
    pub(crate) fn new(destination: &Path) -> io::Result<Self> {
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
    pub(crate) fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&self.opened, name, flags, Mode::RUSR | Mode::WUSR)?.into())
    }

    /// A file of the folder, for reading.
    pub(crate) fn read(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&self.opened, name, flags, Mode::empty())?.into())
    }

    /// A new symbolic link in the folder.
    pub(crate) fn link(&self, name: &str, target: &str) -> io::Result<()> {
        Ok(symlinkat(target, &self.opened, name)?)
    }

    /// Gives the folder its name; fails if something has taken it meanwhile.
    pub(crate) fn finish(self) -> io::Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_appears_whole_or_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let destination = place.path().join("set");
        let aside = Aside::new(&destination).unwrap();
        aside.create("core-1.img").unwrap();
        assert!(!destination.exists());
        drop(aside);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);

        let aside = Aside::new(&destination).unwrap();
        aside.create("core-1.img").unwrap();
        aside.finish().unwrap();
        assert!(destination.join("core-1.img").exists());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_exists_is_never_replaced() {
        let place = tempfile::tempdir().unwrap();
        let destination = place.path().join("set");
        let aside = Aside::new(&destination).unwrap();
        // An empty folder, which a plain rename would replace.
        fs::create_dir(&destination).unwrap();
        let error = aside.finish().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        let error = Aside::new(&destination).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }
}
