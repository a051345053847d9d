//! Superblocks: while one is written, the one before stands.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sealab_volume::Volume;
use sealab_volume::sealed_log::parse_layout;
use sealab_volume::store::{MemoryStore, Store};

use super::{BLOCK, content, copy, made, opened};

/// A store on which the power fails in the midst of the writing of a superblock.
struct Torn {
    store: Arc<MemoryStore>,
    slots: [Range<u64>; 2],
    /// Superblocks that are written whole before.
    left: AtomicU64,
}

impl Store for Torn {
    fn name(&self) -> String {
        self.store.name()
    }

    fn size(&self) -> u64 {
        self.store.size()
    }

    fn read_at(&self, offset: u64, data: &mut [u8]) -> io::Result<()> {
        self.store.read_at(offset, data)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if self.slots.iter().any(|slot| slot.contains(&offset)) {
            let left = self.left.fetch_sub(1, Ordering::SeqCst);
            if left == 0 {
                self.store.write_at(offset, &data[..200])?;
                return Err(io::ErrorKind::Other.into());
            }
        }
        self.store.write_at(offset, data)
    }

    fn sync(&self) -> io::Result<()> {
        self.store.sync()
    }

    fn discard(&self, offset: u64, bytes: u64) -> io::Result<bool> {
        self.store.discard(offset, bytes)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> io::Result<()> {
        self.store.write_zeroes(offset, bytes, keep_allocated)
    }
}

#[test]
fn a_superblock_that_is_torn_leaves_the_one_before() {
    let blocks = 200;
    let made = made(blocks * BLOCK as u64, None);
    let slots = parse_layout("the store", &made.contents().expect("its bytes"))
        .expect("a layout")
        .superblocks;
    // The first one is that of the opening; then one each time the journal is full.
    for whole in 1..5 {
        let beneath = copy(&made);
        let store = Arc::new(Torn {
            store: beneath.clone(),
            slots: slots.clone(),
            left: AtomicU64::new(whole),
        });
        let log = opened(store, 1 << 20, None);
        let mut flushed = 0;
        while log
            .write(flushed % blocks * BLOCK as u64, &content(flushed, BLOCK))
            .and_then(|()| log.flush())
            .is_ok()
        {
            flushed += 1;
        }
        assert!(flushed > 50 * whole, "{flushed}");
        drop(log);
        let log = opened(beneath, 1 << 20, None);
        for block in 0..blocks {
            let last = (0..=flushed).rev().find(|number| number % blocks == block);
            let mut data = vec![0; BLOCK];
            log.read(block * BLOCK as u64, &mut data).expect("a read");
            let is = |number: Option<u64>| {
                number.map_or_else(|| vec![0; BLOCK], |number| content(number, BLOCK)) == data
            };
            // The last write was flushed or not.
            let before = last.and_then(|last| last.checked_sub(blocks));
            assert!(
                is(last) || last == Some(flushed) && is(before),
                "{whole}: block {block}"
            );
        }
    }
}
