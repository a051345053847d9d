//! Tags, read and written through buffers as the kernel's dm-bufio does.
//!
//! A buffer remembers the bytes from the first to the last that changed, and writes just these, rounded to 4096, when
//! [`Tags::write_back`] is called or the buffer makes room for another. That decides how much is written for a flush.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::{Store, pieces};

const SHARDS: u64 = 8;
/// What dm-bufio rounds writes to.
const WRITE_BYTES: usize = 4096;

pub(super) struct Tags {
    store: Arc<dyn Store>,
    /// Where the first area begins, in bytes of the store.
    start: u64,
    buffer_bytes: u64,
    /// The most buffers of a shard.
    room: usize,
    shards: [Mutex<Shard>; SHARDS as usize],
}

#[derive(Default)]
struct Shard {
    buffers: HashMap<u64, Buffer>,
    clock: u64,
}

struct Buffer {
    bytes: Vec<u8>,
    /// What changed since it was last written.
    dirty: Range<usize>,
    used: u64,
}

impl Tags {
    pub(super) fn new(store: Arc<dyn Store>, start: u64, buffer_bytes: u64, cache_bytes: u64) -> Self {
        let room = (cache_bytes / buffer_bytes / SHARDS).max(1);
        Self {
            store,
            start,
            buffer_bytes,
            room: usize::try_from(room).unwrap_or(usize::MAX),
            shards: Default::default(),
        }
    }

    /// Fills `tags` with what stands at `position`, in bytes from the first area on.
    pub(super) fn read(&self, position: u64, tags: &mut [u8]) -> io::Result<()> {
        self.walk(position, tags.len(), |buffer, inside, part| {
            tags[part].copy_from_slice(&buffer.bytes[inside]);
        })
    }

    /// Puts `tags` at `position`.
    pub(super) fn write(&self, position: u64, tags: &[u8]) -> io::Result<()> {
        self.walk(position, tags.len(), |buffer, inside, part| {
            buffer.bytes[inside.clone()].copy_from_slice(&tags[part]);
            buffer.dirty = if buffer.dirty.is_empty() {
                inside
            } else {
                buffer.dirty.start.min(inside.start)..buffer.dirty.end.max(inside.end)
            };
        })
    }

    /// Writes all that changed; does not sync.
    pub(super) fn write_back(&self) -> io::Result<()> {
        for shard in &self.shards {
            let mut shard = lock(shard);
            let mut dirty: Vec<_> = shard
                .buffers
                .iter_mut()
                .filter(|(_, buffer)| !buffer.dirty.is_empty())
                .collect();
            dirty.sort_unstable_by_key(|(index, _)| **index);
            for (index, buffer) in dirty {
                self.write_buffer(*index, buffer)?;
            }
        }
        Ok(())
    }

    fn walk(
        &self,
        position: u64,
        length: usize,
        mut visit: impl FnMut(&mut Buffer, Range<usize>, Range<usize>),
    ) -> io::Result<()> {
        for piece in pieces(position, length as u64, self.buffer_bytes) {
            let index = piece.start / self.buffer_bytes;
            let inside = (piece.start % self.buffer_bytes) as usize;
            let before = (piece.start - position) as usize;
            let bytes = (piece.end - piece.start) as usize;
            let mut shard = lock(&self.shards[(index % SHARDS) as usize]);
            let buffer = self.buffer(&mut shard, index)?;
            visit(buffer, inside..inside + bytes, before..before + bytes);
        }
        Ok(())
    }

    fn buffer<'a>(&self, shard: &'a mut Shard, index: u64) -> io::Result<&'a mut Buffer> {
        shard.clock += 1;
        let used = shard.clock;
        if !shard.buffers.contains_key(&index) {
            while shard.buffers.len() >= self.room {
                let oldest = shard.buffers.iter_mut().min_by_key(|(_, buffer)| buffer.used);
                let Some((&oldest, buffer)) = oldest else { break };
                self.write_buffer(oldest, buffer)?;
                shard.buffers.remove(&oldest);
            }
            let mut bytes = vec![0; self.buffer_bytes as usize];
            self.store.read_at(self.offset(index), &mut bytes)?;
            let dirty = 0..0;
            shard.buffers.insert(index, Buffer { bytes, dirty, used });
        }
        let buffer = shard.buffers.get_mut(&index);
        let buffer = buffer.ok_or_else(|| io::Error::other("a buffer of tags is gone"))?;
        buffer.used = used;
        Ok(buffer)
    }

    fn write_buffer(&self, index: u64, buffer: &mut Buffer) -> io::Result<()> {
        if buffer.dirty.is_empty() {
            return Ok(());
        }
        let start = buffer.dirty.start / WRITE_BYTES * WRITE_BYTES;
        let end = buffer
            .dirty
            .end
            .next_multiple_of(WRITE_BYTES)
            .min(buffer.bytes.len());
        self.store
            .write_at(self.offset(index) + start as u64, &buffer.bytes[start..end])?;
        buffer.dirty = 0..0;
        Ok(())
    }

    fn offset(&self, index: u64) -> u64 {
        self.start + index * self.buffer_bytes
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
