//! A store in a file or on a block device, through the page cache.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, OFlags, fallocate};
use rustix::io::Errno;

use super::syncs::Syncs;
use super::{Store, check_range, pieces};

/// What a file is opened for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Reading, beside other readers.
    ReadOnly,
    /// Reading and writing, alone.
    ReadWrite,
}

/// Where a file system cannot write zeroes by itself, so many are written a call.
const ZERO_BYTES: usize = 1 << 16;

/// A file or a block device.
///
/// The file is locked (`flock`) for as long as the store lives: shared for reading, exclusive for writing, as
/// `cryptsetup` locks files with LUKS2 headers. It never grows.
pub struct FileStore {
    file: File,
    path: PathBuf,
    size: u64,
    access: Access,
    syncs: Syncs,
}

impl FileStore {
    /// Opens `path`; an error where another program or store has locked it.
    pub fn open(path: impl AsRef<Path>, access: Access) -> io::Result<Self> {
        Self::open_with(path.as_ref(), access, OFlags::empty())
    }

    /// Makes a new file of `size` zero bytes without room for them (mode 0600) and opens it for writing.
    pub fn create(path: impl AsRef<Path>, size: u64) -> io::Result<Self> {
        let path = path.as_ref();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.set_len(size)?;
        Self::lock(file, path, Access::ReadWrite)
    }

    pub(super) fn open_with(path: &Path, access: Access, flags: OFlags) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(access == Access::ReadWrite)
            .custom_flags(flags.bits().cast_signed())
            .open(path)?;
        Self::lock(file, path, access)
    }

    fn lock(mut file: File, path: &Path, access: Access) -> io::Result<Self> {
        let locked = match access {
            Access::ReadOnly => file.try_lock_shared(),
            Access::ReadWrite => file.try_lock(),
        };
        locked.map_err(|error| match error {
            TryLockError::Error(error) => error,
            TryLockError::WouldBlock => {
                let message = format!("{} is locked: another program has it open", path.display());
                io::Error::new(io::ErrorKind::ResourceBusy, message)
            }
        })?;
        // Right for block devices too, whose metadata say 0.
        let size = file.seek(SeekFrom::End(0))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            size,
            access,
            syncs: Syncs::default(),
        })
    }

    /// What the file was opened for.
    pub fn access(&self) -> Access {
        self.access
    }

    /// How many bytes the file takes of its file system.
    pub fn allocated(&self) -> io::Result<u64> {
        use std::os::unix::fs::MetadataExt;
        Ok(self.file.metadata()?.blocks() * 512)
    }

    fn writable(&self, offset: u64, bytes: u64) -> io::Result<()> {
        if self.access == Access::ReadOnly {
            return Err(io::Error::new(
                io::ErrorKind::ReadOnlyFilesystem,
                "the file is open for reading only",
            ));
        }
        check_range(self, offset, bytes)
    }

    /// Whether the file system did it, not counting the errors of those that cannot.
    fn allocate(&self, flags: FallocateFlags, offset: u64, bytes: u64) -> io::Result<bool> {
        if bytes == 0 {
            return Ok(true);
        }
        match fallocate(&self.file, flags, offset, bytes) {
            Ok(()) => Ok(true),
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::NODEV) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The length of a piece of zeroes is less than a mebibyte.
    pub(super) fn write_zero_bytes(&self, offset: u64, bytes: u64, zeroes: &[u8]) -> io::Result<()> {
        for piece in pieces(offset, bytes, zeroes.len() as u64) {
            let length = (piece.end - piece.start) as usize;
            self.file.write_all_at(&zeroes[..length], piece.start)?;
        }
        Ok(())
    }

    /// As [`Store::write_zeroes`], but `Ok(false)` where the file system cannot.
    pub(super) fn allocate_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> io::Result<bool> {
        self.writable(offset, bytes)?;
        let flags = if keep_allocated {
            FallocateFlags::ZERO_RANGE
        } else {
            FallocateFlags::PUNCH_HOLE
        };
        self.allocate(flags | FallocateFlags::KEEP_SIZE, offset, bytes)
    }
}

impl Drop for FileStore {
    fn drop(&mut self) {
        // Closing alone would leave the lock with a child that was forked and has not yet run its program.
        let _ = self.file.unlock();
    }
}

impl Store for FileStore {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, data: &mut [u8]) -> io::Result<()> {
        check_range(self, offset, data.len() as u64)?;
        self.file.read_exact_at(data, offset)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.writable(offset, data.len() as u64)?;
        self.file.write_all_at(data, offset)
    }

    fn sync(&self) -> io::Result<()> {
        // The size never changes, so the data and what is needed to find them are all there is.
        self.syncs.run(|| self.file.sync_data())
    }

    fn discard(&self, offset: u64, bytes: u64) -> io::Result<bool> {
        self.writable(offset, bytes)?;
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        self.allocate(flags, offset, bytes)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> io::Result<()> {
        if self.allocate_zeroes(offset, bytes, keep_allocated)? {
            return Ok(());
        }
        self.write_zero_bytes(offset, bytes, &[0; ZERO_BYTES])
    }
}
