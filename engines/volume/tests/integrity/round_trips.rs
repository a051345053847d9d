//! What is written is read, in every mode and geometry, now and after opening again.

use sealab_volume::VolumeError;
use sealab_volume::integrity::{FormatOptions, IntegrityStore, Mode, OpenOptions};
use sealab_volume::store::Store;

use super::{MIB, Numbers, content, formatted, memory, opened, tags};

fn geometries() -> Vec<(FormatOptions, u64)> {
    let mut small = FormatOptions::new(28, 4096);
    small.interleave_sectors = 128;
    small.journal_sectors = Some(600);
    let mut tiny = FormatOptions::new(7, 512);
    tiny.interleave_sectors = 8;
    let mut old = FormatOptions::new(32, 1024);
    old.fixed_padding = false;
    vec![
        (FormatOptions::new(28, 4096), 0),
        (FormatOptions::new(32, 512), MIB),
        (small, 4096),
        (tiny, 512),
        (old, 0),
    ]
}

#[test]
fn what_is_written_is_read_again() {
    for (options, start) in geometries() {
        for mode in [Mode::Direct, Mode::Journal] {
            let store = memory(8 * MIB);
            let volume = formatted(store.clone(), start, &options, mode);
            let (block, tag) = (options.block_bytes, usize::from(options.tag_bytes));
            let blocks = volume.sectors() * 512 / block as u64;
            let mut model: Vec<(Vec<u8>, Vec<u8>)> = vec![(vec![0; block], vec![0; tag]); blocks as usize];
            let step = block as u64 / 512;
            let mut numbers = Numbers(7);
            let check = |volume: &IntegrityStore, model: &[(Vec<u8>, Vec<u8>)], first: u64, count: u64| {
                let mut data = vec![1; count as usize * block];
                let mut found = vec![1; count as usize * tag];
                volume.read(first * step, &mut data, &mut found).unwrap();
                for index in 0..count as usize {
                    let (expected, expected_tag) = &model[first as usize + index];
                    assert!(
                        &data[index * block..][..block] == expected,
                        "{options:?} {mode:?}"
                    );
                    assert!(
                        &found[index * tag..][..tag] == expected_tag,
                        "{options:?} {mode:?}"
                    );
                }
            };
            for round in 0..300 {
                let first = numbers.below(blocks);
                let count = (1 + numbers.below(80)).min(blocks - first);
                let data = content(round, first * step, count as usize * block);
                let written = tags(round, first * step, count as usize, tag);
                volume.write(first * step, &data, &written).unwrap();
                for index in 0..count as usize {
                    model[first as usize + index] = (
                        data[index * block..][..block].to_vec(),
                        written[index * tag..][..tag].to_vec(),
                    );
                }
                let first = numbers.below(blocks);
                check(
                    &volume,
                    &model,
                    first,
                    (1 + numbers.below(80)).min(blocks - first),
                );
                if numbers.below(4) == 0 {
                    volume.sync().unwrap();
                }
            }
            volume.sync().unwrap();
            drop(volume);
            let before = store.contents().unwrap();
            check(
                &opened(store.clone(), start, &options, Mode::ReadOnly),
                &model,
                0,
                blocks,
            );
            assert!(store.contents().unwrap() == before, "reading wrote");
            let volume = opened(store.clone(), start, &options, mode);
            check(&volume, &model, 0, blocks);
            volume.settle().unwrap();
            drop(volume);
            check(
                &opened(store.clone(), start, &options, Mode::Direct),
                &model,
                0,
                blocks,
            );
            // Every byte is where the layout says.
            let volume = opened(store.clone(), start, &options, Mode::ReadOnly);
            for index in [0, 1, blocks / 2, blocks - 1] {
                let sector = index * step;
                let (mut data, mut found) = (vec![0; block], vec![0; tag]);
                let layout = volume.layout();
                store
                    .read_at(start + layout.data_offset(sector), &mut data)
                    .unwrap();
                store
                    .read_at(start + layout.tag_offset(sector), &mut found)
                    .unwrap();
                assert!(
                    (data, found) == model[index as usize],
                    "{options:?} {mode:?} {index}"
                );
            }
        }
    }
}

#[test]
fn buffers_that_make_room_lose_nothing() {
    let options = FormatOptions::new(28, 512);
    let store = memory(16 * MIB);
    sealab_volume::integrity::format(&*store, 0, &options).unwrap();
    let few = OpenOptions {
        cache_bytes: 0,
        buffer_sectors: 1,
        ..OpenOptions::new(Mode::Direct)
    };
    let volume = IntegrityStore::open(store, 0, 28, 512, &few).unwrap();
    let mut numbers = Numbers(3);
    let sectors: Vec<_> = (0..2000).map(|_| numbers.below(volume.sectors())).collect();
    for sector in &sectors {
        let tag = tags(1, *sector, 1, 28);
        volume.write(*sector, &content(1, *sector, 512), &tag).unwrap();
    }
    for sector in &sectors {
        let (mut data, mut tag) = ([0; 512], [0; 28]);
        volume.read(*sector, &mut data, &mut tag).unwrap();
        assert!(data[..] == content(1, *sector, 512) && tag[..] == tags(1, *sector, 1, 28));
    }
}

#[test]
fn many_callers_see_whole_blocks() {
    let options = FormatOptions::new(28, 4096);
    for mode in [Mode::Direct, Mode::Journal] {
        let volume = formatted(memory(8 * MIB), 0, &options, mode);
        let blank = tags(0, 0, 16, 28);
        volume.write(0, &content(0, 0, 16 * 4096), &blank).unwrap();
        std::thread::scope(|scope| {
            for seed in 1..4 {
                let volume = &volume;
                scope.spawn(move || {
                    for _ in 0..200 {
                        volume
                            .write(0, &content(seed, 0, 16 * 4096), &tags(seed, 0, 16, 28))
                            .unwrap();
                        volume.sync().unwrap();
                    }
                });
                scope.spawn(move || {
                    for _ in 0..200 {
                        let (mut data, mut found) = (vec![0; 16 * 4096], vec![0; 16 * 28]);
                        volume.read(0, &mut data, &mut found).unwrap();
                        let whole = (0..4).any(|seed| {
                            data == content(seed, 0, 16 * 4096) && found == tags(seed, 0, 16, 28)
                        });
                        assert!(whole);
                    }
                });
            }
        });
    }
}

#[test]
fn requests_that_do_not_fit_are_refused() {
    let volume = formatted(memory(8 * MIB), 0, &FormatOptions::new(28, 4096), Mode::Direct);
    let (mut data, mut tag) = (vec![0; 4096], vec![0; 28]);
    let end = volume.sectors();
    for (first, bytes, tag_bytes) in [
        (end, 4096, 28),
        (u64::MAX, 4096, 28),
        (u64::MAX / 512, 4096, 28),
        (1, 4096, 28),
        (0, 512, 28),
        (0, 4096, 27),
        (0, 4096, 0),
    ] {
        data.resize(bytes, 0);
        tag.resize(tag_bytes, 0);
        assert!(
            volume.read(first, &mut data, &mut tag).is_err(),
            "{first} {bytes} {tag_bytes}"
        );
        assert!(
            volume.write(first, &data, &tag).is_err(),
            "{first} {bytes} {tag_bytes}"
        );
    }
    volume.read(0, &mut [], &mut []).unwrap();
    let store = memory(8 * MIB);
    drop(formatted(
        store.clone(),
        0,
        &FormatOptions::new(28, 4096),
        Mode::Direct,
    ));
    let volume = opened(store, 0, &FormatOptions::new(28, 4096), Mode::ReadOnly);
    assert!(matches!(
        volume.write(0, &[0; 4096], &[0; 28]),
        Err(VolumeError::ReadOnly)
    ));
}
