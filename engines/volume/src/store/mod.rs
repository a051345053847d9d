//! What volumes lie on: the bytes an adversary may read and change.

mod aligned_buffer;
mod counting;
mod direct_file;
mod faulty;
mod file;
mod memory;
mod overlay;
mod slice;
mod syncs;

use std::io;
use std::ops::Range;

pub(crate) use aligned_buffer::AlignedBuffer;
pub use counting::{Count, CountingStore, Counts};
pub use direct_file::DirectFileStore;
pub use faulty::{Fault, FaultyStore, Operation};
pub use file::{Access, FileStore};
pub use memory::MemoryStore;
pub use overlay::OverlayStore;
pub use slice::Slice;

/// A backing store: bytes at offsets, read and written by many callers at a time. Nothing here is secret or trusted.
///
/// Any offset and length is right for a store unless [`Store::alignment`] says otherwise.
pub trait Store: Send + Sync {
    /// The store's name in messages, such as the path of its file.
    fn name(&self) -> String;

    /// The size in bytes.
    fn size(&self) -> u64;

    /// What offsets, lengths and the addresses of buffers must be multiples of, 1 for most stores.
    fn alignment(&self) -> usize {
        1
    }

    /// Fills `data` with the bytes from `offset` on.
    fn read_at(&self, offset: u64, data: &mut [u8]) -> io::Result<()>;

    /// Writes `data` at `offset`.
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()>;

    /// Hands `take` the bytes from `offset` on where they are, which saves a copy: of `length` bytes as many as the store
    /// has in memory in one piece, a multiple of `unit`. How many these were; 0 where there are none, `take` was not
    /// called, and [`Store::read_at`] is the way.
    ///
    /// Nobody writes the bytes meanwhile. `take` must not call the store.
    fn lend(
        &self,
        offset: u64,
        length: usize,
        unit: usize,
        take: &mut dyn FnMut(&[u8]),
    ) -> io::Result<usize> {
        let _ = (offset, length, unit, take);
        Ok(0)
    }

    /// As [`Store::lend`], to be changed; nobody reads or writes the bytes meanwhile. They are the store's from the first
    /// change on: nothing may stand there, at any time, that is not to be stored. Whoever cannot tell calls
    /// [`Store::write_at`].
    fn lend_mut(
        &self,
        offset: u64,
        length: usize,
        unit: usize,
        take: &mut dyn FnMut(&mut [u8]),
    ) -> io::Result<usize> {
        let _ = (offset, length, unit, take);
        Ok(0)
    }

    /// Makes durable what was written before the call. Once a sync has failed, every later one fails too: the operating
    /// system may have dropped the pages it could not write.
    fn sync(&self) -> io::Result<()>;

    /// Gives back the room of `bytes` bytes from `offset` on, which then read as zeroes, or does nothing where the store
    /// cannot: `Ok(false)`.
    fn discard(&self, offset: u64, bytes: u64) -> io::Result<bool>;

    /// Makes `bytes` bytes from `offset` on zeroes, keeping their room if `keep_allocated`.
    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> io::Result<()>;
}

/// That `bytes` bytes at `offset` are all on `store`; [`io::ErrorKind::InvalidInput`] otherwise.
pub fn check_range(store: &(impl Store + ?Sized), offset: u64, bytes: u64) -> io::Result<()> {
    let size = store.size();
    if offset.checked_add(bytes).is_some_and(|end| end <= size) {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("{bytes} bytes at {offset} go past the end, which is at {size}"),
    ))
}

/// `bytes` bytes at `offset`, whose sum is a number, cut at the multiples of `each`.
pub(crate) fn pieces(offset: u64, bytes: u64, each: u64) -> impl Iterator<Item = Range<u64>> {
    let end = offset + bytes;
    let mut start = offset;
    std::iter::from_fn(move || {
        let piece = start..end.min((start / each + 1).saturating_mul(each));
        start = piece.end;
        (!piece.is_empty()).then_some(piece)
    })
}
