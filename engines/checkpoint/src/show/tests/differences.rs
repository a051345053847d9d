//! Where more is shown than CRIT shows, and what is refused.

use prost::Message;
use serde_json::json;

use super::*;
use crate::fixtures::{entry, file as image_file};
use crate::image::proto;

/// A protobuf field: number, wire type, and its bytes.
fn field(number: u8, wire: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | wire], bytes].concat()
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_le_bytes(), message].concat()
}

#[test]
fn unknown_fields_are_shown_by_number() {
    let message = [
        proto::PstreeEntry {
            pid: Some(1),
            ..Default::default()
        }
        .encode_to_vec(),
        field(9, 0, &[0x96, 1]),
        field(10, 2, b"\x03abc"),
        field(11, 5, &[1, 0, 0, 0]),
        field(12, 1, &[2, 0, 0, 0, 0, 0, 0, 0]),
        field(13, 0, &[7]),
        field(13, 0, &[8]),
    ]
    .concat();
    let image = image_file(Kind::Pstree, &[framed(&message)]);
    let shown = file("pstree.img", &image, Style::Plain).unwrap();
    assert_eq!(
        shown["entries"][0],
        json!({"pid": 1, "9": 150, "10": "YWJj\n", "11": 1, "12": 2, "13": [7, 8]})
    );
}

#[test]
fn an_unknown_value_of_an_enum_stays_a_number() {
    // fdinfo_entry: type 99.
    let image = image_file(Kind::Fdinfo, &[framed(&field(3, 0, &[99]))]);
    let shown = file("fdinfo-2.img", &image, Style::Readable).unwrap();
    assert_eq!(shown["entries"], json!([{"type": 99}]));
}

#[test]
fn each_criu_s_pagemap_has_its_own_names() {
    let image = image_file(
        Kind::Pagemap,
        &[
            entry(&proto::PagemapHead { pages_id: Some(1) }),
            entry(&proto::PagemapEntry {
                vaddr: Some(4096),
                compat_nr_pages: Some(3),
                flags: Some(4),
                ..Default::default()
            }),
            entry(&proto::PagemapEntry {
                vaddr: Some(0x10000),
                compat_nr_pages: Some(0),
                nr_pages: Some(2),
                flags: Some(8 + 4),
                compressed_size: vec![10, 20],
                ..Default::default()
            }),
        ],
    );
    let shown = file("pagemap-1.img", &image, Style::Readable).unwrap();
    assert_eq!(
        shown["entries"],
        json!([
            {"pages_id": 1},
            {"vaddr": "0x1000", "nr_pages": 3, "flags": "PE_PRESENT"},
            {"vaddr": "0x10000", "compat_nr_pages": 0, "nr_pages": 2, "flags": "PE_PRESENT | 0x8",
             "compressed_size": [10, 20]},
        ])
    );
}

#[test]
fn shared_memory_in_pages_has_no_extra() {
    let segment = |in_pagemaps, size| {
        entry(&proto::IpcShmEntry {
            size: Some(size),
            in_pagemaps,
        })
    };
    let image = image_file(
        Kind::IpcnsShm,
        &[segment(Some(true), 4096), segment(None, 3), b"abc\0".to_vec()],
    );
    let shown = file("ipcns-shm-9.img", &image, Style::Plain).unwrap();
    assert_eq!(
        shown["entries"],
        json!([{"size": 4096, "in_pagemaps": true}, {"size": 3, "extra": "YWJj\n"}])
    );
}

#[test]
fn a_long_extra_is_shown_by_its_digest() {
    let content = vec![7; EXTRA_MOST as usize + 1];
    let image = image_file(
        Kind::GhostFile,
        &[entry(&proto::GhostFileEntry::default()), content.clone()],
    );
    let shown = file("ghost-file-1.img", &image, Style::Plain).unwrap();
    let extra = &shown["entries"][0]["extra"];
    assert_eq!(extra["bytes"], content.len());
    // `head -c 16777217 /dev/zero | tr '\0' '\7' | sha256sum`
    assert_eq!(extra["sha256"], LONG_DIGEST);
}

const LONG_DIGEST: &str = "a74b58f88fb5aec9422f46d00a6c017940900dae979637dbe171e1170772b4c9";

#[test]
fn raw_files_are_shown_by_length_and_digest() {
    // `printf abc | sha256sum`
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    for (name, kind) in [
        ("iptables-9.img", "IPTABLES"),
        ("dump.log", "OTHER"),
        ("pages-7.img", "PAGES"),
    ] {
        assert_eq!(
            file(name, b"abc", Style::Plain).unwrap(),
            json!({"kind": kind, "bytes": 3, "sha256": digest}),
            "{name}"
        );
    }
    // Netlink messages are several payloads of one file: `printf '\x10\0\0\0…' | sha256sum`
    let netlink = [&16_u32.to_le_bytes()[..], &[0; 12]].concat().repeat(2);
    let shown = file("netns-ct-9.img", &netlink, Style::Plain).unwrap();
    assert_eq!(shown["bytes"], 32);
    assert_eq!(shown["sha256"], NETLINK_DIGEST);
}

const NETLINK_DIGEST: &str = "308c60ccc3b9f08ed18b5296865816005d586aeeea694e4f576870b2a9e0d668";

#[test]
fn pages_are_shown_by_their_extents() {
    let pagemap = |flags, address, pages| {
        entry(&proto::PagemapEntry {
            vaddr: Some(address),
            compat_nr_pages: Some(pages),
            flags: Some(flags),
            ..Default::default()
        })
    };
    let map = image_file(
        Kind::Pagemap,
        &[
            entry(&proto::PagemapHead { pages_id: Some(5) }),
            pagemap(4, 0x1000, 2),
            pagemap(1, 0x3000, 1),
            pagemap(2, 0x4000, 1),
            pagemap(4 + 2, 0x5000, 1),
        ],
    );
    let mut images = InMemory::new(Files::from([
        ("pagemap-9.img".to_owned(), map),
        ("pages-5.img".to_owned(), vec![0; 3 * 4096]),
    ]));
    let shown = set(&mut images, Style::Readable);
    assert_eq!(
        shown["files"][1],
        json!({"name": "pages-5.img", "kind": "PAGES", "bytes": 12288, "pagemap": "pagemap-9.img", "extents": [
            {"address": "0x1000", "pages": 2, "place": "stored", "offset": 0},
            {"address": "0x3000", "pages": 1, "place": "parent"},
            {"address": "0x4000", "pages": 1, "place": "nowhere", "lazy": true},
            {"address": "0x5000", "pages": 1, "place": "stored", "offset": 8192, "lazy": true},
        ]})
    );
    assert_eq!(shown["files"][0]["bytes"], images.members()[0].bytes);
}

#[test]
fn what_is_wrong_is_refused_with_its_place() {
    // A name that is no UTF-8, in reg_file_entry.
    let text = image_file(Kind::RegFiles, &[framed(&field(6, 2, b"\x01\xff"))]);
    let cut = image_file(Kind::Pstree, &[vec![9, 0, 0, 0, 1]]);
    let huge = image_file(
        Kind::SkQueues,
        &[entry(&proto::SkPacketEntry {
            length: Some(u32::MAX),
            ..Default::default()
        })],
    );
    for (name, image, place) in [
        ("reg-files.img", text, 8),
        ("pstree.img", cut, 12),
        ("sk-queues.img", huge.clone(), huge.len() as u64),
    ] {
        match file(name, &image, Style::Plain).unwrap_err() {
            ShowError::Image(error) => {
                assert_eq!((&*error.file, error.offset), (name, Some(place)), "{error}")
            }
            other => panic!("{name}: {other}"),
        }
    }
    assert!(matches!(
        write_file(&mut InMemory::new(Files::new()), "core-1.img", Style::Plain, std::io::sink()),
        Err(ShowError::Missing(name)) if name == "core-1.img"
    ));
}

#[test]
fn two_pagemaps_cannot_share_pages() {
    let map = image_file(Kind::Pagemap, &[entry(&proto::PagemapHead { pages_id: Some(5) })]);
    let mut images = InMemory::new(Files::from([
        ("pagemap-8.img".to_owned(), map.clone()),
        ("pagemap-9.img".to_owned(), map),
    ]));
    let error = write_set(&mut images, Style::Plain, std::io::sink()).unwrap_err();
    assert!(
        error.to_string().contains("pagemap-8.img and pagemap-9.img"),
        "{error}"
    );
}

#[test]
fn every_kind_of_image_has_its_message() {
    for kind in Kind::all() {
        if let Some(message) = kind.message() {
            assert!(descriptor::message(message).is_some(), "{kind}: {message}");
        }
    }
    for message in ["pagemap_head", "ghost_chunk_entry", "ipc_msg"] {
        assert!(descriptor::message(message).is_some(), "{message}");
    }
}
