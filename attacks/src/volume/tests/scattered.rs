//! A volume whose places tell nothing, so that acts which guess addresses can fail.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use sealab_engine::{Engine, Primitive};
use sealab_volume::format::{Fill, FormatError, Owner, Protection, VolumeFormat};
use sealab_volume::store::Store;
use sealab_volume::{Volume, VolumeError};

use super::super::acts::ACTS;
use super::super::stage::Stage;
use super::super::{POWER_CUTS, subject};
use super::engine;
use crate::Verdict;

/// Writes each block to a free place drawn by chance; only the owner knows which is where.
struct Scattered;

struct ScatteredOwner {
    places: Arc<Mutex<Places>>,
}

struct Places {
    of: HashMap<u64, u64>,
    free: Vec<u64>,
    chance: u64,
}

impl VolumeFormat for Scattered {
    fn id(&self) -> &'static str {
        "scattered"
    }

    fn description(&self) -> &'static str {
        "blocks at places that nobody else knows"
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[]
    }

    fn protection(&self) -> Protection {
        Protection::Nothing
    }

    fn store_bytes(&self, bytes: u64) -> u64 {
        4 * bytes
    }

    fn make(
        &self,
        engine: Arc<dyn Engine>,
        store: Arc<dyn Store>,
        fill: &mut Fill<'_>,
    ) -> Result<Box<dyn Owner>, FormatError> {
        let places = Places {
            of: HashMap::new(),
            free: (0..store.size() / 4096).collect(),
            chance: 1,
        };
        let owner = ScatteredOwner {
            places: Arc::new(Mutex::new(places)),
        };
        fill(&*owner.open(engine, store)?).unwrap();
        Ok(Box::new(owner))
    }
}

impl Owner for ScatteredOwner {
    fn open(&self, _: Arc<dyn Engine>, store: Arc<dyn Store>) -> Result<Box<dyn Volume>, FormatError> {
        Ok(Box::new(ScatteredVolume {
            places: self.places.clone(),
            store,
        }))
    }
}

struct ScatteredVolume {
    places: Arc<Mutex<Places>>,
    store: Arc<dyn Store>,
}

impl Volume for ScatteredVolume {
    fn size(&self) -> u64 {
        subject::BYTES
    }

    fn block_size(&self) -> u32 {
        4096
    }

    fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), VolumeError> {
        let places = self.places.lock().unwrap();
        self.store
            .read_at(places.of[&(offset / 4096)] * 4096, data)
            .unwrap();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), VolumeError> {
        let mut places = self.places.lock().unwrap();
        places.chance = places
            .chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let index = (places.chance >> 33) as usize % places.free.len();
        let place = places.free.swap_remove(index);
        self.store.write_at(place * 4096, data).unwrap();
        if let Some(old) = places.of.insert(offset / 4096, place) {
            places.free.push(old);
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), VolumeError> {
        self.store.sync().unwrap();
        Ok(())
    }

    fn discard(&self, _: u64, _: u64) -> Result<(), VolumeError> {
        Ok(())
    }

    fn write_zeroes(&self, _: u64, _: u64, _: bool) -> Result<(), VolumeError> {
        Ok(())
    }
}

#[test]
fn places_that_say_nothing_are_not_accused() {
    let stage = Stage::new(Box::leak(Box::new(Scattered)), engine(), POWER_CUTS);
    let stage = stage.unwrap();
    for act in ["learn-addresses", "compare-snapshots"] {
        let one = ACTS.iter().find(|one| one.act.id == act).unwrap();
        let outcome = (one.attempt)(&stage).unwrap();
        assert_eq!(outcome.verdict, Verdict::Refused, "{act}: {}", outcome.detail);
    }
}
