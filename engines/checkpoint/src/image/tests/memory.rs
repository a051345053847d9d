//! Pagemaps and pages: chains of sets, holes, compression.

use std::fs;
use std::path::Path;

use prost::Message;
use tempfile::TempDir;

use super::super::*;
use crate::fixtures::{contents, data, entry, file};

const PAGE: u64 = PAGE_BYTES as u64;

fn pagemap(pages_id: u32, entries: &[proto::PagemapEntry]) -> Vec<u8> {
    let mut parts = vec![entry(&proto::PagemapHead {
        pages_id: Some(pages_id),
    })];
    parts.extend(entries.iter().map(entry));
    file(Kind::Pagemap, &parts)
}

fn pages(address: u64, count: u64, flags: u32) -> proto::PagemapEntry {
    proto::PagemapEntry {
        vaddr: Some(address),
        compat_nr_pages: Some(count as u32),
        flags: Some(flags),
        ..Default::default()
    }
}

fn read(bytes: &[u8]) -> Result<Pagemap, ImageError> {
    Pagemap::read(ImageReader::new("pagemap-1.img", bytes.len() as u64, bytes)?)
}

/// A set of one pagemap and its pages.
fn set(folder: &Path, entries: &[proto::PagemapEntry], stored: &[u8]) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("pagemap-1.img"), pagemap(1, entries)).unwrap();
    fs::write(folder.join("pages-1.img"), stored).unwrap();
}

fn chain(folder: &Path) -> Vec<Set> {
    Set::open(folder).unwrap().chain().unwrap()
}

fn page(memory: &mut Memory, address: u64) -> Result<(Found, u8), ImageError> {
    let mut page = [0xee; PAGE_BYTES];
    let found = memory.page(address, &mut page)?;
    assert!(page.iter().all(|byte| *byte == page[0]));
    Ok((found, page[0]))
}

fn filled(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [*byte; PAGE_BYTES]).collect()
}

#[test]
fn golden_memory_is_where_its_pagemap_says() {
    let chain = chain(&data("criu-4.1.1-plain"));
    let names: Vec<_> = pagemaps(&chain[0]).collect();
    assert_eq!(
        names,
        [
            "pagemap-4.img",
            "pagemap-6.img",
            "pagemap-shmem-1588.img",
            "pagemap-shmem-1589.img"
        ]
    );
    let pages = contents(&data("criu-4.1.1-plain"));
    for (name, file, count) in [
        ("pagemap-4.img", "pages-3.img", 51),
        ("pagemap-shmem-1588.img", "pages-1.img", 4),
    ] {
        let mut memory = Memory::open(&chain, name).unwrap();
        let addresses: Vec<_> = memory
            .extents()
            .iter()
            .flat_map(|extent| (extent.address..extent.end()).step_by(PAGE_BYTES))
            .collect();
        assert_eq!(addresses.len(), count);
        for (index, address) in addresses.into_iter().enumerate() {
            let mut page = [0; PAGE_BYTES];
            assert_eq!(memory.page(address, &mut page).unwrap(), Found::In(0));
            assert!(page == pages[file][index * PAGE_BYTES..][..PAGE_BYTES]);
        }
    }
    let mut memory = Memory::open(&chain, "pagemap-4.img").unwrap();
    assert!(memory.extents().iter().any(|extent| extent.lazy));
    assert_eq!(page(&mut memory, 0x1000).unwrap(), (Found::Nowhere, 0xee));
}

#[test]
fn old_and_new_fields_say_how_many_pages_and_where() {
    let entries = [
        // Before the flags: bytes, or in the parent.
        proto::PagemapEntry {
            flags: None,
            ..pages(0x1000, 1, 0)
        },
        proto::PagemapEntry {
            flags: None,
            in_parent: Some(true),
            ..pages(0x2000, 2, 0)
        },
        // The new count counts.
        proto::PagemapEntry {
            nr_pages: Some(3),
            ..pages(0x4000, 1, 4)
        },
        pages(0x7000, 1, 2),
        pages(0x8000, 1, 2 | 4),
    ];
    let pagemap = read(&pagemap(7, &entries)).unwrap();
    assert_eq!((pagemap.pages_id, pagemap.payload_bytes), (7, 5 * PAGE));
    let found: Vec<_> = pagemap
        .extents
        .iter()
        .map(|extent| {
            let offset = match &extent.place {
                Place::Stored(stored) => Some(stored.offset),
                Place::Parent => Some(u64::MAX),
                Place::Nowhere => None,
            };
            (extent.address, extent.pages, offset, extent.lazy)
        })
        .collect();
    assert_eq!(
        found,
        [
            (0x1000, 1, Some(0), false),
            (0x2000, 2, Some(u64::MAX), false),
            (0x4000, 3, Some(PAGE), false),
            (0x7000, 1, None, true),
            (0x8000, 1, Some(4 * PAGE), true),
        ]
    );
    assert_eq!(pagemap.find(0x5fff).unwrap().address, 0x4000);
    assert_eq!(pagemap.find(0xfff), None);
    assert_eq!(pagemap.find(0x9000), None);
}

#[test]
fn pagemaps_that_contradict_themselves_are_refused() {
    let compressed = |sizes: &[u32]| proto::PagemapEntry {
        compressed_size: sizes.to_vec(),
        ..pages(0x1000, 2, 4)
    };
    let cases: &[(&str, &[proto::PagemapEntry])] = &[
        (
            "no address",
            &[proto::PagemapEntry {
                vaddr: None,
                ..pages(0, 1, 4)
            }],
        ),
        ("no pages", &[pages(0x1000, 0, 4)]),
        ("not aligned", &[pages(0x1001, 1, 4)]),
        ("overlapping", &[pages(0x1000, 2, 4), pages(0x2000, 1, 4)]),
        ("descending", &[pages(0x5000, 1, 4), pages(0x2000, 1, 4)]),
        ("beyond the end", &[pages(u64::MAX - 4095, 2, 4)]),
        (
            "too many",
            &[proto::PagemapEntry {
                nr_pages: Some(1 << 60),
                ..pages(0, 1, 4)
            }],
        ),
        ("here and there", &[pages(0x1000, 1, 5)]),
        ("unknown flags", &[pages(0x1000, 1, 16)]),
        ("aligned nowhere", &[pages(0x1000, 1, 8)]),
        (
            "compressed nowhere",
            &[proto::PagemapEntry {
                flags: Some(1),
                ..compressed(&[1, 2])
            }],
        ),
        ("too few blocks", &[compressed(&[1])]),
        ("too many blocks", &[compressed(&[1, 2, 3])]),
        ("too long a block", &[compressed(&[1, 4097])]),
        (
            "a total without blocks",
            &[proto::PagemapEntry {
                total_compressed_size: Some(0),
                ..compressed(&[])
            }],
        ),
        (
            "another total",
            &[proto::PagemapEntry {
                total_compressed_size: Some(4),
                ..compressed(&[1, 2])
            }],
        ),
        (
            "too large a region",
            &[proto::PagemapEntry {
                region_pages: Some(1025),
                ..compressed(&[1])
            }],
        ),
    ];
    for (case, entries) in cases {
        let error = read(&pagemap(1, entries)).unwrap_err();
        assert!(matches!(error.fault, Fault::Value { .. }), "{case}: {error}");
        assert!(error.offset.is_some(), "{case}: {error}");
    }
    assert!(read(&pagemap(1, &[compressed(&[1, 2])])).is_ok());
    let headless = file(Kind::Pagemap, &[entry(&proto::PagemapHead { pages_id: None })]);
    assert!(read(&headless).is_err());
    let other = file(Kind::Mm, &[entry(&proto::PagemapHead { pages_id: Some(1) })]);
    assert!(Pagemap::read(ImageReader::new("mm-1.img", other.len() as u64, &*other).unwrap()).is_err());
}

#[test]
fn pages_are_found_through_parents() {
    let place = TempDir::new().unwrap();
    let folder = |name| place.path().join(name);
    set(&folder("1"), &[pages(0x1000, 4, 4)], &filled(b"abcd"));
    set(
        &folder("2"),
        &[pages(0x1000, 1, 4), pages(0x2000, 3, 1)],
        &filled(b"A"),
    );
    set(
        &folder("3"),
        &[pages(0x1000, 3, 1), pages(0x4000, 1, 4), pages(0x5000, 1, 1)],
        &filled(b"D"),
    );
    std::os::unix::fs::symlink("../1", folder("2").join(PARENT)).unwrap();
    std::os::unix::fs::symlink("../2", folder("3").join(PARENT)).unwrap();
    let chain = chain(&folder("3"));
    assert_eq!(chain.len(), 3);
    let mut memory = Memory::open(&chain, "pagemap-1.img").unwrap();
    assert_eq!(page(&mut memory, 0x1000).unwrap(), (Found::In(1), b'A'));
    assert_eq!(page(&mut memory, 0x2000).unwrap(), (Found::In(2), b'b'));
    assert_eq!(page(&mut memory, 0x3000).unwrap(), (Found::In(2), b'c'));
    assert_eq!(page(&mut memory, 0x4000).unwrap(), (Found::In(0), b'D'));
    assert_eq!(page(&mut memory, 0x6000).unwrap(), (Found::Nowhere, 0xee));
    let error = page(&mut memory, 0x5000).unwrap_err();
    assert_eq!(error.file, "parent/pagemap-1.img");

    // Without its parent the set says what is missing.
    let mut memory = Memory::open(&chain[..1], "pagemap-1.img").unwrap();
    assert!(page(&mut memory, 0x1000).is_err());

    // A page that the parent has lost since, because the child has it.
    let parent = fs::File::options()
        .write(true)
        .open(folder("1").join("pages-1.img"))
        .unwrap();
    use rustix::fs::{FallocateFlags, fallocate};
    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    if fallocate(&parent, punch, 3 * PAGE, PAGE).is_ok() {
        let mut memory = Memory::open(&chain, "pagemap-1.img").unwrap();
        assert_eq!(page(&mut memory, 0x4000).unwrap(), (Found::In(0), b'D'));
        assert_eq!(page(&mut memory, 0x3000).unwrap(), (Found::In(2), b'c'));
    }
}

#[test]
fn a_pages_file_shorter_than_its_pagemap_is_refused() {
    let place = TempDir::new().unwrap();
    for length in [0, 1, PAGE_BYTES, 2 * PAGE_BYTES - 1] {
        set(place.path(), &[pages(0x1000, 2, 4)], &filled(b"ab")[..length]);
        let error = Memory::open(&chain(place.path()), "pagemap-1.img").err().unwrap();
        assert_eq!(
            (error.file.as_str(), error.offset),
            ("pages-1.img", Some(length as u64))
        );
    }
    fs::remove_file(place.path().join("pages-1.img")).unwrap();
    assert_eq!(
        Memory::open(&chain(place.path()), "pagemap-1.img")
            .err()
            .unwrap()
            .file,
        "pages-1.img"
    );
}

#[test]
fn compressed_pages_are_read() {
    let place = TempDir::new().unwrap();
    let lz4 = |bytes: &[u8]| {
        let mut block = vec![0; lz4_flex::block::get_maximum_output_size(bytes.len() * PAGE_BYTES)];
        let length = lz4_flex::block::compress_into(&filled(bytes), &mut block).unwrap();
        block.truncate(length);
        block
    };
    // A block a page: zeros, compressed, as it is. Then a region of two pages and one, behind padding.
    let (b, de, f) = (lz4(b"b"), lz4(b"de"), lz4(b"f"));
    let mut stored = [b.clone(), filled(b"c")].concat();
    stored.resize(stored.len().next_multiple_of(PAGE_BYTES), 0);
    stored.extend([de.clone(), f.clone()].concat());
    let entries = [
        proto::PagemapEntry {
            compressed_size: vec![0, b.len() as u32, 4096],
            total_compressed_size: Some(b.len() as u64 + PAGE),
            ..pages(0x1000, 3, 4)
        },
        proto::PagemapEntry {
            compressed_size: vec![de.len() as u32, f.len() as u32],
            region_pages: Some(2),
            ..pages(0x8000, 3, 4 | 8)
        },
    ];
    set(place.path(), &entries, &stored);
    let mut memory = Memory::open(&chain(place.path()), "pagemap-1.img").unwrap();
    for (address, byte) in [
        (0x1000, 0),
        (0x2000, b'b'),
        (0x3000, b'c'),
        (0x9000, b'e'),
        (0x8000, b'd'),
        (0xa000, b'f'),
    ] {
        assert_eq!(
            page(&mut memory, address).unwrap(),
            (Found::In(0), byte),
            "{address:#x}"
        );
    }

    let broken: Vec<u8> = stored.iter().map(|byte| byte ^ 0xff).collect();
    set(place.path(), &entries, &broken);
    let mut memory = Memory::open(&chain(place.path()), "pagemap-1.img").unwrap();
    let error = page(&mut memory, 0x9000).unwrap_err();
    assert_eq!(
        (error.file.as_str(), error.offset),
        ("pages-1.img", Some(2 * PAGE))
    );

    // Many blocks, to go beyond one mark.
    let blocks: Vec<_> = (0..200_u8).map(|byte| lz4(&[byte])).collect();
    let entry = proto::PagemapEntry {
        compressed_size: blocks.iter().map(|block| block.len() as u32).collect(),
        ..pages(0x1000, 200, 4)
    };
    set(place.path(), &[entry], &blocks.concat());
    let mut memory = Memory::open(&chain(place.path()), "pagemap-1.img").unwrap();
    for byte in [199, 0, 63, 64, 65, 128] {
        assert_eq!(
            page(&mut memory, 0x1000 + u64::from(byte) * PAGE).unwrap().1,
            byte
        );
    }
}

#[test]
fn unknown_fields_survive() {
    // A field with a number that no version has.
    let mut bytes = pages(0x1000, 1, 4).encode_to_vec();
    bytes.extend([0xfa, 0x3f, 3, b'n', b'e', b'w']);
    let mut framed = (bytes.len() as u32).to_le_bytes().to_vec();
    framed.extend(bytes);
    let image = file(
        Kind::Pagemap,
        &[entry(&proto::PagemapHead { pages_id: Some(1) }), framed],
    );
    assert_eq!(read(&image).unwrap().extents.len(), 1);
    assert_eq!(super::rewritten("pagemap-1.img", &image).unwrap(), image);
}
