//! Sealed blocks that wait to be written, so that they go to the store in long pieces.

use std::collections::HashMap;
use std::io;
use std::panic::resume_unwind;
use std::thread;
use std::time::{Duration, Instant};

use super::geometry::{BLOCK_BYTES, Geometry};
use crate::store::{AlignedBuffer, Store};

/// Blocks that wait at most: 1 MiB.
pub(super) const BATCH_BLOCKS: usize = 256;

/// A store that takes longer for a piece is one that waits for a device, and that does better with several at a time:
/// that many threads write, where there are so many pieces beside those by which it is tried.
const SLOW: Duration = Duration::from_micros(40);
const TRIED: usize = 4;
const THREADS: usize = 4;
const WORTH_THREADS: usize = 12;

/// What was not written: its offset and length on the store, and why.
type Failed = (u64, usize, io::Error);

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

    /// How many blocks wait.
    pub(super) fn len(&self) -> usize {
        self.addresses.len()
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

    /// The room for the block that goes to `address`: that of the one that waits for it, or new room, if there is any.
    pub(super) fn place(&mut self, address: u64) -> &mut [u8] {
        match self.slots.get(&address) {
            Some(slot) => &mut self.buffer.as_mut()[slot * BLOCK_BYTES..][..BLOCK_BYTES],
            None => self.append(&[address]),
        }
    }

    /// Writes all of it, neighbours together. After an error, which comes with the piece's offset and length on the store,
    /// all of it still waits.
    pub(super) fn write(&mut self, store: &dyn Store, geometry: &Geometry) -> Result<(), Failed> {
        let mut runs = Vec::new();
        let mut start = 0;
        while start < self.addresses.len() {
            let first = self.addresses[start];
            let run = self.addresses[start..]
                .iter()
                .zip(first..)
                .take_while(|(address, expected)| **address == *expected)
                .count();
            let data = &self.buffer.as_ref()[start * BLOCK_BYTES..][..run * BLOCK_BYTES];
            runs.push((geometry.offset(first), data));
            start += run;
        }
        // The same place may be among them twice; the later one counts.
        let distinct = self.slots.len() == self.addresses.len();
        let (tried, rest) = runs.split_at(runs.len().min(TRIED));
        let begun = Instant::now();
        write_runs(store, tried)?;
        let slow = begun.elapsed() > SLOW * TRIED as u32;
        if !slow || !distinct || rest.len() < WORTH_THREADS {
            write_runs(store, rest)?;
        } else {
            let done: Vec<_> = thread::scope(|scope| {
                let shares = rest.chunks(rest.len().div_ceil(THREADS));
                let begun: Vec<_> = shares
                    .map(|share| scope.spawn(move || write_runs(store, share)))
                    .collect();
                let ended = begun.into_iter().map(thread::ScopedJoinHandle::join);
                ended
                    .map(|done| done.unwrap_or_else(|panic| resume_unwind(panic)))
                    .collect()
            });
            done.into_iter().collect::<Result<(), Failed>>()?;
        }
        self.addresses.clear();
        self.slots.clear();
        Ok(())
    }
}

fn write_runs(store: &dyn Store, runs: &[(u64, &[u8])]) -> Result<(), Failed> {
    for (offset, data) in runs {
        let written = store.write_at(*offset, data);
        written.map_err(|error| (*offset, data.len(), error))?;
    }
    Ok(())
}
