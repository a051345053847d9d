//! What volumes lie on: the bytes an adversary may read and change.

use std::io;

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

    /// Makes durable what was written before the call. Once a sync has failed, every later one fails too: the operating
    /// system may have dropped the pages it could not write.
    fn sync(&self) -> io::Result<()>;

    /// Gives back the room of `bytes` bytes from `offset` on, which then read as zeroes, or does nothing where the store
    /// cannot: `Ok(false)`.
    fn discard(&self, offset: u64, bytes: u64) -> io::Result<bool>;

    /// Makes `bytes` bytes from `offset` on zeroes, keeping their room if `keep_allocated`.
    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> io::Result<()>;
}
