//! More sessions than a superblock has room for, and passphrases that come and go.

use sealab_volume::Volume;
use sealab_volume::sealed_log::{
    OpenOptions, SealedLogError, add_keyslot, open, parse_layout, remove_keyslot,
};
use sealab_volume::store::{MemoryStore, Store};

use super::{BLOCK, CHEAPEST, PASSPHRASE, content, copy, engine, made, opened};

#[test]
fn a_log_outlives_more_sessions_than_a_superblock_has_room_for() {
    let store = made(1 << 20, None);
    // Blocks of many sessions, some of which are never written again.
    for session in 0..2700u64 {
        let log = opened(store.clone(), 1 << 20, None);
        log.write(session % 200 * BLOCK as u64, &content(session, BLOCK))
            .expect("a write");
        log.flush().expect("a flush");
    }
    let log = opened(store, 1 << 20, None);
    for block in 0..200 {
        let last = (0..2700)
            .rev()
            .find(|session| session % 200 == block)
            .expect("a session");
        let mut data = vec![0; BLOCK];
        log.read(block * BLOCK as u64, &mut data).expect("a read");
        assert!(data == content(last, BLOCK), "block {block}");
    }
}

fn opens(store: &MemoryStore, passphrase: &[u8]) -> bool {
    let options = OpenOptions {
        read_only: true,
        ..OpenOptions::default()
    };
    match open(engine(), copy(store), passphrase, &options, None) {
        Ok(_) => true,
        Err(SealedLogError::Passphrase(_)) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn passphrases_come_and_go() {
    let store = made(1 << 20, None);
    let keyslots = |store: &MemoryStore| {
        parse_layout("the store", &store.contents().expect("its bytes"))
            .expect("a layout")
            .keyslots
    };
    let engine = engine();
    let add = |new: &[u8], slot| add_keyslot(&*engine, &*store, PASSPHRASE, new, CHEAPEST, slot);
    assert_eq!(add(b"second", None).expect("a keyslot"), 1);
    assert_eq!(add(b"third", Some(5)).expect("a keyslot"), 5);
    assert!(add(b"fourth", Some(5)).is_err() && add(b"fourth", Some(8)).is_err());
    assert_eq!(keyslots(&store), [0, 1, 5]);
    assert!(opens(&store, b"second") && opens(&store, b"third") && !opens(&store, b"fourth"));
    // Only with another passphrase that opens.
    assert!(remove_keyslot(&*engine, &*store, PASSPHRASE, 0).is_err());
    assert!(remove_keyslot(&*engine, &*store, b"wrong", 0).is_err());
    assert!(remove_keyslot(&*engine, &*store, b"second", 3).is_err());
    remove_keyslot(&*engine, &*store, b"second", 0).expect("a keyslot removed");
    assert!(!opens(&store, PASSPHRASE) && opens(&store, b"second"));
    for slot in [0, 2, 3, 4, 6, 7] {
        add_keyslot(&*engine, &*store, b"second", &[slot], CHEAPEST, None).expect("a keyslot");
    }
    assert!(add_keyslot(&*engine, &*store, b"second", b"ninth", CHEAPEST, None).is_err());
}

#[test]
fn the_later_header_counts_where_the_power_failed_between_the_copies() {
    let store = made(1 << 20, None);
    let mut older = vec![0; BLOCK];
    store.read_at(0, &mut older).expect("a read");
    add_keyslot(&*engine(), &*store, PASSPHRASE, b"second", CHEAPEST, None).expect("a keyslot");
    store.write_at(0, &older).expect("a write");
    add_keyslot(&*engine(), &*store, PASSPHRASE, b"third", CHEAPEST, None).expect("a keyslot");
    assert!(opens(&store, PASSPHRASE) && opens(&store, b"second") && opens(&store, b"third"));
}

#[test]
fn a_header_that_was_half_written_is_read_from_its_other_copy() {
    let store = made(1 << 20, None);
    for copy_at in [0, BLOCK as u64] {
        let broken = copy(&store);
        broken.write_at(copy_at + 1024, &[0xff; 512]).expect("a write");
        assert!(opens(&broken, PASSPHRASE));
    }
}
