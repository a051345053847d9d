//! The volume that protects nothing.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::io::ErrorKind;
use std::sync::Arc;

use sealab_volume::plain::Plain;
use sealab_volume::store::{CountingStore, Fault, FaultyStore, MemoryStore, Operation, Store};
use sealab_volume::{Volume, VolumeError};

#[test]
fn bytes_are_stored_as_they_are() {
    let memory = Arc::new(MemoryStore::new((1 << 20) + 100));
    let counting = Arc::new(CountingStore::new(memory.clone()));
    let volume = Plain::new(counting.clone(), 4096, false).unwrap();
    assert_eq!((volume.size(), volume.block_size()), (1 << 20, 4096));
    let data: Vec<u8> = (0..300 << 10).map(|at| (at / 7) as u8).collect();
    volume.write(4096, &data).unwrap();
    assert!(memory.contents().unwrap()[4096..4096 + data.len()] == data);
    let mut read = vec![0; data.len()];
    volume.read(4096, &mut read).unwrap();
    assert!(read == data);
    volume.write_zeroes(8192, 4096, true).unwrap();
    volume.discard(12288, 4096).unwrap();
    volume.flush().unwrap();
    let contents = memory.contents().unwrap();
    assert!(contents[8192..16384] == [0; 8192] && contents[16384..20480] == data[12288..16384]);
    let counts = counting.counts();
    assert_eq!((counts.written.bytes, counts.read.bytes), (300 << 10, 300 << 10));
    assert_eq!(
        (counts.zeroed.bytes, counts.discarded.bytes, counts.syncs),
        (4096, 4096, 1)
    );
}

#[test]
fn what_cannot_be_is_refused() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(65536));
    for block_size in [0, 256, 513, 131_072] {
        assert!(Plain::new(store.clone(), block_size, false).is_err());
    }
    let volume = Plain::new(store.clone(), 512, false).unwrap();
    assert!(matches!(
        volume.read(65536, &mut [0; 512]),
        Err(VolumeError::Range { .. })
    ));
    assert!(matches!(
        volume.write(100, &[0; 512]),
        Err(VolumeError::Alignment { .. })
    ));
    let volume = Plain::new(store, 512, true).unwrap();
    assert!(volume.read_only());
    for done in [
        volume.write(0, &[0; 512]),
        volume.discard(0, 512),
        volume.write_zeroes(0, 512, false),
    ] {
        assert!(matches!(done, Err(VolumeError::ReadOnly)));
    }
}

#[test]
fn faults_are_told() {
    let faulty = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new(65536))));
    let volume = Plain::new(faulty.clone(), 512, false).unwrap();
    faulty.fail(Operation::Write, 1, Fault::FromNowOn(ErrorKind::StorageFull));
    let full = volume.write(512, &[0; 1024]);
    assert!(matches!(
        full,
        Err(VolumeError::NoSpace {
            offset: 512,
            bytes: 1024
        })
    ));
    faulty.fail(Operation::Read, 1, Fault::Once(ErrorKind::Other));
    let error = volume.read(512, &mut [0; 512]).err().unwrap().to_string();
    assert!(error.contains("memory: reading 512 bytes at 512"), "{error}");
    faulty.fail(Operation::Sync, 1, Fault::Once(ErrorKind::Other));
    assert!(volume.flush().is_err());
}
