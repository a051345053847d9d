//! A store in a file or on a block device, past the page cache.

use std::io;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

use rustix::fs::OFlags;

use super::{Access, AlignedBuffer, FileStore, Store, check_range};

/// What `O_DIRECT` needs offsets, lengths and addresses to be multiples of, on every device there is today.
const ALIGNMENT: usize = 4096;
/// The most that goes through a bounce buffer at a time.
const BOUNCE_BYTES: usize = 1 << 20;

/// As [`FileStore`], with `O_DIRECT`.
///
/// Requests whose offset, length and address are multiples of 4096 bytes go straight to the device. All others are right
/// too, but go through a buffer, and writes that are not whole blocks read them first.
pub struct DirectFileStore {
    file: FileStore,
    /// Held for writing while a block is read, changed in part and written.
    blocks: RwLock<()>,
}

impl DirectFileStore {
    /// Opens `path`, whose size must be a multiple of 4096 bytes; an error where it is locked or on a file system
    /// without `O_DIRECT`.
    pub fn open(path: impl AsRef<Path>, access: Access) -> io::Result<Self> {
        let path = path.as_ref();
        let file = FileStore::open_with(path, access, OFlags::DIRECT)?;
        if !file.size().is_multiple_of(ALIGNMENT as u64) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "{} has {} bytes; for direct access it must be a multiple of {ALIGNMENT}",
                    path.display(),
                    file.size()
                ),
            ));
        }
        Ok(Self {
            file,
            blocks: RwLock::new(()),
        })
    }
}

fn aligned(offset: u64, data: &[u8]) -> bool {
    whole(offset, data.len() as u64) && data.as_ptr().addr().is_multiple_of(ALIGNMENT)
}

fn whole(offset: u64, bytes: u64) -> bool {
    offset.is_multiple_of(ALIGNMENT as u64) && bytes.is_multiple_of(ALIGNMENT as u64)
}

/// The blocks around `length` bytes at `offset`: where they begin, how many bytes they have, where the bytes begin.
fn around(offset: u64, length: usize) -> (u64, usize, usize) {
    let inside = (offset % ALIGNMENT as u64) as usize;
    let bytes = (inside + length).next_multiple_of(ALIGNMENT);
    (offset - inside as u64, bytes, inside)
}

impl Store for DirectFileStore {
    fn name(&self) -> String {
        self.file.name()
    }

    fn size(&self) -> u64 {
        self.file.size()
    }

    fn read_at(&self, mut offset: u64, data: &mut [u8]) -> io::Result<()> {
        if aligned(offset, data) {
            return self.file.read_at(offset, data);
        }
        check_range(self, offset, data.len() as u64)?;
        let (_, bytes, _) = around(offset, data.len().min(BOUNCE_BYTES));
        let mut bounce = AlignedBuffer::new(bytes + ALIGNMENT);
        for piece in data.chunks_mut(BOUNCE_BYTES) {
            let (start, bytes, inside) = around(offset, piece.len());
            let bounce = &mut bounce.as_mut()[..bytes];
            self.file.read_at(start, bounce)?;
            piece.copy_from_slice(&bounce[inside..inside + piece.len()]);
            offset += piece.len() as u64;
        }
        Ok(())
    }

    fn write_at(&self, mut offset: u64, data: &[u8]) -> io::Result<()> {
        if aligned(offset, data) {
            let _shared = self.blocks.read().unwrap_or_else(PoisonError::into_inner);
            return self.file.write_at(offset, data);
        }
        check_range(self, offset, data.len() as u64)?;
        let (_, bytes, _) = around(offset, data.len().min(BOUNCE_BYTES));
        let mut bounce = AlignedBuffer::new(bytes + ALIGNMENT);
        for piece in data.chunks(BOUNCE_BYTES) {
            let (start, bytes, inside) = around(offset, piece.len());
            let bounce = &mut bounce.as_mut()[..bytes];
            if whole(offset, piece.len() as u64) {
                let _shared = self.blocks.read().unwrap_or_else(PoisonError::into_inner);
                bounce.copy_from_slice(piece);
                self.file.write_at(start, bounce)?;
            } else {
                let _alone = self.blocks.write().unwrap_or_else(PoisonError::into_inner);
                self.file.read_at(start, bounce)?;
                bounce[inside..inside + piece.len()].copy_from_slice(piece);
                self.file.write_at(start, bounce)?;
            }
            offset += piece.len() as u64;
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn discard(&self, offset: u64, bytes: u64) -> io::Result<bool> {
        self.file.discard(offset, bytes)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> io::Result<()> {
        if self.file.allocate_zeroes(offset, bytes, keep_allocated)? {
            return Ok(());
        }
        let zeroes = AlignedBuffer::new(ALIGNMENT * 16);
        if whole(offset, bytes) {
            return self.file.write_zero_bytes(offset, bytes, zeroes.as_ref());
        }
        for piece in super::pieces(offset, bytes, zeroes.as_ref().len() as u64) {
            let length = (piece.end - piece.start) as usize;
            self.write_at(piece.start, &zeroes.as_ref()[..length])?;
        }
        Ok(())
    }
}
