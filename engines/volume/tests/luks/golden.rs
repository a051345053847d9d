//! Volumes that a real kernel wrote.

use sealab_volume::Volume;
use sealab_volume::luks::{Device, Header, KdfLimits};
use sealab_volume::store::{MemoryStore, Store};

use super::{engine, memory, opened, plain};

const DATA_OFFSET: u64 = 1 << 20;
const DATA_BYTES: usize = 64 << 10;

/// Puts a fixture's pieces where they stood.
fn volume(sector: usize) -> Device {
    let path = format!(
        "{}/tests/fixtures/luks2-xts-plain64-{sector}.pieces",
        env!("CARGO_MANIFEST_DIR")
    );
    let pieces = std::fs::read(path).unwrap();
    let store: std::sync::Arc<MemoryStore> = memory(DATA_OFFSET + DATA_BYTES as u64);
    let mut rest = &pieces[..];
    for (offset, length) in [
        (0, 8192),
        (16384, 8192),
        (32768, 256_000),
        (DATA_OFFSET, DATA_BYTES),
    ] {
        let (piece, after) = rest.split_at(length);
        store.write_at(offset, piece).unwrap();
        rest = after;
    }
    assert!(rest.is_empty());
    Device::attached(store)
}

#[test]
fn volumes_of_the_kernel_open() {
    for sector in [512, 4096] {
        let device = volume(sector);
        let header = Header::read(&**device.header(), &KdfLimits::default()).unwrap();
        let summary = header.summary();
        assert_eq!(summary.encryption, "aes-xts-plain64");
        assert_eq!((summary.version, summary.sector_size), (2, sector));
        assert_eq!(summary.copies[1].sequence, Some(3));
        let used = header.test_passphrase(&*engine(), &**device.header(), b"golden-pass", None);
        assert_eq!(used.unwrap(), 0);

        let volume = opened(&device, b"golden-pass").unwrap();
        assert_eq!(volume.size(), DATA_BYTES as u64);
        let mut data = vec![0; DATA_BYTES];
        volume.read(0, &mut data).unwrap();
        assert!(data == plain(DATA_BYTES));
        // What is written over it is what the kernel would have written.
        let before = stored(&device);
        volume.write(0, &plain(DATA_BYTES)).unwrap();
        assert!(stored(&device) == before);
        volume.write(0, &vec![0; DATA_BYTES]).unwrap();
        assert!(stored(&device) != before);
    }
}

fn stored(device: &Device) -> Vec<u8> {
    let mut data = vec![0; DATA_BYTES];
    device.data().read_at(DATA_OFFSET, &mut data).unwrap();
    data
}
