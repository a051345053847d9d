//! Volumes that a real kernel wrote.

use std::sync::Arc;

use sealab_engine::Engine;
use sealab_volume::integrity::{IntegrityStore, Mode, OpenOptions, parse_superblock};
use sealab_volume::sector::{AesGcmRandom, SectorCipher, SectorSize, XtsHmac};
use sealab_volume::store::Store;

use super::{MIB, memory};

/// Where the layout begins, behind the LUKS2 header.
const START: u64 = MIB;
const INITIAL_BYTES: usize = (8 + 264) * 512;
const TAG_PIECE: usize = 4096;
const BLOCKS: usize = 16;

fn engine() -> Box<dyn Engine> {
    (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap()
}

struct Golden {
    store: Arc<dyn Store>,
    cipher: Box<dyn SectorCipher>,
    provided: u64,
}

/// Puts a fixture's pieces where they stood.
fn golden(name: &str) -> Golden {
    let path = format!(
        "{}/tests/integrity/fixtures/{name}.pieces",
        env!("CARGO_MANIFEST_DIR")
    );
    let pieces = std::fs::read(path).unwrap();
    let (key_bytes, run, provided) = match name {
        "aes-gcm-random" => (32, 224, 1552),
        _ => (96, 256, 1520),
    };
    let (key, rest) = pieces.split_at(key_bytes);
    let store = memory(2 * MIB);
    store.write_at(START, &rest[..INITIAL_BYTES + TAG_PIECE]).unwrap();
    let data = START + INITIAL_BYTES as u64 + run * 512;
    let sectors = &rest[INITIAL_BYTES + TAG_PIECE..];
    assert_eq!(sectors.len(), BLOCKS * 4096);
    store.write_at(data, sectors).unwrap();
    let size = SectorSize::new(4096).unwrap();
    let cipher: Box<dyn SectorCipher> = match name {
        "aes-gcm-random" => Box::new(AesGcmRandom::new(&*engine(), key.try_into().unwrap(), size).unwrap()),
        _ => Box::new(XtsHmac::new(&*engine(), key.try_into().unwrap(), size).unwrap()),
    };
    Golden {
        store,
        cipher,
        provided,
    }
}

fn plain(length: usize) -> Vec<u8> {
    (0..)
        .flat_map(|record| format!("sealab golden block {record:08} ").into_bytes())
        .take(length)
        .collect()
}

#[test]
fn sectors_of_the_kernel_are_authentic() {
    for name in ["aes-gcm-random", "xts-hmac-sha256"] {
        for mode in [Mode::ReadOnly, Mode::Direct, Mode::Journal] {
            let mut golden = golden(name);
            let tag = golden.cipher.metadata_bytes();
            let options = OpenOptions::new(mode);
            let volume = IntegrityStore::open(golden.store.clone(), START, tag, 4096, &options).unwrap();
            assert_eq!(volume.sectors(), golden.provided);
            assert_eq!(volume.layout().journal_sections(), 1);
            assert_eq!(volume.superblock().version, 4);

            let (mut data, mut tags) = (vec![0; BLOCKS * 4096], vec![0; BLOCKS * tag]);
            volume.read(0, &mut data, &mut tags).unwrap();
            golden.cipher.decrypt(0, &mut data, &tags).unwrap();
            assert!(data == plain(BLOCKS * 4096), "{name}");

            // One alone, by its number.
            let (mut data, mut tags) = (vec![0; 4096], vec![0; tag]);
            volume.read(15 * 8, &mut data, &mut tags).unwrap();
            golden.cipher.decrypt(15 * 8, &mut data, &tags).unwrap();
            assert!(data == plain(BLOCKS * 4096)[15 * 4096..], "{name}");
        }
    }
}

#[test]
fn the_superblock_is_what_we_would_have_written() {
    for (name, tag) in [("aes-gcm-random", 28), ("xts-hmac-sha256", 32)] {
        let golden = golden(name);
        let mut bytes = [0; 4096];
        golden.store.read_at(START, &mut bytes).unwrap();
        let mut expected = parse_superblock(&bytes).unwrap();
        let ours = sealab_volume::integrity::FormatOptions::new(tag, 4096)
            .superblock(2 * MIB, START)
            .unwrap();
        assert_eq!(ours, expected, "{name}");
        // Byte for byte, with the zeroes after it.
        let fresh = memory(2 * MIB);
        sealab_volume::integrity::format(
            &*fresh,
            START,
            &sealab_volume::integrity::FormatOptions::new(tag, 4096),
        )
        .unwrap();
        let mut written = [0; 4096];
        fresh.read_at(START, &mut written).unwrap();
        assert!(written == bytes, "{name}");
        expected.tag_bytes += 1;
        assert_ne!(ours, expected);
    }
}
