//! Sealed blocks that wait to be written, so that they go to the store in long pieces.

use std::collections::HashMap;
use std::io;

use super::geometry::{BLOCK_BYTES, Geometry};
use crate::store::{AlignedBuffer, Store};

/// Blocks that wait at most: 1 MiB.
pub(super) const BATCH_BLOCKS: usize = 256;

/// A buffer of sealed blocks with their addresses. It holds nothing but ciphertext.
pub(super) struct Batch {
    buffer: AlignedBuffer,
    addresses: Vec<u64>,
    slots: HashMap<u64, usize>,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self {
            buffer: AlignedBuffer::new(BATCH_BLOCKS * BLOCK_BYTES),
            addresses: Vec::with_capacity(BATCH_BLOCKS),
            slots: HashMap::with_capacity(BATCH_BLOCKS),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }

    /// How many more blocks there is room for.
    pub(super) fn room(&self) -> usize {
        BATCH_BLOCKS - self.addresses.len()
    }

    /// The room for blocks that go to `addresses`, no more than there is room for. Where a block for the same address
    /// waits already, the new one is written after it.
    pub(super) fn append(&mut self, addresses: &[u64]) -> &mut [u8] {
        let start = self.addresses.len();
        for (at, address) in addresses.iter().enumerate() {
            self.slots.insert(*address, start + at);
        }
        self.addresses.extend_from_slice(addresses);
        &mut self.buffer.as_mut()[start * BLOCK_BYTES..][..addresses.len() * BLOCK_BYTES]
    }

    /// The block that goes to `address`, if one does.
    pub(super) fn get(&self, address: u64) -> Option<&[u8]> {
        let slot = self.slots.get(&address)?;
        Some(&self.buffer.as_ref()[slot * BLOCK_BYTES..][..BLOCK_BYTES])
    }

    /// As [`Batch::get`], to be replaced.
    pub(super) fn get_mut(&mut self, address: u64) -> Option<&mut [u8]> {
        let slot = self.slots.get(&address)?;
        Some(&mut self.buffer.as_mut()[slot * BLOCK_BYTES..][..BLOCK_BYTES])
    }

    /// Writes all of it, neighbours together. After an error all of it still waits.
    pub(super) fn write(&mut self, store: &dyn Store, geometry: &Geometry) -> io::Result<()> {
        let mut start = 0;
        while start < self.addresses.len() {
            let first = self.addresses[start];
            let run = self.addresses[start..]
                .iter()
                .zip(first..)
                .take_while(|(address, expected)| **address == *expected)
                .count();
            let data = &self.buffer.as_ref()[start * BLOCK_BYTES..][..run * BLOCK_BYTES];
            store.write_at(geometry.offset(first), data)?;
            start += run;
        }
        self.addresses.clear();
        self.slots.clear();
        Ok(())
    }
}
