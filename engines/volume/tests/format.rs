//! Every format behind the one interface: what goes in comes out again, for its owner and nobody else.

use std::sync::Arc;

use sealab_engine::Engine;
use sealab_volume::format::{FORMATS, Protection, format};
use sealab_volume::store::{MemoryStore, Store};
use sealab_volume::{Volume, VolumeError};

const SIZE: u64 = 2 << 20;

fn engine() -> Arc<dyn Engine> {
    Arc::from((sealab_engine_rustcrypto::CANDIDATE.open)().expect("an engine"))
}

fn content(block: u64) -> Vec<u8> {
    let text = format!("block {block:08} ");
    text.bytes().cycle().take(4096).collect()
}

fn fill(volume: &dyn Volume) -> Result<(), VolumeError> {
    (0..SIZE / 4096).try_for_each(|block| volume.write(block * 4096, &content(block)))
}

#[test]
fn every_format_gives_back_what_it_was_filled_with_and_hides_what_it_says() {
    for format in FORMATS {
        let id = format.id();
        let store = Arc::new(MemoryStore::new(format.store_bytes(SIZE)));
        let owner = format.make(engine(), store.clone(), &mut fill).expect(id);
        let volume = owner.open(engine(), store.clone()).expect(id);
        assert!(volume.size() >= SIZE, "{id}: {} bytes", volume.size());
        assert_eq!(volume.read_only(), !format.writable(), "{id}");
        for block in 0..SIZE / 4096 {
            let mut data = vec![0; 4096];
            volume.read(block * 4096, &mut data).expect(id);
            assert!(data == content(block), "{id}: block {block}");
        }
        drop(volume);
        let bytes = store.contents().expect(id);
        let shows = bytes.windows(14).any(|window| window == b"block 00000003");
        let hides = !matches!(format.protection(), Protection::Nothing | Protection::Integrity);
        assert_eq!(shows, !hides, "{id}");
        // Another volume's owner has another key, or another root hash. A plain volume is anybody's.
        let other = Arc::new(MemoryStore::new(format.store_bytes(SIZE)));
        let foreign = format
            .make(engine(), other, &mut |volume| volume.write(4096, &[7; 4096]))
            .expect(id);
        let opened = foreign.open(engine(), store.clone());
        assert_eq!(opened.is_ok(), format.protection() == Protection::Nothing, "{id}");
    }
}

#[test]
fn a_size_that_cannot_be_is_refused_when_the_volume_is_made() {
    for format in FORMATS
        .iter()
        .filter(|format| format.protection() != Protection::Nothing)
    {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(4096));
        assert!(
            format.make(engine(), store, &mut |_| Ok(())).is_err(),
            "{}",
            format.id()
        );
    }
}

#[test]
fn formats_are_found_by_their_names() {
    for known in FORMATS {
        assert_eq!(format(known.id()).map(|found| found.id()), Some(known.id()));
    }
    assert!(format("luks3").is_none());
}
