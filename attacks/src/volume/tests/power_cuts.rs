//! The sealed log through power cuts, while its journal goes round and its index is written too.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sealab_volume::Volume;
use sealab_volume::format::{Owner, format};
use sealab_volume::store::{MemoryStore, Store};

use super::engine;
use crate::crash::{BLOCK_BYTES, Opened, Plan, Recording, Step};

const BLOCKS: u64 = 60;

/// Random writes to few blocks, and a flush after each few: more flushes than the journal has room for.
fn steps(writes: u64, flush_every: u64, seed: u64) -> Vec<Step> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let mut steps = Vec::new();
    for number in 1..=writes {
        let mut content = vec![0; BLOCK_BYTES];
        chance.fill_bytes(&mut content);
        steps.push(Step::Write {
            block: chance.next_u64() % BLOCKS,
            content,
        });
        if number % flush_every == 0 {
            steps.push(Step::Flush);
        }
    }
    steps
}

/// Checks that many states of each of several workloads; how many these were.
fn cut(states: u64, seed: u64) -> u64 {
    let log = format("sealed-log").unwrap();
    let mut checked = 0;
    for (writes, flush_every) in [(300, 2), (200, 1), (400, 37)] {
        let store = Arc::new(MemoryStore::new(log.store_bytes(1 << 20)));
        // Full to the last block, so that what is given up is soon written over.
        let mut fill = |volume: &dyn Volume| {
            let blocks = volume.size() / BLOCK_BYTES as u64;
            (0..blocks).try_for_each(|block| volume.write(block * BLOCK_BYTES as u64, &[1; BLOCK_BYTES]))
        };
        let owner: Arc<dyn Owner> = Arc::from(log.make(engine(), store.clone(), &mut fill).unwrap());
        let image = Arc::new(store.contents().unwrap());
        let open = |store: Arc<dyn Store>, trusted: Option<u64>| -> Result<Opened, String> {
            let owner: Arc<dyn Owner> = Arc::from(trusted.and_then(|number| owner.at(number)).unwrap());
            let volume = owner.open(engine(), store).map_err(|error| error.to_string())?;
            Ok((volume, Some(owner)))
        };
        let before: BTreeMap<u64, Vec<u8>> = (0..BLOCKS).map(|block| (block, vec![1; BLOCK_BYTES])).collect();
        let steps = steps(writes, flush_every, seed);
        let recording = Recording::new(image, owner.trusted(), before, &steps, &open).unwrap();
        let found = recording.check(Plan { states, seed }, &open);
        assert!(found.broken.is_empty(), "{writes} {flush_every}: {found:?}");
        checked += found.states;
    }
    checked
}

#[test]
fn six_thousand_power_cuts_of_a_sealed_log() {
    assert_eq!(cut(2_000, 1), 6_000);
}

#[test]
#[ignore = "the long form of the power cuts of the sealed log: a few minutes"]
fn a_hundred_thousand_power_cuts_of_a_sealed_log() {
    assert_eq!(cut(34_000, 2), 102_000);
}
