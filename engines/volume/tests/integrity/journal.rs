//! Power cuts at every write, and journals that are not whole.

use std::collections::HashMap;
use std::sync::Arc;

use sealab_volume::integrity::{FormatOptions, IntegrityError, Mode};
use sealab_volume::store::{Fault, FaultyStore, MemoryStore, Operation, Store};

use super::{MIB, Numbers, content, formatted, memory, opened, refusal, tags};

/// Three sections of 32 blocks.
fn options() -> FormatOptions {
    FormatOptions {
        journal_sectors: Some(3 * 264),
        ..FormatOptions::new(28, 4096)
    }
}

/// Writes blocks in an order of its own until something fails: for every block the seeds of what it may hold, the first
/// of which was synced.
fn work(volume: &sealab_volume::integrity::IntegrityStore) -> HashMap<u64, Vec<u64>> {
    let mut may: HashMap<u64, Vec<u64>> = HashMap::new();
    let mut numbers = Numbers(11);
    for seed in 1..60 {
        let block = numbers.below(24);
        may.entry(block).or_insert_with(|| vec![0]).push(seed);
        let written = volume.write(
            block * 8,
            &content(seed, block * 8, 4096),
            &tags(seed, block * 8, 1, 28),
        );
        if written.is_err() {
            return may;
        }
        if numbers.below(3) == 0 {
            let synced = match seed {
                20..30 => volume.settle(),
                _ => volume.sync(),
            };
            if synced.is_err() {
                return may;
            }
            for seeds in may.values_mut() {
                seeds.drain(..seeds.len() - 1);
            }
        }
    }
    may
}

fn prepared() -> Arc<MemoryStore> {
    let store = memory(4 * MIB);
    let volume = formatted(store.clone(), 0, &options(), Mode::Journal);
    for block in 0..24 {
        let tag = tags(0, block * 8, 1, 28);
        volume
            .write(block * 8, &content(0, block * 8, 4096), &tag)
            .unwrap();
    }
    volume.settle().unwrap();
    store
}

fn check(store: Arc<dyn Store>, mode: Mode, may: &HashMap<u64, Vec<u64>>, place: &str) {
    let volume = opened(store, 0, &options(), mode);
    for block in 0..24 {
        let (mut data, mut tag) = (vec![0; 4096], vec![0; 28]);
        volume.read(block * 8, &mut data, &mut tag).unwrap();
        let seeds = may.get(&block).map_or(&[0][..], |seeds| seeds);
        let holds = seeds
            .iter()
            .any(|seed| data == content(*seed, block * 8, 4096) && tag == tags(*seed, block * 8, 1, 28));
        assert!(holds, "{place}, {mode:?}, block {block}, one of {seeds:?}");
    }
}

#[test]
fn a_power_cut_at_any_write_leaves_every_block_old_or_new_with_its_tag() {
    let base = prepared().contents().unwrap();
    let mut cuts = 0;
    for nth in 1.. {
        // At sectors' ends and within them.
        let kept = [0, 512 * 5, 4096, 512 * 100 + 77, 512 * 263][nth % 5];
        let inner = Arc::new(MemoryStore::from(base.clone()));
        let faulty = Arc::new(FaultyStore::new(inner.clone()));
        let volume = opened(faulty.clone(), 0, &options(), Mode::Journal);
        faulty.fail(Operation::Write, nth as u64, Fault::PowerCut(kept));
        let may = work(&volume);
        drop(volume);
        let after = inner.contents().unwrap();
        let place = format!("write {nth}, of which {kept} bytes");
        for mode in [Mode::ReadOnly, Mode::Direct, Mode::Journal] {
            let store = Arc::new(MemoryStore::from(after.clone()));
            check(store.clone(), mode, &may, &place);
            // What was copied back once is there the second time.
            check(store, Mode::ReadOnly, &may, &place);
        }
        // A second cut, during the recovery.
        for again in 1..12 {
            let inner = Arc::new(MemoryStore::from(after.clone()));
            let faulty = Arc::new(FaultyStore::new(inner.clone()));
            faulty.fail(Operation::Write, again, Fault::PowerCut(kept));
            let (tag, mode) = (28, [Mode::Direct, Mode::Journal][again as usize % 2]);
            let options = sealab_volume::integrity::OpenOptions::new(mode);
            let _ = sealab_volume::integrity::IntegrityStore::open(faulty, 0, tag, 4096, &options);
            check(inner, Mode::ReadOnly, &may, &format!("{place}, then {again}"));
        }
        if faulty.read_at(0, &mut [0]).is_ok() {
            break;
        }
        cuts += 1;
    }
    assert!(cuts > 30, "{cuts}");
}

#[test]
fn a_section_that_is_not_whole_is_ignored() {
    let store = prepared();
    let volume = opened(store.clone(), 0, &options(), Mode::Journal);
    volume.write(0, &content(1, 0, 4096), &tags(1, 0, 1, 28)).unwrap();
    volume.sync().unwrap();
    drop(volume);
    let committed = HashMap::from([(0, vec![1])]);
    let contents = store.contents().unwrap();
    check(
        Arc::new(MemoryStore::from(contents.clone())),
        Mode::ReadOnly,
        &committed,
        "whole",
    );
    // The sector with the entry, one without, one of data: each as the journal had them before.
    let before = prepared().contents().unwrap();
    let changed: Vec<_> = (0..contents.len() / 512)
        .filter(|sector| contents[sector * 512..][..512] != before[sector * 512..][..512])
        .collect();
    assert_eq!(changed.len(), 264, "one section");
    for sector in [changed[0], changed[7], changed[8], changed[263]] {
        let mut torn = contents.clone();
        torn[sector * 512..][..512].copy_from_slice(&before[sector * 512..][..512]);
        for mode in [Mode::ReadOnly, Mode::Direct, Mode::Journal] {
            check(
                Arc::new(MemoryStore::from(torn.clone())),
                mode,
                &HashMap::new(),
                "torn",
            );
        }
    }
}

#[test]
fn a_journal_that_is_none_is_refused_with_its_place() {
    let store = prepared();
    let layout = *opened(store.clone(), 0, &options(), Mode::ReadOnly).layout();
    let at = layout.initial_sectors() * 512 - 8;
    store.write_at(at, &[0]).unwrap();
    let error = refusal(store, 0, &options(), Mode::ReadOnly);
    let IntegrityError::Journal { offset, reason, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(offset, at / 512 * 512);
    assert!(reason.contains("sector 263 of section 2"), "{reason}");
}

#[test]
fn an_entry_past_the_end_is_ignored_and_one_off_a_block_refused() {
    let store = prepared();
    let volume = opened(store.clone(), 0, &options(), Mode::Journal);
    volume.write(8, &content(1, 8, 4096), &tags(1, 8, 1, 28)).unwrap();
    volume.sync().unwrap();
    drop(volume);
    let contents = store.contents().unwrap();
    let entry = (8 * 512..contents.len())
        .step_by(512)
        .find(|at| contents[*at..][..8] == 8u64.to_le_bytes())
        .unwrap() as u64;
    let sectors = opened(store.clone(), 0, &options(), Mode::ReadOnly).sectors();
    store.write_at(entry, &sectors.to_le_bytes()).unwrap();
    for mode in [Mode::ReadOnly, Mode::Direct] {
        let store = Arc::new(MemoryStore::from(store.contents().unwrap()));
        check(store, mode, &HashMap::new(), "past the end");
    }
    store.write_at(entry, &9u64.to_le_bytes()).unwrap();
    let error = refusal(store, 0, &options(), Mode::Direct).to_string();
    assert!(error.contains("is for sector 9; blocks have 8"), "{error}");
}

#[test]
fn a_failed_write_fails_the_flush_and_a_later_one_makes_up_for_it() {
    let inner = prepared();
    let faulty = Arc::new(FaultyStore::new(inner.clone()));
    for mode in [Mode::Journal, Mode::Direct] {
        let volume = opened(faulty.clone(), 0, &options(), mode);
        let seed = mode as u64 + 5;
        volume
            .write(0, &content(seed, 0, 4096), &tags(seed, 0, 1, 28))
            .unwrap();
        faulty.fail(Operation::Write, 1, Fault::Once(std::io::ErrorKind::StorageFull));
        assert!(volume.sync().is_err());
        volume.sync().unwrap();
        drop(volume);
        check(
            inner.clone(),
            Mode::ReadOnly,
            &HashMap::from([(0, vec![seed])]),
            "made up for",
        );
    }
}

/// Makes all sectors of a section end in the commit ids of `round`.
fn restamp(store: &dyn Store, section: u64, round: u64) {
    for sector in 0..264 {
        let id = (0x1111_1111_1111_1111 * (round + 1)) ^ (section << 32 | sector);
        let at = 4096 + (section * 264 + sector) * 512 + 504;
        store.write_at(at, &id.to_le_bytes()).unwrap();
    }
}

#[test]
fn a_journal_whose_clearing_was_interrupted_is_taken_for_empty() {
    // The rounds of the three sections, the first of which has an entry, and whether that is to be copied back.
    for (rounds, copied) in [
        ([2, 2, 2], true),
        ([2, 1, 1], true),
        ([2, 0, 2], false),
        ([0, 3, 2], false),
    ] {
        for mode in [Mode::ReadOnly, Mode::Direct, Mode::Journal] {
            let store = memory(4 * MIB);
            let volume = formatted(store.clone(), 0, &options(), Mode::Journal);
            volume.write(0, &content(1, 0, 4096), &tags(1, 0, 1, 28)).unwrap();
            volume.sync().unwrap();
            drop(volume);
            for (section, round) in rounds.into_iter().enumerate() {
                restamp(&*store, section as u64, round);
            }
            let mut data = vec![0; 4096];
            let volume = opened(store, 0, &options(), mode);
            volume.read(0, &mut data, &mut [0; 28]).unwrap();
            assert_eq!(data == content(1, 0, 4096), copied, "{rounds:?} {mode:?}");
        }
    }
}

#[test]
fn all_four_rounds_at_once_are_refused() {
    let store = memory(4 * MIB);
    let four = FormatOptions {
        journal_sectors: Some(4 * 264),
        ..options()
    };
    drop(formatted(store.clone(), 0, &four, Mode::Direct));
    for section in 0..4 {
        restamp(&*store, section, section);
    }
    let error = refusal(store, 0, &four, Mode::ReadOnly).to_string();
    assert!(error.contains("all four commit ids"), "{error}");
}
