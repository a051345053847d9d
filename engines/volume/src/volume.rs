//! The block device that every volume format offers, whatever lies beneath.

use std::{fmt, io};

/// A block device in user space: numbered bytes, read and written in whole blocks, by as many callers at a time as like.
///
/// A read that runs beside a write of the same blocks may see either content of each block, never a mixture within one.
/// What was written before a [`Volume::flush`] began is there after a power cut, once the flush has returned; what the
/// format does to writes since then is one of the guarantees in which formats differ.
pub trait Volume: Send + Sync {
    /// The size in bytes, a multiple of [`Volume::block_size`].
    fn size(&self) -> u64;

    /// The bytes of a block: a power of two of 512 to 65,536. Offsets and lengths of requests are multiples of it.
    fn block_size(&self) -> u32;

    /// Whether writes are refused, with [`VolumeError::ReadOnly`].
    fn read_only(&self) -> bool {
        false
    }

    /// Fills `data` with the bytes from `offset` on. After an error, `data` holds no plaintext that was not verified.
    fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), VolumeError>;

    /// Writes `data` at `offset`. After an error each block may hold what it held or what was to be written.
    fn write(&self, offset: u64, data: &[u8]) -> Result<(), VolumeError>;

    /// Makes everything durable that was written before the call. A flush that failed was not done, nor is a later one
    /// taken for it.
    fn flush(&self) -> Result<(), VolumeError>;

    /// Says that `bytes` bytes from `offset` on are no longer needed. What they read as afterwards is the format's
    /// affair; a format that has no use for the hint ignores it.
    fn discard(&self, offset: u64, bytes: u64) -> Result<(), VolumeError>;

    /// Makes `bytes` bytes from `offset` on read as zeroes. With `keep_allocated`, later writes there need no new space.
    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> Result<(), VolumeError>;
}

/// Why a volume did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    /// The bytes asked for are not all on the volume.
    #[error("{bytes} bytes at {offset} go past the end of the volume, which has {size} bytes")]
    Range {
        /// Where the request begins, in bytes.
        offset: u64,
        /// How many bytes it has.
        bytes: u64,
        /// The volume's size, in bytes.
        size: u64,
    },
    /// The request does not begin or end with a block.
    #[error("{bytes} bytes at {offset} are not whole blocks of {block_size} bytes")]
    Alignment {
        /// Where the request begins, in bytes.
        offset: u64,
        /// How many bytes it has.
        bytes: u64,
        /// The size of a block, in bytes.
        block_size: u32,
    },
    /// The volume was opened for reading.
    #[error("the volume is open for reading only")]
    ReadOnly,
    /// There is no room left beneath.
    #[error("no space is left to write {bytes} bytes at {offset}")]
    NoSpace {
        /// Where the write begins, in bytes of the volume.
        offset: u64,
        /// How many bytes it has.
        bytes: u64,
    },
    /// A block was changed, moved, or put back, and the format noticed.
    #[error("the block at {offset} is not authentic: {reason}")]
    Unauthentic {
        /// The first block that failed, in bytes of the volume.
        offset: u64,
        /// What did not hold.
        reason: String,
    },
    /// What lies beneath failed.
    #[error("{place}: {source}")]
    Store {
        /// What was done to what, with its name and offset.
        place: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// An engine or a sector cipher reported an error.
    #[error(transparent)]
    Sector(#[from] crate::sector::SectorError),
}

impl VolumeError {
    /// That `action` failed: `source` as it is, or [`VolumeError::NoSpace`] where that is what it says.
    pub fn store(action: impl fmt::Display, offset: u64, bytes: u64, source: io::Error) -> Self {
        if matches!(
            source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        ) {
            return Self::NoSpace { offset, bytes };
        }
        Self::Store {
            place: action.to_string(),
            source,
        }
    }
}

/// Whether `bytes` bytes at `offset` are whole blocks on `volume`.
pub fn check_request(volume: &dyn Volume, offset: u64, bytes: u64) -> Result<(), VolumeError> {
    let (size, block_size) = (volume.size(), volume.block_size());
    if offset.checked_add(bytes).is_none_or(|end| end > size) {
        return Err(VolumeError::Range { offset, bytes, size });
    }
    if !offset.is_multiple_of(block_size.into()) || !bytes.is_multiple_of(block_size.into()) {
        return Err(VolumeError::Alignment {
            offset,
            bytes,
            block_size,
        });
    }
    Ok(())
}
