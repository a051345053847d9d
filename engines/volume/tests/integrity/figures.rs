//! How much of a device is data: what `dmsetup` and `cryptsetup` said of the kernel's volumes on 1 GiB.

use sealab_volume::integrity::{FormatOptions, Layout};

/// The device, in bytes, and where LUKS2's data begin on it.
const DEVICE: u64 = 1 << 30;
const LUKS2_HEADER: u64 = 16 << 20;

fn layout(tag: u16, block: usize, start: u64) -> Layout {
    let options = FormatOptions::new(tag, block);
    Layout::new(&options.superblock(DEVICE, start).unwrap())
}

#[test]
fn data_on_a_gibibyte_is_the_kernels() {
    for (start, tag, block, sectors) in [
        (LUKS2_HEADER, 32, 512, 1_927_176),
        (LUKS2_HEADER, 32, 4096, 2_031_880),
        (LUKS2_HEADER, 28, 512, 1_940_488),
        (LUKS2_HEADER, 28, 4096, 2_033_896),
        (0, 4, 512, 2_064_392),
        (0, 4, 4096, 2_079_024),
        (0, 32, 512, 1_957_896),
        (0, 32, 4096, 2_064_392),
    ] {
        assert_eq!(
            layout(tag, block, start).provided_sectors(),
            sectors,
            "{tag} {block}"
        );
    }
}

#[test]
fn the_journal_is_the_kernels() {
    let layout = layout(28, 4096, LUKS2_HEADER);
    assert_eq!(layout.entry_bytes(), 104);
    assert_eq!(layout.section_entries(), 32);
    assert_eq!(layout.section_sectors(), 264);
    assert_eq!(layout.journal_sections(), 62);
    assert_eq!(layout.journal_sectors(), 16_368);
    assert_eq!(layout.metadata_run_sectors(), 224);
    assert_eq!(layout.interleave_sectors(), 32_768);
    // The second area is behind the first, tags before data.
    let first = layout.data_offset(0) / 512;
    assert_eq!(first, 8 + 16_368 + 224);
    assert_eq!(layout.data_offset(32_768) / 512, first + 32_768 + 224);
    assert_eq!(layout.tag_offset(32_768) / 512, first + 32_768);
    assert_eq!(layout.tag_offset(8), layout.tag_offset(0) + 28);
}

#[test]
fn options_make_other_layouts() {
    let mut options = FormatOptions::new(32, 512);
    options.fixed_padding = false;
    options.interleave_sectors = 1000;
    options.journal_sectors = Some(1);
    let superblock = options.superblock(DEVICE, 0).unwrap();
    assert_eq!((superblock.version, superblock.log2_interleave_sectors), (1, 9));
    let layout = Layout::new(&superblock);
    assert_eq!((layout.journal_sections(), layout.section_sectors()), (1, 88));
    // 16 KiB of tags, but runs are padded to 128 KiB.
    assert_eq!(layout.metadata_run_sectors(), 256);
}
