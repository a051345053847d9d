//! The checker on volumes that keep what they promise, and on ones that do not.

use std::sync::Mutex;

use sealab_volume::VolumeError;
use sealab_volume::plain::Plain;

use super::*;

const BLOCKS: u64 = 4;
const BYTES: usize = BLOCKS as usize * BLOCK_BYTES;
const PLAN: Plan = Plan {
    states: 3000,
    seed: 5,
};

fn block(seed: usize) -> Vec<u8> {
    let mut bytes = vec![0; BLOCK_BYTES];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = (at / 512 * 31 + at + seed * 7 + 1) as u8;
    }
    bytes
}

/// Writes with a flush after every so many.
fn steps(writes: usize, flush_every: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    for number in 1..=writes {
        steps.push(Step::Write {
            block: number as u64 * 7 % BLOCKS,
            content: block(number),
        });
        if number % flush_every == 0 {
            steps.push(Step::Flush);
        }
    }
    steps
}

/// A volume of zeroes at first.
fn recording(image: Vec<u8>, steps: &[Step], open: &Open<'_>) -> Recording {
    let before = (0..BLOCKS).map(|block| (block, vec![0; BLOCK_BYTES])).collect();
    Recording::new(Arc::new(image), None, before, steps, open).unwrap()
}

fn plain(store: Arc<dyn Store>, _: Option<u64>) -> Result<Opened, String> {
    let plain = Plain::new(store, BLOCK_BYTES as u32, false);
    Ok((Box::new(plain.map_err(|error| error.to_string())?), None))
}

/// Keeps two copies of everything and a sector for each that says which is the newer one.
struct Shadow {
    store: Arc<dyn Store>,
    state: Mutex<(u64, Vec<u8>)>,
    fault: Fault,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Fault {
    None,
    /// A copy counts before it is durable.
    CountsTooEarly,
    /// A flush returns before it is durable.
    ReturnsTooEarly,
    /// The copy in use is written over.
    OneCopy,
}

const SECTOR: usize = 512;
const SHADOW_BYTES: usize = 2 * SECTOR + 2 * BYTES;

impl Shadow {
    fn open(store: Arc<dyn Store>, fault: Fault) -> Result<Box<dyn Volume>, String> {
        let number = |slot: u64| {
            let mut bytes = [0; 8];
            let read = store.read_at(slot * SECTOR as u64, &mut bytes);
            read.map(|()| u64::from_le_bytes(bytes))
                .map_err(|error| error.to_string())
        };
        let generation = number(0)?.max(number(1)?);
        let mut data = vec![0; BYTES];
        let read = store.read_at(Self::place(generation, fault), &mut data);
        read.map_err(|error| error.to_string())?;
        Ok(Box::new(Self {
            state: Mutex::new((generation, data)),
            store,
            fault,
        }))
    }

    fn place(generation: u64, fault: Fault) -> u64 {
        let slot = if fault == Fault::OneCopy {
            0
        } else {
            generation % 2
        };
        2 * SECTOR as u64 + slot * BYTES as u64
    }

    fn commit(&self) -> std::io::Result<()> {
        let mut state = self.state.lock().unwrap();
        let generation = state.0 + 1;
        self.store
            .write_at(Self::place(generation, self.fault), &state.1)?;
        if self.fault != Fault::CountsTooEarly {
            self.store.sync()?;
        }
        let mut sector = [0; SECTOR];
        sector[..8].copy_from_slice(&generation.to_le_bytes());
        self.store.write_at(generation % 2 * SECTOR as u64, &sector)?;
        if self.fault != Fault::ReturnsTooEarly {
            self.store.sync()?;
        }
        state.0 = generation;
        Ok(())
    }
}

impl Volume for Shadow {
    fn size(&self) -> u64 {
        BYTES as u64
    }

    fn block_size(&self) -> u32 {
        BLOCK_BYTES as u32
    }

    fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), VolumeError> {
        let state = self.state.lock().unwrap();
        data.copy_from_slice(&state.1[offset as usize..][..data.len()]);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), VolumeError> {
        let mut state = self.state.lock().unwrap();
        state.1[offset as usize..][..data.len()].copy_from_slice(data);
        Ok(())
    }

    fn flush(&self) -> Result<(), VolumeError> {
        self.commit()
            .map_err(|error| VolumeError::store("committing", 0, 0, error))
    }

    fn discard(&self, _: u64, _: u64) -> Result<(), VolumeError> {
        Ok(())
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, _: bool) -> Result<(), VolumeError> {
        self.write(offset, &vec![0; bytes as usize])
    }
}

fn shadow(fault: Fault, writes: usize, flush_every: usize) -> (Recording, Checked) {
    let open = |store, _| Ok((Shadow::open(store, fault)?, None));
    let recording = recording(vec![0; SHADOW_BYTES], &steps(writes, flush_every), &open);
    let checked = recording.check(PLAN, &open);
    (recording, checked)
}

#[test]
fn few_states_are_all_looked_at() {
    let recording = recording(vec![0; BYTES], &steps(3, 1), &plain);
    let checked = recording.check(PLAN, &plain);
    // Eight sectors between two syncs, three times, and nothing behind the last one.
    assert!(checked.exhaustive);
    assert_eq!(checked.states, 3 * 256 + 1);
    assert_eq!(checked.broken.get(&Promise::Durability), None);
    // All but none and all of the sectors.
    for promise in [Promise::BlockAtomicity, Promise::FlushAtomicity] {
        let violations = &checked.broken[&promise];
        assert_eq!((violations.states, violations.silent), (3 * 254, 3 * 254));
    }
}

#[test]
fn a_volume_that_keeps_all_promises_is_not_accused() {
    for (writes, flush_every) in [(12, 1), (24, 3), (30, 7)] {
        let (_, checked) = shadow(Fault::None, writes, flush_every);
        assert_eq!(checked.states, PLAN.states);
        assert!(checked.broken.is_empty(), "{checked:?}");
    }
}

#[test]
fn each_fault_breaks_what_it_should() {
    for (fault, promise) in [
        (Fault::CountsTooEarly, Promise::FlushAtomicity),
        (Fault::ReturnsTooEarly, Promise::Durability),
        (Fault::OneCopy, Promise::FlushAtomicity),
    ] {
        let (_, checked) = shadow(fault, 24, 3);
        assert!(checked.broken[&promise].silent > 0, "{checked:?}");
    }
    let (_, checked) = shadow(Fault::ReturnsTooEarly, 24, 3);
    assert_eq!(
        checked
            .broken
            .get(&Promise::FlushAtomicity)
            .map(|all| all.silent > 0),
        Some(true)
    );
}

#[test]
fn a_violation_can_be_looked_at_again() {
    let open = |store, _| Ok((Shadow::open(store, Fault::CountsTooEarly)?, None));
    let (recording, checked) = shadow(Fault::CountsTooEarly, 24, 3);
    assert!(!checked.exhaustive);
    for (promise, violations) in &checked.broken {
        let first = violations.first.clone().unwrap();
        let again = recording.check_one(PLAN, first.state, &open);
        assert_eq!(again.broken[promise].first, Some(first));
    }
    // The same again, and others with another seed.
    assert_eq!(recording.check(PLAN, &open), checked);
    let other = recording.check(Plan { seed: 6, ..PLAN }, &open);
    assert_ne!(other.broken, checked.broken);
}

/// Gives an error for a block that is torn.
struct Noticing(Box<dyn Volume>);

impl Volume for Noticing {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn block_size(&self) -> u32 {
        self.0.block_size()
    }

    fn read(&self, offset: u64, data: &mut [u8]) -> Result<(), VolumeError> {
        self.0.read(offset, data)?;
        let whole = data.iter().all(|byte| *byte == 0) || (0..64).any(|seed| *data == block(seed));
        if whole {
            return Ok(());
        }
        Err(VolumeError::Unauthentic {
            offset,
            reason: "torn".to_owned(),
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), VolumeError> {
        self.0.write(offset, data)
    }

    fn flush(&self) -> Result<(), VolumeError> {
        self.0.flush()
    }

    fn discard(&self, offset: u64, bytes: u64) -> Result<(), VolumeError> {
        self.0.discard(offset, bytes)
    }

    fn write_zeroes(&self, offset: u64, bytes: u64, keep: bool) -> Result<(), VolumeError> {
        self.0.write_zeroes(offset, bytes, keep)
    }
}

#[test]
fn an_error_is_a_violation_that_was_noticed() {
    let open = |store, trusted| -> Result<Opened, String> {
        Ok((Box::new(Noticing(plain(store, trusted)?.0)), None))
    };
    let recording = recording(vec![0; BYTES], &steps(3, 1), &open);
    let checked = recording.check(PLAN, &open);
    let violations = &checked.broken[&Promise::BlockAtomicity];
    assert_eq!((violations.states, violations.silent), (3 * 254, 0));
    // A volume that does not open keeps nothing.
    let never = |_: Arc<dyn Store>, _: Option<u64>| -> Result<Opened, String> { Err("no".to_owned()) };
    let checked = recording.check(PLAN, &never);
    assert_eq!(checked.broken[&Promise::Durability].states, checked.states);
    assert_eq!(checked.broken[&Promise::Durability].silent, 0);
}
