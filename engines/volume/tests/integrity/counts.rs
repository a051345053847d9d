//! Write amplification, counted: how many bytes go to the device for a byte of data.
//!
//! The kernel's figures were counted on Linux 6.1, blocks of 4096 bytes, a span of 64 MiB, each in one run. Neither the
//! device's size, which decides on the journal's, nor the number of writes is known; with 512 MiB all of them agree but for
//! random writes to a journal without a flush in between (2.54): there the kernel commits while it copies back, and pads
//! a section each time, as its workers' timing has it.

use std::sync::Arc;

use sealab_volume::integrity::{FormatOptions, IntegrityStore, Mode};
use sealab_volume::store::CountingStore;

use super::{Numbers, content, formatted, memory, tags};

const SPAN_BLOCKS: u64 = (64 << 20) / 4096;

/// How a span is written.
enum Order {
    /// In requests of so many blocks.
    Sequential(u64),
    /// So many blocks at random, one at a time.
    Random(u64),
}

/// Bytes written to the device, in blocks, for every block written by the user; everything is synced in the end.
fn amplification(tag: u16, mode: Mode, order: &Order, sync_every: u64) -> f64 {
    let store = Arc::new(CountingStore::new(memory(512 << 20)));
    let options = FormatOptions::new(tag, 4096);
    let volume = formatted(store.clone(), 16 << 20, &options, mode);
    let before = store.counts();
    let mut numbers = Numbers(1);
    let (requests, blocks) = match order {
        Order::Sequential(blocks) => (SPAN_BLOCKS / blocks, *blocks),
        Order::Random(requests) => (*requests, 1),
    };
    for request in 0..requests {
        let first = match order {
            Order::Sequential(_) => request * blocks,
            Order::Random(_) => numbers.below(SPAN_BLOCKS),
        } * 8;
        let data = content(request, first, blocks as usize * 4096);
        let tags = tags(request, first, blocks as usize, tag.into());
        volume.write(first, &data, &tags).unwrap();
        if (request + 1) % sync_every == 0 {
            volume.sync().unwrap();
        }
    }
    volume.sync().unwrap();
    let written = (store.counts() - before).written.bytes;
    written as f64 / (requests * blocks * 4096) as f64
}

/// A block in device bytes, and a section of the journal: 264 sectors.
const BLOCK: u64 = 4096;
const SECTION: u64 = 264 * 512;

#[test]
fn amplification_is_the_kernels() {
    use Mode::{Direct, Journal};
    use Order::{Random, Sequential};
    const NEVER: u64 = u64::MAX;
    // What the kernel was counted to write, and how far off ours may be.
    for (tag, mode, order, sync_every, kernel, off) in [
        (32, Direct, Sequential(256), NEVER, 1.01, 0.01),
        (28, Direct, Sequential(256), NEVER, 1.01, 0.01),
        (32, Direct, Random(4096), NEVER, 1.04, 0.02),
        (32, Direct, Random(4096), 8, 3.25, 0.05),
        (28, Direct, Random(4096), 8, 2.04, 0.02),
        (32, Direct, Random(4096), 1, 2.00, 0.01),
        (28, Direct, Random(4096), 1, 2.02, 0.02),
        (32, Journal, Sequential(256), NEVER, 2.04, 0.01),
        (28, Journal, Sequential(256), NEVER, 2.04, 0.01),
        (32, Journal, Random(4096), 8, 5.92, 0.15),
        (28, Journal, Random(4096), 8, 5.82, 0.1),
        (32, Journal, Random(4096), 1, 36.6, 0.2),
        (28, Journal, Random(4096), 1, 35.3, 0.3),
    ] {
        let ours = amplification(tag, mode, &order, sync_every);
        assert!(
            (ours - kernel).abs() <= off,
            "{tag} {mode:?} {sync_every}: {ours}, {kernel}"
        );
    }
}

#[test]
fn what_a_flush_writes_is_known_to_the_byte() {
    let options = FormatOptions::new(32, 4096);
    let write = |volume: &IntegrityStore, block: u64| {
        let (data, tag) = (content(1, block * 8, 4096), tags(1, block * 8, 1, 32));
        volume.write(block * 8, &data, &tag).unwrap();
    };
    let store = Arc::new(CountingStore::new(memory(1 << 30)));
    let volume = formatted(store.clone(), 0, &options, Mode::Direct);
    // Blocks of data, whose tags are in one buffer of 64 KiB, 128 to 4096 bytes; and how many bytes are written.
    for (blocks, bytes) in [
        (&[0][..], 2 * BLOCK),
        (&[0, 127], 3 * BLOCK),
        (&[0, 128], 4 * BLOCK),
        // What lies between the first and the last goes, too.
        (&[0, 2047], 2 * BLOCK + 16 * BLOCK),
        // The next buffer.
        (&[2047, 2048], 4 * BLOCK),
        (&[], 0),
    ] {
        let before = store.counts();
        blocks.iter().for_each(|block| write(&volume, *block));
        volume.sync().unwrap();
        let done = store.counts() - before;
        assert_eq!((done.written.bytes, done.syncs), (bytes, 1), "{blocks:?}");
    }

    let store = Arc::new(CountingStore::new(memory(1 << 30)));
    let volume = formatted(store.clone(), 0, &options, Mode::Journal);
    let sections = u64::from(volume.layout().journal_sections());
    assert_eq!(sections, 62);
    for round in 1..=sections {
        let before = store.counts();
        write(&volume, round);
        volume.sync().unwrap();
        let done = store.counts() - before;
        // Every 31st fills half of the journal: 31 blocks go to their places, with one page of tags.
        let (bytes, syncs) = match round % 31 {
            0 => (SECTION + 31 * BLOCK + BLOCK, 2),
            _ => (SECTION, 1),
        };
        assert_eq!((done.written.bytes, done.syncs), (bytes, syncs), "{round}");
    }
    // Closing writes the whole journal once.
    let before = store.counts();
    volume.settle().unwrap();
    assert_eq!((store.counts() - before).written.bytes, sections * SECTION);
    let before = store.counts();
    volume.settle().unwrap();
    volume.sync().unwrap();
    assert_eq!((store.counts() - before).written.bytes, 0);
}
