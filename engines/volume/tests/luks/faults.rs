//! Stores that fail.

use std::io::ErrorKind;
use std::sync::Arc;

use sealab_volume::luks::{Device, Header, KdfLimits, LuksError, create};
use sealab_volume::store::{Fault, FaultyStore, Operation};
use sealab_volume::{Volume, VolumeError};

use super::{PASSPHRASE, engine, memory, opened, options, plain};

#[test]
fn a_full_store_is_told_and_harms_nothing() {
    for options in options() {
        let faulty = Arc::new(FaultyStore::new(memory(options.header_bytes() + 65536)));
        let device = Device::attached(faulty.clone());
        create(engine(), &device, &options, PASSPHRASE).unwrap();
        let volume = opened(&device, PASSPHRASE).unwrap();
        volume.write(0, &plain(65536)).unwrap();
        faulty.fail(Operation::Write, 1, Fault::FromNowOn(ErrorKind::StorageFull));
        let full = volume.write(4096, &[1; 8192]);
        assert!(matches!(
            full,
            Err(VolumeError::NoSpace {
                offset: 4096,
                bytes: 8192
            })
        ));
        assert!(matches!(
            volume.write_zeroes(0, 4096, true),
            Err(VolumeError::NoSpace { .. })
        ));
        let mut data = vec![0; 65536];
        volume.read(0, &mut data).unwrap();
        assert!(data == plain(65536));
        let error = create(engine(), &device, &options, PASSPHRASE).err().unwrap();
        assert!(matches!(&error, LuksError::Store { source, .. } if source.kind() == ErrorKind::StorageFull));
    }
}

#[test]
fn a_failed_flush_or_read_is_told() {
    let [_, options] = options();
    let faulty = Arc::new(FaultyStore::new(memory(options.header_bytes() + 65536)));
    let device = Device::attached(faulty.clone());
    create(engine(), &device, &options, PASSPHRASE).unwrap();
    let volume = opened(&device, PASSPHRASE).unwrap();
    faulty.fail(Operation::Sync, 1, Fault::Once(ErrorKind::Other));
    assert!(matches!(volume.flush(), Err(VolumeError::Store { .. })));
    faulty.fail(Operation::Read, 1, Fault::Once(ErrorKind::Other));
    let failed = volume.read(8192, &mut [0; 4096]).err().unwrap().to_string();
    assert!(failed.contains("memory: reading 4096 bytes at 8192"), "{failed}");
    volume.flush().unwrap();
}

/// Cuts the power at every write of a change, with the write torn in several places: what was there before opens, and
/// so, once the change returned, does what is new.
#[test]
fn a_power_cut_while_keyslots_change_loses_no_volume() {
    let [_, options] = options();
    for torn in [0, 1, 300, 500, 4200] {
        for nth in 1.. {
            let memory = memory(options.header_bytes() + 4096);
            let faulty = Arc::new(FaultyStore::new(memory.clone()));
            let device = Device::attached(faulty.clone());
            create(engine(), &device, &options, PASSPHRASE).unwrap();
            let mut header = Header::read(&*faulty, &KdfLimits::default()).unwrap();
            faulty.fail(Operation::Write, nth, Fault::PowerCut(torn));
            let added = header.add_keyslot(&*engine(), &*faulty, PASSPHRASE, b"new", options.pbkdf, None);
            let removed = added.is_ok().then(|| header.remove_keyslot(&*faulty, 0));
            faulty.restore_power();
            let old = opened(&device, PASSPHRASE);
            let new = opened(&device, b"new");
            match (&added, &removed) {
                (Err(_), _) => assert!(old.is_ok(), "{torn} {nth}"),
                (Ok(_), Some(Err(_))) => assert!(new.is_ok(), "{torn} {nth}"),
                (Ok(_), _) => {
                    assert!(new.is_ok() && old.is_err());
                    // Key material, two copies, wiping, two copies.
                    assert_eq!(nth, 7);
                    break;
                }
            }
        }
    }
}

/// With one copy broken, the broken one is written first.
#[test]
fn mending_never_leaves_two_broken_copies() {
    let [_, options] = options();
    for broken in [0, 1] {
        for nth in [1, 2] {
            let memory = memory(options.header_bytes() + 4096);
            let faulty = Arc::new(FaultyStore::new(memory));
            let device = Device::attached(faulty.clone());
            create(engine(), &device, &options, PASSPHRASE).unwrap();
            let store = &**device.header();
            store.write_at(broken * 16384 + 4200, b"broken").unwrap();
            let mut header = Header::read(store, &KdfLimits::default()).unwrap();
            faulty.fail(Operation::Write, nth, Fault::PowerCut(300));
            assert!(header.repair(store).is_err());
            faulty.restore_power();
            assert!(opened(&device, PASSPHRASE).is_ok(), "copy {broken}, write {nth}");
        }
    }
}
