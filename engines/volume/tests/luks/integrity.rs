//! Volumes with authenticated sectors.

use std::sync::Arc;

use sealab_volume::luks::{Cipher, Device, IntegrityOptions, OpenOptions, Options, create, open};
use sealab_volume::store::{MemoryStore, Store};
use sealab_volume::{Volume, VolumeError};

use super::{PASSPHRASE, engine, memory, opened, options, plain};

const BYTES: u64 = 2 << 20;

fn formats() -> [Options; 3] {
    let [_, luks2] = options();
    [
        (Cipher::Aes256GcmRandom, 4096),
        (Cipher::Aes256XtsHmacSha256, 4096),
        (Cipher::Aes256GcmRandom, 512),
    ]
    .map(|(cipher, sector_size)| Options {
        cipher,
        sector_size,
        ..luks2.clone()
    })
}

fn made(options: &Options) -> (Device, Arc<MemoryStore>) {
    let store = memory(options.store_bytes(BYTES, false).unwrap());
    let device = Device::attached(store.clone());
    create(engine(), &device, options, PASSPHRASE).unwrap();
    (device, store)
}

#[test]
fn what_is_written_is_read_with_and_without_a_journal() {
    for options in formats() {
        let (device, store) = made(&options);
        for integrity_no_journal in [true, false] {
            let how = OpenOptions {
                integrity_no_journal,
                // Ignored: a sector given back would not be authentic.
                allow_discards: true,
                ..OpenOptions::default()
            };
            let volume = open(engine(), &device, PASSPHRASE, &how).unwrap();
            assert!(volume.size() >= BYTES);
            assert_eq!(volume.size(), options.volume_bytes(store.size(), false).unwrap());
            let data = plain(700 << 10);
            volume.write(4096, &data).unwrap();
            volume.discard(0, 1 << 20).unwrap();
            volume.flush().unwrap();
            drop(volume);
            let volume = opened(&device, PASSPHRASE).unwrap();
            let mut all = vec![1; volume.size() as usize];
            volume.read(0, &mut all).unwrap();
            assert!(all[4096..4096 + data.len()] == data, "{options:?}");
            assert!(
                all[..4096]
                    .iter()
                    .chain(&all[4096 + data.len()..])
                    .all(|byte| *byte == 0)
            );
            volume.write_zeroes(0, 1 << 20, true).unwrap();
            volume.discard(0, 1 << 20).unwrap();
            volume.read(0, &mut all).unwrap();
            assert!(all.iter().all(|byte| *byte == 0));
        }
    }
}

#[test]
fn a_changed_sector_is_found() {
    for options in formats() {
        let (device, store) = made(&options);
        let direct = OpenOptions {
            integrity_no_journal: true,
            ..OpenOptions::default()
        };
        let volume = open(engine(), &device, PASSPHRASE, &direct).unwrap();
        let before = store.contents().unwrap();
        let sector = vec![7; options.sector_size];
        let at = 3 * options.sector_size as u64;
        volume.write(at, &sector).unwrap();
        volume.flush().unwrap();
        drop(volume);
        // The sector's data lie where most bytes changed.
        let after = store.contents().unwrap();
        let place = (0..after.len())
            .step_by(512)
            .find(|place| {
                let same = before[*place..][..512].iter().zip(&after[*place..][..512]);
                same.filter(|(a, b)| a != b).count() > 400
            })
            .unwrap();
        store
            .write_at(place as u64 + 100, &[after[place + 100] ^ 4])
            .unwrap();
        let volume = opened(&device, PASSPHRASE).unwrap();
        let mut data = vec![0; options.sector_size * 8];
        let changed = volume.read(0, &mut data);
        assert!(
            matches!(changed, Err(VolumeError::Unauthentic { offset, .. }) if offset == at),
            "{changed:?}"
        );
        let (left, right) = data.split_at(options.sector_size * 3);
        assert!(
            !right.starts_with(&sector[..16]),
            "plaintext that was not verified"
        );
        volume.read(0, &mut left.to_vec()).unwrap();
        // Writing mends it.
        volume.write(at, &sector).unwrap();
        volume.read(0, &mut data).unwrap();
    }
}

#[test]
fn sectors_never_written_are_no_zeroes() {
    let [options, ..] = formats();
    let options = Options {
        integrity: IntegrityOptions { no_wipe: true },
        ..options
    };
    let (device, _) = made(&options);
    let volume = opened(&device, PASSPHRASE).unwrap();
    assert!(matches!(
        volume.read(0, &mut [0; 4096]),
        Err(VolumeError::Unauthentic { .. })
    ));
    volume.write(0, &[5; 4096]).unwrap();
    volume.read(0, &mut [0; 4096]).unwrap();
}

#[test]
fn the_room_a_volume_needs_is_what_it_gets() {
    let mut all = formats().to_vec();
    all.extend(options());
    for options in all {
        for detached in [false, true] {
            for bytes in [4096, 1 << 20, (10 << 20) + 4096, 1 << 34] {
                let store = options.store_bytes(bytes, detached).unwrap();
                assert!(options.volume_bytes(store, detached).unwrap() >= bytes);
            }
        }
        assert!(options.store_bytes(u64::MAX, false).is_err());
    }
}
