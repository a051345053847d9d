//! dm-verity: what the real `veritysetup` makes and accepts, changed blocks, broken headers. From Debian: cryptsetup-bin.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::sync::Arc;

use sealab_engine::Engine;
use sealab_volume::store::{MemoryStore, Store};
use sealab_volume::verity::{HashArea, Parameters, RootHash, Verity, VerityError, create};

#[path = "verity/changes.rs"]
mod changes;
#[path = "verity/peers.rs"]
mod peers;
#[path = "verity/refusals.rs"]
mod refusals;

fn engine() -> Arc<dyn Engine> {
    (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap().into()
}

/// Content that differs from block to block.
fn content(bytes: u64) -> Vec<u8> {
    (0..bytes.div_ceil(8))
        .flat_map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes())
        .take(bytes as usize)
        .collect()
}

/// A store of data with room for the tree behind them, and its root hash.
struct Sample {
    store: Arc<MemoryStore>,
    area: HashArea,
    root: RootHash,
}

fn sample(parameters: Parameters) -> Sample {
    let bytes = parameters.data_bytes();
    let area = HashArea {
        offset: bytes.next_multiple_of(parameters.hash_block_bytes.into()),
        superblock: true,
    };
    let store = Arc::new(MemoryStore::new(area.offset + bytes / 2 + (1 << 20)));
    store.write_at(0, &content(bytes)).unwrap();
    let root = create(&*engine(), &*store, None, area, &parameters).unwrap();
    Sample { store, area, root }
}

fn open(sample: &Sample) -> Result<Verity, VerityError> {
    Verity::open(
        engine(),
        sample.store.clone(),
        None,
        sample.area,
        None,
        &sample.root,
    )
}
