//! Stores that fail, at every call, and stores that are full.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use sealab_volume::sealed_log::{OpenOptions, SealedLog, open};
use sealab_volume::store::{CountingStore, Fault, FaultyStore, MemoryStore, Operation, Store};
use sealab_volume::{Volume, VolumeError};

use super::{BLOCK, Chance, PASSPHRASE, content, engine, made, opened};

type Blocks = HashMap<u64, Vec<u8>>;

/// Writes and flushes until something fails; what the volume held after the last flush that was done, and after each that
/// was begun since.
fn work(log: &SealedLog, blocks: u64) -> Vec<Blocks> {
    let mut chance = Chance(11);
    let mut now = Blocks::new();
    let mut may = vec![now.clone()];
    for number in 0..400 {
        let block = chance.below(blocks);
        if log.write(block * BLOCK as u64, &content(number, BLOCK)).is_err() {
            break;
        }
        now.insert(block, content(number, BLOCK));
        if number % 20 == 19 {
            match log.flush() {
                Ok(()) => may = vec![now.clone()],
                Err(_) => {
                    may.push(now.clone());
                    // A flush that failed is not done by the next one, if anything was lost.
                    if log.flush().is_ok() {
                        may = vec![now.clone()];
                    } else {
                        break;
                    }
                }
            }
        }
    }
    may
}

fn holds(log: &SealedLog, blocks: u64, content: &Blocks) -> bool {
    (0..blocks).all(|block| {
        let mut data = vec![1; BLOCK];
        log.read(block * BLOCK as u64, &mut data).expect("a read");
        content.get(&block).map_or_else(|| vec![0; BLOCK], Clone::clone) == data
    })
}

fn each_call_fails(operation: Operation, fault: Fault, most: u64) {
    let blocks = 150;
    for call in 1..most {
        let beneath = made(blocks * BLOCK as u64, None);
        let store = Arc::new(FaultyStore::new(beneath.clone()));
        let log = opened(store.clone(), 1 << 20, None);
        store.fail(operation, call, fault);
        let may = work(&log, blocks);
        drop(log);
        let log = opened(beneath, 1 << 20, None);
        assert!(
            may.iter().any(|may| holds(&log, blocks, may)),
            "{operation:?} {call}"
        );
    }
}

#[test]
fn a_write_that_fails_anywhere_loses_nothing_that_was_flushed() {
    each_call_fails(Operation::Write, Fault::Once(io::ErrorKind::StorageFull), 60);
    each_call_fails(Operation::Write, Fault::FromNowOn(io::ErrorKind::Other), 60);
    each_call_fails(Operation::Write, Fault::Torn(700), 60);
}

#[test]
fn a_sync_that_fails_anywhere_is_never_taken_for_done() {
    each_call_fails(Operation::Sync, Fault::Once(io::ErrorKind::Other), 40);
    each_call_fails(Operation::Sync, Fault::PowerCut(0), 40);
}

#[test]
fn after_a_failed_sync_no_flush_succeeds_until_the_log_is_opened_anew() {
    let beneath = made(1 << 20, None);
    let store = Arc::new(FaultyStore::new(beneath));
    let log = opened(store.clone(), 1 << 20, None);
    log.write(0, &content(1, BLOCK)).expect("a write");
    log.flush().expect("a flush");
    store.fail(Operation::Sync, 1, Fault::Once(io::ErrorKind::Other));
    log.write(0, &content(2, BLOCK)).expect("a write");
    assert!(log.flush().is_err());
    assert!(log.flush().is_err());
    assert!(log.write(0, &content(3, BLOCK)).is_err());
    // Reads go on.
    let mut data = vec![0; BLOCK];
    log.read(0, &mut data).expect("a read");
    assert_eq!(data, content(2, BLOCK));
}

#[test]
fn a_read_that_fails_is_an_error_and_the_next_one_is_not() {
    let store = Arc::new(FaultyStore::new(made(1 << 20, None)));
    let log = opened(store.clone(), 1 << 20, None);
    log.write(0, &content(1, BLOCK)).expect("a write");
    log.flush().expect("a flush");
    store.fail(Operation::Read, 1, Fault::Once(io::ErrorKind::Other));
    let mut data = vec![1; BLOCK];
    assert!(matches!(log.read(0, &mut data), Err(VolumeError::Store { .. })));
    assert_eq!(data, vec![0; BLOCK]);
    log.read(0, &mut data).expect("a read");
    assert_eq!(data, content(1, BLOCK));
}

/// A store that has no room for more from some time on.
struct Full {
    store: Arc<MemoryStore>,
    full: AtomicBool,
}

impl Store for Full {
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
        match self.full.load(Ordering::SeqCst) {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => self.store.write_at(offset, data),
        }
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
fn a_full_file_system_beneath_is_told_and_nothing_is_lost() {
    let beneath = made(8 << 20, None);
    let store = Arc::new(Full {
        store: beneath.clone(),
        full: AtomicBool::new(false),
    });
    let log = opened(store.clone(), 1 << 20, None);
    for block in 0..500 {
        log.write(block * BLOCK as u64, &content(block, BLOCK))
            .expect("a write");
    }
    log.flush().expect("a flush");
    store.full.store(true, Ordering::SeqCst);
    let mut written = 0;
    let error = loop {
        match log.write((600 + written) * BLOCK as u64, &content(written, BLOCK)) {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
    };
    let VolumeError::NoSpace { offset, bytes } = error else {
        panic!("{error}")
    };
    assert_eq!((offset, bytes), ((600 + written) * BLOCK as u64, BLOCK as u64));
    // A flush names the first of the blocks that wait, and how many bytes do.
    let Err(VolumeError::NoSpace { offset, bytes }) = log.flush() else {
        panic!("a flush")
    };
    assert_eq!((offset, bytes), (600 * BLOCK as u64, written * BLOCK as u64));
    // All of it is read, what was written since included, and once there is room again nothing is lost.
    let mut data = vec![0; BLOCK];
    log.read(499 * BLOCK as u64, &mut data).expect("a read");
    assert_eq!(data, content(499, BLOCK));
    log.discard(0, BLOCK as u64).expect("a discard");
    store.full.store(false, Ordering::SeqCst);
    log.flush().expect("a flush");
    drop(log);
    let log = opened(beneath, 1 << 20, None);
    for number in 0..written {
        log.read((600 + number) * BLOCK as u64, &mut data)
            .expect("a read");
        assert_eq!(data, content(number, BLOCK));
    }
    log.read(0, &mut data).expect("a read");
    assert_eq!(data, vec![0; BLOCK]);
}

#[test]
fn a_volume_that_is_full_is_overwritten_for_ever() {
    let store = made(4 << 20, None);
    let log = opened(store.clone(), 1 << 20, None);
    let blocks = log.size() / BLOCK as u64;
    let mut chance = Chance(9);
    let mut last = HashMap::new();
    for block in 0..blocks {
        log.write(block * BLOCK as u64, &content(block, BLOCK))
            .expect("a write");
        last.insert(block, block);
    }
    log.flush().expect("a flush");
    for number in 0..10 * blocks {
        let block = chance.below(blocks);
        log.write(block * BLOCK as u64, &content(number, BLOCK))
            .expect("a write");
        last.insert(block, number);
    }
    // Room comes from commits, not from writing the index again and again.
    let statistics = log.statistics();
    assert!(
        statistics.early_commits > 4 * statistics.index_writes,
        "{statistics:?}"
    );
    log.flush().expect("a flush");
    drop(log);
    let log = opened(store, 1 << 20, None);
    for (block, number) in last {
        let mut data = vec![0; BLOCK];
        log.read(block * BLOCK as u64, &mut data).expect("a read");
        assert!(data == content(number, BLOCK), "block {block}");
    }
}

#[test]
fn who_wants_no_early_commit_is_told_that_there_is_no_room() {
    let store = made(4 << 20, None);
    let options = OpenOptions {
        early_commits: false,
        ..OpenOptions::default()
    };
    let log = open(engine(), store, PASSPHRASE, &options, None).expect("an open log");
    let blocks = log.size() / BLOCK as u64;
    for block in 0..blocks / 2 {
        log.write(block * BLOCK as u64, &content(block, BLOCK))
            .expect("a write");
    }
    log.flush().expect("a flush");
    let write = |number: u64| log.write(number % blocks * BLOCK as u64, &content(number, BLOCK));
    let error = (0..4 * blocks)
        .find_map(|number| write(number).err())
        .expect("no room");
    assert!(matches!(error, VolumeError::NoSpace { .. }), "{error}");
    // What is between two flushes is not divided; a flush makes room.
    log.flush().expect("a flush");
    write(0).expect("a write");
    assert_eq!(log.statistics().early_commits, 0);
}

#[test]
fn a_flush_has_one_sync_and_callers_share_them() {
    let store = Arc::new(CountingStore::new(made(100 << 20, None)));
    let log = opened(store.clone(), 1 << 20, None);
    let before = store.counts().syncs;
    for block in 0..50 {
        log.write(block * BLOCK as u64, &content(block, BLOCK))
            .expect("a write");
        log.flush().expect("a flush");
        // Nothing was written since.
        log.flush().expect("a flush");
    }
    assert_eq!(store.counts().syncs - before, 50);
    let before = store.counts().syncs;
    thread::scope(|scope| {
        for thread in 0..8u64 {
            let log = &log;
            scope.spawn(move || {
                for number in 0..50 {
                    let block = 100 + thread * 50 + number;
                    log.write(block * BLOCK as u64, &content(block, BLOCK))
                        .expect("a write");
                    log.flush().expect("a flush");
                    let mut data = vec![0; BLOCK];
                    log.read(block * BLOCK as u64, &mut data).expect("a read");
                    assert_eq!(data, content(block, BLOCK));
                }
            });
        }
    });
    assert!(store.counts().syncs - before <= 400);
}

/// More than are told of in one piece, and fewer than the journal has room for.
const MANY: u64 = 14_000;

fn write_many(log: &SealedLog, seed: u64) {
    for block in 0..MANY {
        log.write(block * BLOCK as u64, &content(seed + block, BLOCK))
            .expect("a write");
    }
}

/// Of which seed all of the blocks are.
fn seed_of(log: &SealedLog, seeds: [u64; 2]) -> u64 {
    let of = |seed: &u64| {
        (0..MANY).all(|block| {
            let mut data = vec![0; BLOCK];
            log.read(block * BLOCK as u64, &mut data).expect("a read");
            data == content(seed + block, BLOCK)
        })
    };
    seeds.into_iter().find(of).expect("all of one flush")
}

#[test]
fn a_commit_of_many_blocks_is_whole_or_not_at_all() {
    for (operation, call) in [
        (Operation::Read, 1),
        (Operation::Write, 1),
        (Operation::Write, 2),
        (Operation::Write, 3),
        (Operation::Sync, 1),
        (Operation::Sync, 2),
    ] {
        let beneath = made(120_000 * BLOCK as u64, None);
        let store = Arc::new(FaultyStore::new(beneath.clone()));
        let log = opened(store.clone(), 16 << 20, None);
        write_many(&log, 1);
        log.flush().expect("a flush");
        write_many(&log, 100);
        store.fail(operation, call, Fault::FromNowOn(io::ErrorKind::Other));
        let done = log.flush().is_ok();
        assert_eq!(done, operation == Operation::Read, "{operation:?} {call}");
        assert_eq!(log.statistics().index_writes, 0);
        drop(log);
        let log = opened(beneath, 16 << 20, None);
        // A sync that fails after everything was written leaves what was written.
        let last = done || (operation, call) == (Operation::Sync, 2);
        assert_eq!(
            seed_of(&log, [1, 100]),
            if last { 100 } else { 1 },
            "{operation:?} {call}"
        );
    }
}
