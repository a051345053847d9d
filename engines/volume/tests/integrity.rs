//! dm-integrity's layout: the kernel's volumes and figures, round trips, journals cut off, broken headers.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::sync::Arc;

use sealab_volume::integrity::{FormatOptions, IntegrityError, IntegrityStore, Mode, OpenOptions, format};
use sealab_volume::store::{MemoryStore, Store};

#[path = "integrity/counts.rs"]
mod counts;
#[path = "integrity/figures.rs"]
mod figures;
#[path = "integrity/golden.rs"]
mod golden;
#[path = "integrity/journal.rs"]
mod journal;
#[path = "integrity/peers.rs"]
mod peers;
#[path = "integrity/refusals.rs"]
mod refusals;
#[path = "integrity/round_trips.rs"]
mod round_trips;

const MIB: u64 = 1 << 20;

fn memory(bytes: u64) -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new(bytes))
}

fn opened(store: Arc<dyn Store>, start: u64, options: &FormatOptions, mode: Mode) -> IntegrityStore {
    let (tag, block) = (usize::from(options.tag_bytes), options.block_bytes);
    IntegrityStore::open(store, start, tag, block, &OpenOptions::new(mode)).unwrap()
}

fn formatted(store: Arc<dyn Store>, start: u64, options: &FormatOptions, mode: Mode) -> IntegrityStore {
    format(&*store, start, options).unwrap();
    opened(store, start, options, mode)
}

fn refusal(store: Arc<dyn Store>, start: u64, options: &FormatOptions, mode: Mode) -> IntegrityError {
    let (tag, block) = (usize::from(options.tag_bytes), options.block_bytes);
    match IntegrityStore::open(store, start, tag, block, &OpenOptions::new(mode)) {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

/// Content of blocks that differs by block and by `seed`, all eight bytes of it.
fn content(seed: u64, first: u64, bytes: usize) -> Vec<u8> {
    (0..bytes as u64 / 8)
        .flat_map(|word| {
            (first * 64 + word + (seed << 40))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .to_le_bytes()
        })
        .collect()
}

/// Tags for `blocks` blocks that differ by block and by `seed`.
fn tags(seed: u64, first: u64, blocks: usize, bytes: usize) -> Vec<u8> {
    (0..blocks as u64)
        .flat_map(|block| {
            content(seed + 1000, first + block * 8, bytes.next_multiple_of(8))[..bytes].to_vec()
        })
        .collect()
}

/// Random numbers that are the same in every run (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % end
    }
}
