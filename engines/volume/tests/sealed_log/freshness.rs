//! Older states that are put back, with a counter and without.

use std::sync::Arc;

use sealab_volume::Volume;
use sealab_volume::counter::{MemoryCounter, TrustedCounter};
use sealab_volume::sealed_log::{OpenOptions, SealedLogError, open};

use super::{BLOCK, PASSPHRASE, content, copy, engine, made, opened, refused};

const SIZE: u64 = 1 << 20;

fn read(log: &dyn Volume) -> Vec<u8> {
    let mut data = vec![0; BLOCK];
    log.read(0, &mut data).expect("a read");
    data
}

#[test]
fn an_older_state_of_the_whole_store_is_refused() {
    let counter: Arc<dyn TrustedCounter> = Arc::new(MemoryCounter::new(40));
    let store = made(SIZE, Some(&*counter));
    let log = opened(store.clone(), 1 << 20, Some(counter.clone()));
    log.write(0, &content(1, BLOCK)).expect("a write");
    log.flush().expect("a flush");
    let older = copy(&store);
    log.write(0, &content(2, BLOCK)).expect("a write");
    log.flush().expect("a flush");
    drop(log);
    let error = refused(older.clone(), Some(counter.clone()));
    assert!(matches!(error, SealedLogError::RolledBack { .. }), "{error}");
    // For reading too, and it stays so.
    let options = OpenOptions {
        read_only: true,
        ..OpenOptions::default()
    };
    let again = open(
        engine(),
        older.clone(),
        PASSPHRASE,
        &options,
        Some(counter.clone()),
    );
    assert!(matches!(again.err(), Some(SealedLogError::RolledBack { .. })));
    // Who says that it does not matter gets the older state; the latest still opens for all others.
    let options = OpenOptions {
        without_counter: true,
        ..OpenOptions::default()
    };
    let log = open(engine(), older, PASSPHRASE, &options, None).expect("the older state");
    assert_eq!(read(&log), content(1, BLOCK));
    assert_eq!(read(&opened(store, 1 << 20, Some(counter))), content(2, BLOCK));
}

#[test]
fn a_commit_that_was_not_counted_is_taken_or_not_and_then_the_other_is_refused() {
    let counter = Arc::new(MemoryCounter::new(0));
    let store = made(SIZE, Some(&*counter));
    let log = opened(store.clone(), 1 << 20, Some(counter.clone()));
    log.write(0, &content(1, BLOCK)).expect("a write");
    log.flush().expect("a flush");
    let (before, number) = (copy(&store), counter.value().expect("a number"));
    log.write(0, &content(2, BLOCK)).expect("a write");
    log.flush().expect("a flush");
    let after = copy(&store);
    drop(log);
    // The power failed after the commit and before the counter advanced.
    let uncounted = Arc::new(MemoryCounter::new(number));
    assert_eq!(
        read(&opened(after, 1 << 20, Some(uncounted.clone()))),
        content(2, BLOCK)
    );
    let error = refused(before, Some(uncounted));
    assert!(matches!(error, SealedLogError::RolledBack { .. }), "{error}");
}

#[test]
fn a_volume_that_is_ahead_of_its_counter_by_more_than_one_is_refused() {
    let counter = Arc::new(MemoryCounter::new(5));
    let store = made(SIZE, Some(&*counter));
    let log = opened(store.clone(), 1 << 20, Some(counter.clone()));
    for number in 0..3 {
        log.write(0, &content(number, BLOCK)).expect("a write");
        log.flush().expect("a flush");
    }
    drop(log);
    let behind = Arc::new(MemoryCounter::new(counter.value().expect("a number") - 2));
    let error = refused(store.clone(), Some(behind));
    assert!(matches!(error, SealedLogError::CounterBehind { .. }), "{error}");
    // Nor without, or with one that it was not made with.
    assert!(matches!(refused(store, None), SealedLogError::Counter { .. }));
    let without = made(SIZE, None);
    assert!(matches!(
        refused(without, Some(counter)),
        SealedLogError::Counter { .. }
    ));
}

#[test]
fn a_counter_that_something_else_counts_with_is_told() {
    let counter: Arc<dyn TrustedCounter> = Arc::new(MemoryCounter::new(0));
    let (one, other) = (made(SIZE, Some(&*counter)), made(SIZE, Some(&*counter)));
    let log = opened(one, 1 << 20, Some(counter.clone()));
    let error = refused(other, Some(counter.clone()));
    assert!(matches!(error, SealedLogError::RolledBack { .. }), "{error}");
    counter.advance().expect("a number");
    log.write(0, &content(1, BLOCK)).expect("a write");
    let error = log.flush().expect_err("a counter that jumps").to_string();
    assert!(error.contains("something else counts with it"), "{error}");
}

#[test]
fn an_unacknowledged_commit_never_takes_the_place_of_a_later_one() {
    // A commit was written but not counted; the volume went on from the one before. The fork must not be taken later.
    let counter = Arc::new(MemoryCounter::new(0));
    let store = made(SIZE, Some(&*counter));
    let log = opened(store.clone(), 1 << 20, Some(counter.clone()));
    log.write(0, &content(1, BLOCK)).expect("a write");
    log.flush().expect("a flush");
    let (base, number) = (copy(&store), counter.value().expect("a number"));
    log.write(0, &content(2, BLOCK)).expect("a write");
    log.flush().expect("a flush");
    let fork = copy(&store);
    let counter = Arc::new(MemoryCounter::new(number));
    let log = opened(base.clone(), 1 << 20, Some(counter.clone()));
    log.write(0, &content(3, BLOCK)).expect("a write");
    log.flush().expect("a flush");
    drop(log);
    let error = refused(fork, Some(counter.clone()));
    assert!(matches!(error, SealedLogError::RolledBack { .. }), "{error}");
    assert_eq!(read(&opened(base, 1 << 20, Some(counter))), content(3, BLOCK));
}
