//! The sectors of open volumes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use sealab_volume::luks::{Cipher, Device, OpenOptions, Options, Pbkdf, create, open};
use sealab_volume::store::{CountingStore, MemoryStore, Store};
use sealab_volume::{Volume, VolumeError};

use super::{PASSPHRASE, engine, memory, opened, options, plain};

fn made(options: &Options, data: u64) -> Device {
    let device = Device::attached(memory(options.header_bytes() + data));
    create(engine(), &device, options, PASSPHRASE).unwrap();
    device
}

/// Every format without integrity: options, its block size.
fn formats() -> Vec<(Options, u32)> {
    let [luks1, luks2] = options();
    let mut formats = Vec::new();
    for cipher in [
        Cipher::Aes128XtsPlain64,
        Cipher::Aes256XtsPlain64,
        Cipher::Aes256CbcEssivSha256,
    ] {
        formats.push((
            Options {
                cipher,
                ..luks1.clone()
            },
            512,
        ));
        for sector_size in [512, 1024, 2048, 4096] {
            let options = Options {
                cipher,
                sector_size,
                ..luks2.clone()
            };
            formats.push((options, sector_size as u32));
        }
    }
    formats
}

#[test]
fn what_is_written_is_read_in_any_pieces() {
    let bytes = 600 << 10;
    for (options, block) in formats() {
        let device = made(&options, bytes as u64);
        let volume = opened(&device, PASSPHRASE).unwrap();
        assert_eq!((volume.size(), volume.block_size()), (bytes as u64, block));
        let data = plain(bytes);
        // Across stripes, not at their ends.
        let block = block as usize;
        volume.write(0, &data[..block]).unwrap();
        volume.write(block as u64, &data[block..bytes - block]).unwrap();
        volume
            .write((bytes - block) as u64, &data[bytes - block..])
            .unwrap();
        volume.flush().unwrap();
        drop(volume);
        let volume = opened(&device, PASSPHRASE).unwrap();
        let mut read = vec![0; bytes];
        volume.read(0, &mut read).unwrap();
        assert!(read == data, "{options:?}");
        let mut read = vec![0; 300 << 10];
        volume.read(3 * block as u64, &mut read).unwrap();
        assert!(read == data[3 * block..][..300 << 10], "{options:?}");

        let mut stored = vec![0; bytes];
        device
            .data()
            .read_at(options.header_bytes(), &mut stored)
            .unwrap();
        let leaked = stored.windows(18).any(|window| window == b"sealab golden bloc");
        assert!(!leaked, "{options:?}");
    }
}

#[test]
fn requests_outside_are_refused() {
    let (options, _) = formats().pop().unwrap();
    let device = made(&options, 64 << 10);
    let volume = opened(&device, PASSPHRASE).unwrap();
    let mut block = vec![0; 4096];
    let past = volume.read(64 << 10, &mut block);
    assert!(matches!(past, Err(VolumeError::Range { .. })));
    let past = volume.write(u64::MAX - 4095, &block);
    assert!(matches!(past, Err(VolumeError::Range { .. })));
    let part = volume.read(512, &mut block);
    assert!(matches!(part, Err(VolumeError::Alignment { .. })));
    let part = volume.write(0, &block[..512]);
    assert!(matches!(part, Err(VolumeError::Alignment { .. })));
    assert!(volume.write_zeroes(60 << 10, 8192, true).is_err());
    volume.read(0, &mut []).unwrap();
    volume.write(64 << 10, &[]).unwrap();
}

#[test]
fn a_volume_open_for_reading_is_not_written() {
    let device = made(&options()[1], 64 << 10);
    let before = stored(&device, 64 << 10);
    let read_only = OpenOptions {
        read_only: true,
        allow_discards: true,
        ..OpenOptions::default()
    };
    let volume = open(engine(), &device, PASSPHRASE, &read_only).unwrap();
    assert!(volume.read_only());
    for done in [
        volume.write(0, &[0; 4096]),
        volume.write_zeroes(0, 4096, true),
        volume.discard(0, 4096),
    ] {
        assert!(matches!(done, Err(VolumeError::ReadOnly)));
    }
    assert!(stored(&device, 64 << 10) == before);
}

fn stored(device: &Device, bytes: usize) -> Vec<u8> {
    let mut data = vec![0; bytes];
    device.data().read_at(16 << 20, &mut data).unwrap();
    data
}

#[test]
fn zeroes_are_encrypted_and_discards_need_leave() {
    let bytes = 300 << 10;
    let device = made(&options()[1], bytes as u64);
    let volume = opened(&device, PASSPHRASE).unwrap();
    volume.write(0, &plain(bytes)).unwrap();
    volume.write_zeroes(4096, 280 << 10, false).unwrap();
    let mut read = vec![1; bytes];
    volume.read(0, &mut read).unwrap();
    let mut expected = plain(bytes);
    expected[4096..4096 + (280 << 10)].fill(0);
    assert!(read == expected);
    let kept = stored(&device, bytes);
    assert!(kept.chunks(16).all(|block| block.iter().any(|byte| *byte != 0)));

    volume.discard(0, bytes as u64).unwrap();
    assert!(stored(&device, bytes) == kept);
    let allowed = OpenOptions {
        allow_discards: true,
        ..OpenOptions::default()
    };
    let volume = open(engine(), &device, PASSPHRASE, &allowed).unwrap();
    volume.discard(4096, 8192).unwrap();
    let now = stored(&device, bytes);
    assert!(now[4096..12288].iter().all(|byte| *byte == 0));
    assert!(now[..4096] == kept[..4096] && now[12288..] == kept[12288..]);
}

#[test]
fn xts_writes_what_it_was_given_and_no_more() {
    let [_, options] = options();
    let counting = Arc::new(CountingStore::new(memory(options.header_bytes() + (1 << 20))));
    let device = Device::attached(counting.clone());
    create(engine(), &device, &options, PASSPHRASE).unwrap();
    let volume = opened(&device, PASSPHRASE).unwrap();
    let before = counting.counts();
    volume.write(0, &plain(1 << 20)).unwrap();
    volume.read(4096, &mut vec![0; 8192]).unwrap();
    volume.flush().unwrap();
    let done = counting.counts() - before;
    assert_eq!(done.written.bytes, 1 << 20);
    assert_eq!(done.read.bytes, 8192);
    assert_eq!((done.syncs, done.discarded.calls, done.zeroed.calls), (1, 0, 0));
}

/// Reads and writes 512 bytes, lets others go on, and then does the rest.
struct Piecemeal(Arc<MemoryStore>);

impl Store for Piecemeal {
    fn name(&self) -> String {
        self.0.name()
    }

    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, offset: u64, data: &mut [u8]) -> io::Result<()> {
        let (first, rest) = data.split_at_mut(512.min(data.len()));
        self.0.read_at(offset, first)?;
        std::thread::sleep(Duration::from_micros(50));
        self.0.read_at(offset + first.len() as u64, rest)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let (first, rest) = data.split_at(512.min(data.len()));
        self.0.write_at(offset, first)?;
        std::thread::sleep(Duration::from_micros(50));
        self.0.write_at(offset + first.len() as u64, rest)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn discard(&self, offset: u64, bytes: u64) -> io::Result<bool> {
        self.0.discard(offset, bytes)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep_allocated: bool) -> io::Result<()> {
        self.0.write_zeroes(offset, bytes, keep_allocated)
    }
}

#[test]
fn many_callers_share_a_volume() {
    let options = &options()[1];
    let memory = memory(options.header_bytes() + (2 << 20));
    create(engine(), &Device::attached(memory.clone()), options, PASSPHRASE).unwrap();
    let device = Device::attached(Arc::new(Piecemeal(memory)));
    let volume = opened(&device, PASSPHRASE).unwrap();
    volume.write(0, &vec![0; 2 << 20]).unwrap();
    std::thread::scope(|scope| {
        for caller in 0..4_u8 {
            let volume = &volume;
            scope.spawn(move || {
                for round in 0..40_u8 {
                    // The same blocks for all; each write is one value throughout.
                    let at = u64::from(round % 8) * 4096;
                    volume.write(at, &[caller * 50 + round; 12288]).unwrap();
                    let mut block = [0; 4096];
                    volume.read(at + 4096, &mut block).unwrap();
                    assert!(block.iter().all(|byte| *byte == block[0]), "a mixture");
                    // And a part of its own.
                    let own = (1 << 20) + u64::from(caller) * 65536;
                    volume.write(own, &[round; 65536]).unwrap();
                    let mut data = vec![0; 65536];
                    volume.read(own, &mut data).unwrap();
                    assert!(data.iter().all(|byte| *byte == round));
                }
            });
        }
    });
}

#[test]
fn an_engine_that_cannot_is_found_out_at_the_door() {
    let device = made(&options()[1], 64 << 10);
    let ring: Arc<dyn sealab_engine::Engine> = (sealab_engine_ring::CANDIDATE.open)().unwrap().into();
    let result = open(ring, &device, PASSPHRASE, &OpenOptions::default());
    assert!(result.err().unwrap().to_string().contains("aes-256-xts"));
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    let [luks1, luks2] = options();
    let device = Device::attached(memory(17 << 20));
    for (wrong, word) in [
        (
            Options {
                sector_size: 4096,
                ..luks1.clone()
            },
            "sector size",
        ),
        (
            Options {
                sector_size: 8192,
                ..luks2.clone()
            },
            "8192",
        ),
        (
            Options {
                cipher: Cipher::Aes256GcmRandom,
                ..luks1.clone()
            },
            "cipher",
        ),
        (
            Options {
                pbkdf: Pbkdf::default(),
                ..luks1.clone()
            },
            "derivation",
        ),
        (
            Options {
                label: "x".into(),
                ..luks1
            },
            "label",
        ),
        (
            Options {
                label: "x".repeat(48),
                ..luks2.clone()
            },
            "label",
        ),
        (
            Options {
                uuid: Some("x".into()),
                ..luks2.clone()
            },
            "UUID",
        ),
        (
            Options {
                pbkdf: Pbkdf::Pbkdf2 {
                    hash: sealab_volume::luks::Hash::Sha256,
                    iterations: 999,
                },
                ..luks2.clone()
            },
            "1000",
        ),
    ] {
        let error = create(engine(), &device, &wrong, PASSPHRASE).err().unwrap();
        assert!(error.to_string().contains(word), "{error}");
    }
    let small = Device::attached(memory(16 << 20));
    let error = create(engine(), &small, &luks2, PASSPHRASE).err().unwrap();
    assert!(error.to_string().contains("the data's place"), "{error}");
}
