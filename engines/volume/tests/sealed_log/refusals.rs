//! What is not opened, and what is not handed out.

use std::sync::Arc;

use sealab_volume::counter::MemoryCounter;
use sealab_volume::sealed_log::{
    CreateOptions, OpenOptions, SealedLogError, create, open, parse_layout, store_bytes,
};
use sealab_volume::store::{Access, FileStore, MemoryStore, Store};
use sealab_volume::{Volume, VolumeError};

use super::{BLOCK, CHEAPEST, PASSPHRASE, content, copy, engine, made, opened, refused};

const SIZE: u64 = 1 << 20;

#[test]
fn what_is_no_log_is_refused_with_what_it_should_be() {
    let message = refused(Arc::new(MemoryStore::new(SIZE)), None).to_string();
    assert!(message.contains("the magic SEALDLOG"), "{message}");
    assert!(matches!(
        refused(Arc::new(MemoryStore::new(100)), None),
        SealedLogError::Size { .. }
    ));
    let small = MemoryStore::new(store_bytes(1).expect("a size") - BLOCK as u64);
    let options = CreateOptions { cost: CHEAPEST };
    let error = create(&*engine(), &small, PASSPHRASE, &options, None).expect_err("too small");
    assert!(matches!(error, SealedLogError::Size { .. }), "{error}");
}

/// Both copies of the header with other bytes at an offset.
fn changed(at: u64, bytes: &[u8]) -> Arc<MemoryStore> {
    let store = made(SIZE, None);
    for copy in [0, BLOCK as u64] {
        store.write_at(copy + at, bytes).expect("a write");
    }
    store
}

#[test]
fn headers_that_claim_what_cannot_be_are_refused() {
    for (at, bytes, expected) in [
        (8, &2u32.to_le_bytes()[..], "version 1"),
        (12, &6u32.to_le_bytes(), "it must be 0 or 1"),
        (32, &u64::MAX.to_le_bytes(), "its log has room for"),
        (40, &u64::MAX.to_le_bytes(), "its log has room for"),
        (40, &(u64::MAX / 4096).to_le_bytes(), "its log has room for"),
        (48, &0u64.to_le_bytes(), "its log has room for"),
        (1024, &7u32.to_le_bytes(), "keyslot kind 7"),
        // Argon2id with more memory than any machine has: refused before it is tried.
        (1032, &u32::MAX.to_le_bytes(), "Argon2id's memory"),
        (1028, &u32::MAX.to_le_bytes(), "Argon2id's time"),
    ] {
        let message = refused(changed(at, bytes), None).to_string();
        assert!(message.contains(expected), "{at}: {message}");
    }
    // The keyslot opens, but the rest was changed: one block less, another counter's number, another generation.
    for at in [32, 56, 64, 3000] {
        let store = made(SIZE, None);
        let mut byte = [0];
        store.read_at(at, &mut byte).expect("a read");
        let error = refused(changed(at, &[byte[0] ^ 1]), None);
        let told = matches!(
            error,
            SealedLogError::HeaderForged(_) | SealedLogError::Header { .. }
        );
        assert!(told, "{at}: {error}");
    }
}

#[test]
fn a_store_that_was_cut_off_is_refused() {
    let store = made(SIZE, None);
    let bytes = store.contents().expect("its bytes");
    let cut = MemoryStore::from(bytes[..bytes.len() - BLOCK].to_vec());
    assert!(matches!(
        refused(Arc::new(cut), None),
        SealedLogError::Size { .. }
    ));
}

#[test]
fn a_wrong_passphrase_says_no_more_than_that() {
    let wrong = open(
        engine(),
        made(SIZE, None),
        b"wrong",
        &OpenOptions::default(),
        None,
    );
    let message = wrong.err().expect("an error").to_string();
    assert_eq!(message, "memory: no keyslot opens with this passphrase");
}

#[test]
fn without_a_superblock_nothing_is_opened() {
    let store = made(SIZE, None);
    drop(opened(store.clone(), 1 << 20, None));
    let slots = [2 * BLOCK as u64, 34 * BLOCK as u64];
    for slot in slots {
        let one = copy(&store);
        one.write_at(slot + 60, &[0xaa; 8]).expect("a write");
        // The other one is an older state, which is what a torn write leaves.
        drop(opened(one, 1 << 20, None));
    }
    for slot in slots {
        store.write_at(slot + 60, &[0xaa; 8]).expect("a write");
    }
    assert!(matches!(refused(store, None), SealedLogError::Superblock { .. }));
}

#[test]
fn blocks_that_were_changed_are_errors_and_all_else_is_read() {
    let store = made(SIZE, None);
    let log = opened(store.clone(), 1 << 20, None);
    for block in 0..100 {
        log.write(block * BLOCK as u64, &content(block, BLOCK))
            .expect("a write");
    }
    log.flush().expect("a flush");
    let clean = store.contents().expect("its bytes");
    let log_start = clean.len() - (clean.len() / BLOCK - 82) * BLOCK;
    let (mut bad, mut good) = (0, 0);
    for at in (log_start..clean.len()).step_by(BLOCK) {
        let mut byte = [0];
        store.read_at(at as u64 + 17, &mut byte).expect("a read");
        store.write_at(at as u64 + 17, &[byte[0] ^ 4]).expect("a write");
    }
    for block in 0..100 {
        let mut data = vec![7; BLOCK];
        match log.read(block * BLOCK as u64, &mut data) {
            Err(VolumeError::Unauthentic { offset, .. }) => {
                assert_eq!((offset, data), (block * BLOCK as u64, vec![0; BLOCK]));
                bad += 1;
            }
            Ok(()) => {
                assert_eq!(data, content(block, BLOCK));
                good += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((bad, good), (100, 0));
    // Never written: nothing that could have been changed.
    let mut data = vec![7; BLOCK];
    log.read(200 * BLOCK as u64, &mut data).expect("a read");
    assert_eq!(data, vec![0; BLOCK]);
}

#[test]
fn whatever_block_of_the_log_is_changed_nothing_false_is_read() {
    // Without a counter the last commit could be undone by spoiling it.
    let counter = Arc::new(MemoryCounter::new(0));
    let store = made(SIZE, Some(&*counter));
    let log = opened(store.clone(), 1 << 20, Some(counter.clone()));
    // More commits than the journal has room for: the index is on the store.
    for number in 0..400 {
        log.write(number % 90 * BLOCK as u64, &content(number, BLOCK))
            .expect("a write");
        log.flush().expect("a flush");
    }
    assert!(log.statistics().index_writes > 1);
    drop(log);
    let bytes = store.contents().expect("its bytes");
    let layout = parse_layout("the store", &bytes).expect("a layout");
    let (mut noticed, mut over_many) = (0, 0);
    for at in (layout.log.start..layout.log.end).step_by(BLOCK) {
        let changed = MemoryStore::from(bytes.clone());
        changed
            .write_at(at + 99, &[bytes[at as usize + 99] ^ 0x10])
            .expect("a write");
        let options = OpenOptions {
            read_only: true,
            ..OpenOptions::default()
        };
        let Ok(log) = open(
            engine(),
            Arc::new(changed),
            PASSPHRASE,
            &options,
            Some(counter.clone()),
        ) else {
            noticed += 1;
            continue;
        };
        let mut errors = 0;
        for block in 0..90 {
            let mut data = vec![0; BLOCK];
            let last = (0..400)
                .rev()
                .find(|number| number % 90 == block)
                .expect("a write");
            match log.read(block * BLOCK as u64, &mut data) {
                Ok(()) => assert!(data == content(last, BLOCK), "{at}: block {block}"),
                Err(VolumeError::Unauthentic { .. }) => errors += 1,
                Err(error) => panic!("{error}"),
            }
        }
        // One block, or a node over many.
        noticed += usize::from(errors > 0);
        over_many += usize::from(errors > 1);
    }
    assert!(noticed >= 91 && over_many >= 1, "{noticed} {over_many}");
}

#[test]
fn two_at_once_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log");
    let store = FileStore::create(&path, store_bytes(SIZE).expect("a size")).expect("a file");
    let options = CreateOptions { cost: CHEAPEST };
    create(&*engine(), &store, PASSPHRASE, &options, None).expect("a log");
    let log = opened(Arc::new(store), 1 << 20, None);
    let second = FileStore::open(&path, Access::ReadWrite).map(|_| ());
    assert_eq!(
        second.expect_err("a lock").kind(),
        std::io::ErrorKind::ResourceBusy
    );
    drop(log);
    FileStore::open(&path, Access::ReadWrite).expect("a file");
}

#[test]
fn for_reading_only_nothing_is_written() {
    let store = made(SIZE, None);
    let log = opened(store.clone(), 1 << 20, None);
    log.write(0, &content(1, BLOCK)).expect("a write");
    log.flush().expect("a flush");
    drop(log);
    let before = store.contents().expect("its bytes");
    let options = OpenOptions {
        read_only: true,
        ..OpenOptions::default()
    };
    let log = open(engine(), store.clone(), PASSPHRASE, &options, None).expect("an open log");
    let mut data = vec![0; BLOCK];
    log.read(0, &mut data).expect("a read");
    assert_eq!(data, content(1, BLOCK));
    assert!(matches!(log.write(0, &data), Err(VolumeError::ReadOnly)));
    assert!(matches!(log.discard(0, BLOCK as u64), Err(VolumeError::ReadOnly)));
    log.flush().expect("nothing to flush");
    drop(log);
    assert!(store.contents().expect("its bytes") == before);
}

#[test]
fn requests_that_are_not_whole_blocks_are_refused() {
    let log = opened(made(SIZE, None), 1 << 20, None);
    assert!(matches!(
        log.write(512, &[0; 512]),
        Err(VolumeError::Alignment { .. })
    ));
    assert!(matches!(
        log.read(log.size(), &mut [0; BLOCK]),
        Err(VolumeError::Range { .. })
    ));
}
