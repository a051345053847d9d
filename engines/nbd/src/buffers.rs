//! The memory of requests: taken from a pool and given back, so that it is zeroed once and not for every request.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// Where the bytes of a buffer begin is a multiple of this, as direct input and output want it.
const ALIGNMENT: usize = 4096;

/// Buffers are kept by size: 4 KiB and its doubles.
const SMALLEST: usize = 4096;

/// The room behind every buffer, in bytes.
pub(crate) const TAIL: usize = 64;

/// What a buffer's memory has beside its size.
const MORE: usize = ALIGNMENT + TAIL;

/// The unused buffers of a server.
pub(crate) struct Pool {
    kept: Mutex<Kept>,
    most_bytes: usize,
}

#[derive(Default)]
struct Kept {
    /// By the power of two above [`SMALLEST`].
    buffers: Vec<Vec<Vec<u8>>>,
    bytes: usize,
}

impl Pool {
    /// A pool that keeps at most `most_bytes` bytes that nobody uses.
    pub(crate) fn new(most_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            kept: Mutex::default(),
            most_bytes,
        })
    }

    /// A buffer of `length` bytes, which hold anything.
    pub(crate) fn take(self: &Arc<Self>, length: usize) -> Buffer {
        let class = class(length);
        let memory = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let found = kept.buffers.get_mut(class).and_then(Vec::pop);
            if found.is_some() {
                kept.bytes -= SMALLEST << class;
            }
            found
        };
        let memory = memory.unwrap_or_else(|| vec![0; (SMALLEST << class) + MORE]);
        let start = memory.as_ptr().align_offset(ALIGNMENT);
        Buffer {
            // The standard library may say that it cannot align; any start is right then.
            start: if start < ALIGNMENT { start } else { 0 },
            memory,
            length,
            pool: self.clone(),
        }
    }

    fn give_back(&self, memory: Vec<u8>) {
        let bytes = memory.len() - MORE;
        let class = class(bytes);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes + bytes <= self.most_bytes {
            if kept.buffers.len() <= class {
                kept.buffers.resize_with(class + 1, Vec::new);
            }
            kept.buffers[class].push(memory);
            kept.bytes += bytes;
        }
    }
}

/// The power of two by which the smallest buffer that holds `length` bytes is longer than [`SMALLEST`].
fn class(length: usize) -> usize {
    length.div_ceil(SMALLEST).next_power_of_two().trailing_zeros() as usize
}

/// Bytes of a [`Pool`], which go back to it when dropped.
pub(crate) struct Buffer {
    memory: Vec<u8>,
    start: usize,
    length: usize,
    pool: Arc<Pool>,
}

impl Buffer {
    /// The buffer with the room behind it, where what comes next may be read to in the same call.
    pub(crate) fn with_tail(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.length + TAIL]
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.pool.give_back(std::mem::take(&mut self.memory));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_and_no_more_than_allowed_are_kept() {
        let pool = Pool::new(16384);
        for length in [0, 1, 4096, 4097, 8192, 100_000] {
            let buffer = pool.take(length);
            assert_eq!(buffer.len(), length);
            assert_eq!(buffer.as_ptr().addr() % ALIGNMENT, 0);
        }
        let bytes = || pool.kept.lock().unwrap().bytes;
        assert_eq!(bytes(), 4096 + 8192);
        let taken = pool.take(5000);
        assert_eq!(bytes(), 4096);
        drop((taken, pool.take(1), pool.take(1), pool.take(1)));
        assert_eq!(bytes(), 16384);
    }
}
