//! Headers that cannot be, and what is not supported.

use std::sync::Arc;

use sealab_volume::integrity::{FormatOptions, IntegrityError, Mode, format};
use sealab_volume::store::{MemoryStore, Store};

use super::{MIB, formatted, memory, opened, refusal};

fn options() -> FormatOptions {
    FormatOptions::new(28, 4096)
}

/// A volume whose superblock has `bytes` at `at`.
fn with(at: u64, bytes: &[u8]) -> Arc<MemoryStore> {
    let store = memory(4 * MIB);
    format(&*store, 0, &options()).unwrap();
    store.write_at(at, bytes).unwrap();
    store
}

#[test]
fn superblocks_that_cannot_be_are_refused_with_field_and_place() {
    for (at, bytes, field) in [
        (0, &b"x"[..], "magic"),
        (10, &[32, 0], "integrity_tag_size"),
        (12, &[255; 4], "journal_sections"),
        (12, &[255, 255, 0, 0], "journal_sections"),
        (
            16,
            &[0xf8, 255, 255, 255, 255, 255, 255, 255],
            "provided_data_sectors",
        ),
        (16, &[0, 0, 0, 1], "provided_data_sectors"),
        (24, &[9], "flags"),
        (24, &[0x28], "flags"),
        (28, &[0], "log2_sectors_per_block"),
    ] {
        for mode in [Mode::ReadOnly, Mode::Direct, Mode::Journal] {
            let error = refusal(with(at, bytes), 0, &options(), mode);
            let IntegrityError::Superblock { source, .. } = &error else {
                panic!("{error}");
            };
            assert_eq!((source.field, source.offset as u64), (field, at), "{error}");
        }
    }
}

#[test]
fn truncated_stores_are_refused() {
    let store = with(0, &[]);
    let whole = store.contents().unwrap();
    let layout = *opened(store, 0, &options(), Mode::ReadOnly).layout();
    let needed = layout.data_offset(layout.provided_sectors() - 8) as usize + 4096;
    for length in [0, 64, 4095, 4096, 100_000, needed - 512] {
        let cut: Arc<MemoryStore> = Arc::new(whole[..length].to_vec().into());
        refusal(cut, 0, &options(), Mode::ReadOnly);
    }
    let cut: Arc<MemoryStore> = Arc::new(whole[..needed].to_vec().into());
    opened(cut.clone(), 0, &options(), Mode::ReadOnly);
    refusal(cut.clone(), 7, &options(), Mode::ReadOnly);
    refusal(cut.clone(), u64::MAX - 511, &options(), Mode::ReadOnly);
    refusal(cut, 4 * MIB, &options(), Mode::ReadOnly);
}

#[test]
fn stores_without_room_and_odd_options_are_refused() {
    for size in [0, 512, 4096, 100_000] {
        let error = format(&*memory(size), 0, &options()).unwrap_err();
        assert!(
            matches!(error, IntegrityError::TooSmall { .. }),
            "{size}: {error}"
        );
    }
    let ok = options();
    for (options, named) in [
        (FormatOptions { tag_bytes: 0, ..ok }, "the tag size"),
        (FormatOptions { tag_bytes: 425, ..ok }, "the tag size"),
        (FormatOptions { block_bytes: 0, ..ok }, "the block size"),
        (
            FormatOptions {
                block_bytes: 8192,
                ..ok
            },
            "the block size",
        ),
        (
            FormatOptions {
                interleave_sectors: 0,
                ..ok
            },
            "the interleave",
        ),
        (
            FormatOptions {
                interleave_sectors: 64,
                fixed_padding: false,
                ..ok
            },
            "the interleave",
        ),
    ] {
        let error = format(&*memory(4 * MIB), 0, &options).unwrap_err();
        assert!(error.to_string().starts_with(named), "{error}");
    }
}

#[test]
fn a_dirty_bitmap_is_reported_and_opens_for_reading_only() {
    let store = memory(64 * MIB);
    let options = FormatOptions::new(28, 4096);
    let provided = formatted(store.clone(), 0, &options, Mode::Direct).sectors();
    // Flags DIRTY_BITMAP and FIXED_PADDING; a bit for 64 blocks; bits 0, 2, 3, 9 and those past the end.
    let mut bitmap = vec![0; 264 * 512];
    bitmap[0] = 0b1101;
    bitmap[1] = 0b10;
    let bits = provided.div_ceil(512);
    bitmap[(bits / 8) as usize] |= 0xff << (bits % 8);
    store.write_at(24, &[0xc]).unwrap();
    store.write_at(29, &[6]).unwrap();
    store.write_at(4096, &bitmap).unwrap();
    let volume = opened(store.clone(), 0, &options, Mode::ReadOnly);
    assert_eq!(volume.stale(), [0..512, 1024..2048, 4608..5120]);
    for mode in [Mode::Direct, Mode::Journal] {
        let error = refusal(store.clone(), 0, &options, mode).to_string();
        assert!(error.contains("DIRTY_BITMAP"), "{error}");
    }
    // A recalculation begun at sector 4608 besides.
    store.write_at(24, &[0xe]).unwrap();
    store.write_at(32, &4608u64.to_le_bytes()).unwrap();
    let volume = opened(store.clone(), 0, &options, Mode::ReadOnly);
    assert_eq!(volume.stale(), [0..512, 1024..2048, 4608..provided]);
    // More bits than there is room for.
    store.write_at(29, &[0]).unwrap();
    store.write_at(12, &[1, 0, 0, 0]).unwrap();
    let tiny = refusal(
        {
            let store = memory(64 << 30);
            let options = FormatOptions {
                journal_sectors: Some(1),
                ..options
            };
            format(&*store, 0, &options).unwrap();
            store.write_at(24, &[0xc]).unwrap();
            store.write_at(29, &[0]).unwrap();
            store
        },
        0,
        &options,
        Mode::ReadOnly,
    );
    assert!(tiny.to_string().contains("a bitmap of"), "{tiny}");
}
