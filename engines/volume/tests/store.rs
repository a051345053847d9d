//! Every store against one that is plainly right, and what is particular to each.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use sealab_volume::store::{
    Access, CountingStore, Counts, DirectFileStore, Fault, FaultyStore, FileStore, MemoryStore, Operation,
    Slice, Store,
};

const SIZE: u64 = 3 << 20;

fn pattern(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect()
}

fn file(folder: &Path) -> FileStore {
    FileStore::create(folder.join("file"), SIZE).unwrap()
}

/// A folder on a file system that has `O_DIRECT`, if the usual one for temporary files has not.
fn direct(folder: &Path) -> DirectFileStore {
    drop(FileStore::create(folder.join("direct"), SIZE).unwrap());
    DirectFileStore::open(folder.join("direct"), Access::ReadWrite).unwrap()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

#[test]
fn all_stores_do_the_same() {
    let folder = folder();
    let stores: Vec<(&str, Box<dyn Store>)> = vec![
        ("memory", Box::new(MemoryStore::new(SIZE))),
        ("file", Box::new(file(folder.path()))),
        ("direct", Box::new(direct(folder.path()))),
        (
            "counting",
            Box::new(CountingStore::new(Arc::new(MemoryStore::new(SIZE)))),
        ),
        (
            "faulty",
            Box::new(FaultyStore::new(Arc::new(MemoryStore::new(SIZE)))),
        ),
        (
            "slice",
            Box::new(Slice::new(Arc::new(MemoryStore::new(SIZE + 5000)), 5000, SIZE).unwrap()),
        ),
    ];
    for (name, store) in stores {
        let mut model = vec![0; SIZE as usize];
        assert_eq!(store.size(), SIZE, "{name}");
        // Whole blocks, parts of blocks, across mebibytes, the last byte, nothing.
        for (round, (offset, length)) in [
            (0, 4096),
            (4096, 8192),
            (1, 10),
            (4095, 2),
            (100_000, 70_001),
            ((1 << 20) - 7, 20),
            ((1 << 20) - 4096, 1 << 20),
            (123, (2 << 20) + 1),
            (SIZE as usize - 1, 1),
            (SIZE as usize, 0),
            (512, 512),
        ]
        .into_iter()
        .enumerate()
        {
            let data = pattern(length, round as u64);
            store.write_at(offset as u64, &data).unwrap();
            model[offset..offset + length].copy_from_slice(&data);
            let mut read = vec![0; length];
            store.read_at(offset as u64, &mut read).unwrap();
            assert!(read == data, "{name} {offset} {length}");
            match round % 3 {
                0 => assert!(store.discard((offset as u64).min(SIZE - 9000), 9000).unwrap()),
                keep => store
                    .write_zeroes((offset as u64).min(SIZE - 9000), 9000, keep == 1)
                    .unwrap(),
            }
            let from = offset.min(SIZE as usize - 9000);
            model[from..from + 9000].fill(0);
        }
        store.sync().unwrap();
        let mut all = vec![0; SIZE as usize];
        store.read_at(0, &mut all).unwrap();
        assert!(all == model, "{name}");
        let mut odd = vec![0; 5001];
        store.read_at(4097, &mut odd).unwrap();
        assert!(odd == model[4097..4097 + 5001], "{name}");

        for (offset, length) in [(SIZE, 1), (SIZE - 1, 2), (u64::MAX, 1), (u64::MAX - 1, 2)] {
            assert_eq!(
                store.read_at(offset, &mut vec![0; length]).unwrap_err().kind(),
                ErrorKind::InvalidInput
            );
            assert_eq!(
                store.write_at(offset, &vec![0; length]).unwrap_err().kind(),
                ErrorKind::InvalidInput
            );
            assert!(store.discard(offset, length as u64).is_err(), "{name}");
            assert!(store.write_zeroes(offset, length as u64, true).is_err(), "{name}");
        }
    }
}

#[test]
fn what_is_lent_is_what_is_stored() {
    let memory = Arc::new(MemoryStore::new(SIZE + 5000));
    let counting = Arc::new(CountingStore::new(memory));
    let slice = Slice::new(counting.clone(), 5000, SIZE).unwrap();
    let model = pattern(SIZE as usize, 3);
    let lend = |offset, length, unit| {
        let mut seen = None;
        let lent = slice.lend(offset, length, unit, &mut |bytes| seen = Some(bytes.to_vec()));
        lent.map(|lent| {
            assert_eq!(seen.as_ref().map_or(0, Vec::len), lent);
            seen
        })
    };
    assert_eq!(lend(0, 100, 1).unwrap(), None, "never written");
    slice.write_at(0, &model).unwrap();
    let before = counting.counts();
    // The next mebibyte of the memory begins at this offset of the slice.
    let end = (1 << 20) - 5000;
    let mut expected = 0;
    for (offset, length, unit, lent) in [
        (0, 4096, 4096, 4096),
        (0, 4097, 4096, 4096),
        (end - 4096, 8192, 4096, 4096),
        (end - 4095, 8192, 4096, 0),
        (end - 4095, 8192, 5, 4095),
        (end, 8192, 4096, 8192),
        (0, 2 << 20, 512, end / 512 * 512),
        (SIZE as usize, 0, 1, 0),
        (0, 0, 512, 0),
    ] {
        let seen = lend(offset as u64, length, unit).unwrap().unwrap_or_default();
        assert!(seen == model[offset..offset + lent], "{offset} {length} {unit}");
        expected += lent as u64;
        assert_eq!((counting.counts() - before).read.bytes, expected);
    }
    assert_eq!((counting.counts() - before).read.calls, 6);

    let change = |offset, length, unit| {
        slice.lend_mut(offset, length, unit, &mut |bytes| {
            assert!(bytes.starts_with(&model[offset as usize..][..1]));
            bytes.fill(9);
        })
    };
    assert_eq!(change(end as u64 - 4096, 8192, 4096).unwrap(), 4096);
    assert_eq!(change(end as u64 - 4095, 8192, 4096).unwrap(), 0);
    let mut all = model.clone();
    all[end - 4096..end].fill(9);
    let mut read = vec![0; SIZE as usize];
    slice.read_at(0, &mut read).unwrap();
    assert!(read == all);
    let done = counting.counts() - before;
    assert_eq!((done.written.calls, done.written.bytes), (1, 4096));

    for (offset, length) in [(SIZE, 1), (SIZE - 1, 2), (u64::MAX, 1)] {
        let refused = [lend(offset, length, 1).err(), change(offset, length, 1).err()];
        assert!(
            refused
                .iter()
                .all(|error| { error.as_ref().map(std::io::Error::kind) == Some(ErrorKind::InvalidInput) })
        );
    }
}

#[test]
fn files_and_faulty_stores_lend_nothing() {
    let folder = folder();
    let memory = Arc::new(MemoryStore::from(pattern(8192, 1)));
    let stores: [Arc<dyn Store>; 3] = [
        Arc::new(file(folder.path())),
        Arc::new(direct(folder.path())),
        Arc::new(FaultyStore::new(memory)),
    ];
    for store in stores {
        // What is not lent is not counted.
        let store = CountingStore::new(store);
        assert_eq!(store.lend(0, 4096, 512, &mut |_| panic!("lent")).unwrap(), 0);
        assert_eq!(store.lend_mut(0, 4096, 512, &mut |_| panic!("lent")).unwrap(), 0);
        assert_eq!(store.counts(), Counts::default());
    }
}

#[test]
fn memory_takes_room_as_it_is_written() {
    let store = MemoryStore::new(1 << 40);
    assert_eq!(store.allocated(), 0);
    store.write_at(5 << 30, &[1]).unwrap();
    assert_eq!(store.allocated(), 1 << 20);
    store.discard(5 << 30, 1 << 20).unwrap();
    assert_eq!(store.allocated(), 0);
    store.write_zeroes(0, 2 << 20, true).unwrap();
    assert_eq!(store.allocated(), 2 << 20);
    let odd = MemoryStore::from(pattern((1 << 20) + 3, 7));
    assert!(odd.contents().unwrap() == pattern((1 << 20) + 3, 7));
}

#[test]
fn files_are_locked_against_each_other() {
    let folder = folder();
    let path = folder.path().join("file");
    let writer = file(folder.path());
    for access in [Access::ReadOnly, Access::ReadWrite] {
        let error = FileStore::open(&path, access).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::ResourceBusy);
        assert!(error.to_string().contains("locked"), "{error}");
    }
    writer.write_at(0, b"x").unwrap();
    drop(writer);
    let reader = FileStore::open(&path, Access::ReadOnly).unwrap();
    let second = FileStore::open(&path, Access::ReadOnly).unwrap();
    assert!(FileStore::open(&path, Access::ReadWrite).is_err());
    let refused = [
        reader.write_at(0, b"y"),
        reader.write_zeroes(0, 1, true),
        reader.discard(0, 1).map(|_| ()),
    ];
    assert!(
        refused
            .iter()
            .all(|done| done.as_ref().unwrap_err().kind() == ErrorKind::ReadOnlyFilesystem)
    );
    let mut byte = [0];
    second.read_at(0, &mut byte).unwrap();
    assert_eq!(byte, *b"x");
    drop((reader, second));
    FileStore::open(&path, Access::ReadWrite).unwrap();
}

#[test]
fn files_are_made_for_their_owner_alone_and_never_over_others() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let made = file(folder.path());
    assert!(made.allocated().unwrap() < SIZE);
    made.write_at(0, &[1; 65536]).unwrap();
    let full = made.allocated().unwrap();
    assert!(made.discard(0, 65536).unwrap());
    assert!(made.allocated().unwrap() < full);
    let path = folder.path().join("file");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        FileStore::create(&path, 1).err().unwrap().kind(),
        ErrorKind::AlreadyExists
    );
}

#[test]
fn direct_files_are_whole_blocks() {
    let folder = folder();
    let path = folder.path().join("odd");
    drop(FileStore::create(&path, 4097).unwrap());
    let error = DirectFileStore::open(&path, Access::ReadWrite).err().unwrap();
    assert!(error.to_string().contains("4097 bytes"), "{error}");
}

#[test]
fn neighbours_in_a_block_do_not_undo_each_other() {
    let folder = folder();
    let store = direct(folder.path());
    std::thread::scope(|scope| {
        for caller in 0..8_u8 {
            let store = &store;
            scope.spawn(move || {
                for round in 1..=50 {
                    store.write_at(u64::from(caller) * 512, &[round; 512]).unwrap();
                }
            });
        }
    });
    let mut block = [0; 4096];
    store.read_at(0, &mut block).unwrap();
    assert!(block == [50; 4096]);
}

#[test]
fn every_call_and_byte_is_counted() {
    let store = CountingStore::new(Arc::new(MemoryStore::new(SIZE)));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    store.write_at(10, &[0; 30]).unwrap();
                    store.read_at(0, &mut [0; 7]).unwrap();
                }
            });
        }
    });
    store.sync().unwrap();
    store.discard(0, 11).unwrap();
    let before = store.counts();
    assert_eq!((before.written.calls, before.written.bytes), (400, 12_000));
    assert_eq!((before.read.calls, before.read.bytes), (400, 2800));
    assert_eq!((before.syncs, before.discarded.bytes), (1, 11));
    store.write_zeroes(0, 13, true).unwrap();
    let done = store.counts() - before;
    assert_eq!((done.zeroed.calls, done.zeroed.bytes), (1, 13));
    assert_eq!(
        Counts {
            zeroed: Default::default(),
            ..done
        },
        Counts::default()
    );
}

#[test]
fn faults_come_when_they_are_due() {
    let memory = Arc::new(MemoryStore::new(SIZE));
    let store = FaultyStore::new(memory.clone());
    store.sync().unwrap();
    store.fail(Operation::Sync, 2, Fault::Once(ErrorKind::Other));
    store.fail(Operation::Read, 1, Fault::FromNowOn(ErrorKind::TimedOut));
    store.fail(Operation::Write, 2, Fault::Torn(3));
    assert!(store.sync().is_ok() && store.sync().is_err() && store.sync().is_ok());
    for _ in 0..3 {
        assert_eq!(
            store.read_at(0, &mut [0]).unwrap_err().kind(),
            ErrorKind::TimedOut
        );
    }
    store.write_at(0, b"------").unwrap();
    assert!(store.write_at(0, b"abcdef").is_err());
    assert!(memory.contents().unwrap().starts_with(b"abc---"));
    store.write_at(0, b"ABCDEF").unwrap();
    store.fail(Operation::Discard, 1, Fault::Once(ErrorKind::Other));
    assert!(store.discard(0, 1).is_err());
    store.restore_power();
    store.fail(Operation::Write, 1, Fault::PowerCut(2));
    assert!(store.write_at(0, b"123456").is_err());
    assert!(store.sync().is_err() && store.write_at(0, b"x").is_err() && store.read_at(0, &mut [0]).is_err());
    store.restore_power();
    let mut start = [0; 6];
    store.read_at(0, &mut start).unwrap();
    assert_eq!(&start, b"12CDEF");
    assert_eq!(
        (store.calls(Operation::Sync), store.calls(Operation::Write)),
        (5, 5)
    );
}

#[test]
fn slices_stay_within() {
    let store = Arc::new(MemoryStore::from(pattern(1000, 1)));
    assert!(Slice::new(store.clone(), 500, 501).is_err());
    assert!(Slice::new(store.clone(), u64::MAX, 2).is_err());
    let slice = Slice::from(store.clone(), 600).unwrap();
    assert_eq!((slice.size(), slice.name().as_str()), (400, "memory from 600"));
    slice.write_at(399, &[9]).unwrap();
    slice.write_zeroes(0, 10, true).unwrap();
    let all = store.contents().unwrap();
    assert!(all[..600] == pattern(1000, 1)[..600] && all[600..610] == [0; 10] && all[999] == 9);
    assert!(Slice::from(store, 1001).is_err());
}
