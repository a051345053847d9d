//! Segments that are made empty while others read and write.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use sealab_volume::Volume;
use sealab_volume::store::{MemoryStore, Store};

use super::{BLOCK, content, made, opened};

/// More than the blocks here need, so that the index is not written but by flushes.
const MEMORY: usize = 16 << 20;

/// A store that reads slowly for one thread, and counts what it reads.
struct Slow {
    store: Arc<MemoryStore>,
    slow: Mutex<Option<ThreadId>>,
    reads: AtomicU64,
}

impl Store for Slow {
    fn name(&self) -> String {
        self.store.name()
    }

    fn size(&self) -> u64 {
        self.store.size()
    }

    fn read_at(&self, offset: u64, data: &mut [u8]) -> io::Result<()> {
        let slow = *self.slow.lock().expect("a thread");
        if slow == Some(thread::current().id()) {
            self.reads.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_micros(200));
        }
        self.store.read_at(offset, data)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
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

/// A log with a block in use under each of `nodes` nodes of its index, in segments that were full, and the bytes from one
/// to the next. The index was written after each step, by as many flushes as the journal has room for.
fn sparse(nodes: u64) -> (Arc<Slow>, u64) {
    let each = 128 * BLOCK as u64;
    let store = Arc::new(Slow {
        store: made(nodes * each, None),
        slow: Mutex::new(None),
        reads: AtomicU64::new(0),
    });
    let log = opened(store.clone(), MEMORY, None);
    let index = |writes: u64| {
        while log.statistics().index_writes < writes {
            log.write(BLOCK as u64, &content(1, BLOCK)).expect("a write");
            log.flush().expect("a flush");
        }
    };
    for number in 0..nodes * 8 {
        let offset = number / 8 * each + number % 8 * BLOCK as u64;
        log.write(offset, &content(number, BLOCK)).expect("a write");
    }
    index(1);
    for node in 0..nodes {
        log.discard(node * each + BLOCK as u64, 7 * BLOCK as u64)
            .expect("a discard");
    }
    index(2);
    (store, each)
}

#[test]
fn nobody_waits_for_all_of_the_index_to_be_looked_at() {
    let nodes = 1500;
    let (store, each) = sparse(nodes);
    let log = opened(store.clone(), MEMORY, None);
    // It waits to be written: nothing is read for it.
    log.write(BLOCK as u64, &content(1, BLOCK)).expect("a write");
    let done = AtomicBool::new(false);
    let most = thread::scope(|scope| {
        scope.spawn(|| {
            *store.slow.lock().expect("a thread") = Some(thread::current().id());
            let moved = log.clean(64);
            done.store(true, Ordering::SeqCst);
            assert!(moved.expect("cleaning") > nodes / 2);
        });
        let (mut most, mut data) = (0, vec![0; BLOCK]);
        while !done.load(Ordering::SeqCst) {
            let before = store.reads.load(Ordering::SeqCst);
            log.read(BLOCK as u64, &mut data).expect("a read");
            most = most.max(store.reads.load(Ordering::SeqCst) - before);
        }
        most
    });
    let all = store.reads.load(Ordering::SeqCst);
    assert!(all > nodes && most < nodes / 3, "{most} of {all}");
    for node in 0..nodes {
        let mut data = vec![0; BLOCK];
        log.read(node * each, &mut data).expect("a read");
        assert!(data == content(node * 8, BLOCK), "node {node}");
    }
}

#[test]
fn nodes_of_the_index_that_are_moved_count_too() {
    let (store, each) = sparse(1500);
    let log = opened(store, MEMORY, None);
    let (mut rounds, mut nodes) = (0, 0);
    loop {
        let before = log.statistics().moved_blocks;
        let told = log.clean(64).expect("cleaning");
        nodes += told - (log.statistics().moved_blocks - before);
        // What is left for the next time is flushed, and in the end the index is written.
        while rounds % 3 == 2 && log.statistics().index_writes == 0 {
            log.write(BLOCK as u64, &content(1, BLOCK)).expect("a write");
            log.flush().expect("a flush");
        }
        log.flush().expect("a flush");
        rounds += 1;
        if told == 0 {
            break;
        }
        assert!(rounds < 40, "{told}");
    }
    assert!(nodes > 0);
    let mut data = vec![0; BLOCK];
    log.read(each, &mut data).expect("a read");
    assert!(data == content(8, BLOCK));
}
