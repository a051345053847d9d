//! The sealed log against a plain array: whatever is written, discarded, flushed and opened again.

use std::collections::HashMap;
use std::sync::Arc;

use sealab_volume::Volume;
use sealab_volume::counter::{MemoryCounter, TrustedCounter};

use super::{BLOCK, Chance, content, made, opened};

/// Runs `steps` random steps on a volume of `blocks` blocks with so much memory for the index.
fn against_model(blocks: u64, memory: usize, steps: u64, seed: u64) {
    let counter: Arc<dyn TrustedCounter> = Arc::new(MemoryCounter::new(7));
    let store = made(blocks * BLOCK as u64, Some(&*counter));
    let mut log = opened(store.clone(), memory, Some(counter.clone()));
    let blocks = log.size() / BLOCK as u64;
    let mut model: HashMap<u64, Vec<u8>> = HashMap::new();
    let mut flushed = model.clone();
    let mut chance = Chance(seed);
    for step in 0..steps {
        let count = 1 + chance.below(90).min(blocks - 1);
        let first = chance.below(blocks - count + 1);
        let (offset, bytes) = (first * BLOCK as u64, count as usize * BLOCK);
        match chance.below(40) {
            0..=17 => {
                let data = content(step, bytes);
                log.write(offset, &data).expect("a write");
                for (block, data) in (first..).zip(data.chunks(BLOCK)) {
                    model.insert(block, data.to_vec());
                }
            }
            18..=20 => {
                log.discard(offset, bytes as u64).expect("a discard");
                (first..first + count).for_each(|block| drop(model.remove(&block)));
            }
            21..=25 => {
                log.flush().expect("a flush");
                flushed = model.clone();
            }
            26 => {
                log.clean(8).expect("cleaning");
            }
            27 => {
                // What was not flushed is lost, unless it had to be committed early.
                let early = log.statistics().early_commits;
                if early > 0 {
                    log.flush().expect("a flush");
                    flushed = model.clone();
                }
                drop(log);
                log = opened(store.clone(), memory, Some(counter.clone()));
                model = flushed.clone();
            }
            _ => {
                let mut data = vec![1; bytes];
                log.read(offset, &mut data).expect("a read");
                for (block, data) in (first..).zip(data.chunks(BLOCK)) {
                    let expected = model.get(&block).cloned().unwrap_or_else(|| vec![0; BLOCK]);
                    assert!(data == expected, "block {block} after step {step}");
                }
            }
        }
    }
    for block in 0..blocks {
        let mut data = vec![1; BLOCK];
        log.read(block * BLOCK as u64, &mut data).expect("a read");
        let expected = model.get(&block).cloned().unwrap_or_else(|| vec![0; BLOCK]);
        assert!(data == expected, "block {block} at the end");
    }
}

#[test]
fn a_small_log_is_what_was_written() {
    for seed in 1..15 {
        against_model(200, 64 << 20, 400, seed);
    }
}

#[test]
fn a_log_with_little_memory_is_what_was_written() {
    for seed in 1..6 {
        against_model(6000, 0, 1500, seed * 77);
    }
}

#[test]
fn a_log_of_three_levels_is_what_was_written() {
    against_model(40_000, 1 << 20, 3000, 5);
}
