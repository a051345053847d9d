//! Single files.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::super::*;
use super::rewritten;
use crate::fixtures::{Files, contents, data, entry, every_payload, file};

fn all() -> Files {
    let mut files = every_payload();
    files.extend(contents(&data("criu-4.1.1-plain")));
    // Shared memory as old versions kept it.
    let shm = proto::IpcShmEntry {
        size: Some(6),
        in_pagemaps: None,
    };
    let shm = file(Kind::IpcnsShm, &[entry(&shm), b"shared\0\0".to_vec()]);
    files.insert("ipcns-shm-6.img".to_owned(), shm);
    files
}

/// All entries of an image.
fn entries(name: &str, bytes: &[u8]) -> Vec<Entry> {
    let mut image = ImageReader::new(name, bytes.len() as u64, bytes).unwrap();
    let mut entries = Vec::new();
    while let Some(part) = image.next_part().unwrap() {
        if let Part::Entry(entry) = part {
            entries.push(entry);
        }
    }
    entries
}

#[test]
fn every_file_is_written_again_to_the_same_bytes() {
    for (name, bytes) in all() {
        assert!(rewritten(&name, &bytes).unwrap() == bytes, "{name}");
    }
}

#[test]
fn golden_entries_are_what_the_program_was() {
    let files = contents(&data("criu-4.1.1-plain"));
    let pstree = entries("pstree.img", &files["pstree.img"]);
    let processes: Vec<proto::PstreeEntry> = pstree
        .iter()
        .map(|entry| prost::Message::decode(&*entry.bytes).unwrap())
        .collect();
    let pids: Vec<_> = processes
        .iter()
        .map(|process| (process.pid(), process.ppid()))
        .collect();
    assert_eq!(pids, [(4, 0), (6, 4)]);
    assert_eq!((pstree[0].offset, pstree[1].offset), (8, 22));
    assert_eq!(pstree[0].message, "pstree_entry");

    let inventory = &entries("inventory.img", &files["inventory.img"])[0];
    assert_eq!(inventory.offset, 4);
    let inventory: proto::InventoryEntry = prost::Message::decode(&*inventory.bytes).unwrap();
    assert_eq!(inventory.img_version(), 2);

    let messages: Vec<_> = entries("pagemap-4.img", &files["pagemap-4.img"])
        .iter()
        .map(|entry| entry.message)
        .collect();
    assert_eq!(messages[0], "pagemap_head");
    assert!(messages[1..].iter().all(|message| *message == "pagemap_entry"));
    assert_eq!(entries("seccomp.img", &files["seccomp.img"])[0].bytes, b"");
}

#[test]
fn payloads_follow_their_entries() {
    let files = all();
    let mut found = Vec::new();
    for (name, bytes) in &files {
        let mut image = ImageReader::new(name, bytes.len() as u64, &**bytes).unwrap();
        while let Some(part) = image.next_part().unwrap() {
            if let Part::Payload(payload) = part {
                let content = image.take_payload(1 << 20).unwrap();
                assert_eq!(
                    content,
                    bytes[payload.offset as usize..][..payload.bytes as usize],
                    "{name}"
                );
                found.push((name.as_str(), payload.role, payload.bytes));
            }
        }
    }
    let expected = [
        ("bpfmap-data.img", Role::BpfMap, 14),
        ("dump.log", Role::Raw, 10),
        ("ghost-file-1.img", Role::GhostFile, 5000),
        ("ghost-file-a.img", Role::GhostChunk, 5000),
        ("ghost-file-a.img", Role::GhostChunk, 3),
        ("ifaddr-9.img", Role::Raw, 14),
        ("ipcns-msg-5.img", Role::IpcMessage, 16),
        ("ipcns-sem-5.img", Role::Semaphores, 16),
        ("ipcns-shm-6.img", Role::SharedMemory, 8),
        ("iptables-9.img", Role::Raw, 9600),
        ("netns-ct-9.img", Role::Netlink, 32),
        ("netns-ct-9.img", Role::Netlink, 16),
        ("pages-1.img", Role::Pages, 16384),
        ("pages-2.img", Role::Pages, 4096),
        ("pages-3.img", Role::Pages, 208_896),
        ("pages-4.img", Role::Pages, 208_896),
        ("pipes-data.img", Role::Pipe, 19),
        ("sk-queues.img", Role::Packet, 13),
        ("sk-queues.img", Role::Packet, 1),
        ("tcp-stream-1f.img", Role::TcpReceived, 11),
        ("tcp-stream-1f.img", Role::TcpSent, 9),
        ("tmpfs-dev-3.tar.gz.img", Role::Raw, 12),
    ];
    assert_eq!(found, expected);
}

#[test]
fn every_truncation_is_refused_at_its_place_or_ends_between_two_parts() {
    for (name, bytes) in all() {
        // The shorter the file, the more of it is a size or a tag.
        let step = (bytes.len() / 4000).max(1);
        for length in (0..bytes.len()).step_by(step) {
            match rewritten(&name, &bytes[..length]) {
                Ok(written) => assert!(written == bytes[..length], "{name}, {length}"),
                Err(error) => {
                    assert_eq!(error.file, name);
                    assert!(
                        error.offset.is_some_and(|offset| offset <= length as u64),
                        "{error}"
                    );
                    assert!(matches!(error.fault, Fault::Truncated { .. }), "{error}");
                }
            }
        }
    }
}

#[test]
fn a_file_that_becomes_shorter_while_it_is_read_is_refused() {
    for (name, bytes) in all().into_iter().filter(|(_, bytes)| bytes.len() > 8) {
        let short = &bytes[..bytes.len() - 1];
        let image = ImageReader::new(&name, bytes.len() as u64, short).unwrap();
        let error = rewrite(image, &mut Vec::new()).unwrap_err();
        assert!(matches!(error.fault, Fault::Truncated { .. }), "{error}");
    }
}

#[test]
fn sizes_are_held_against_the_file_and_the_limit() {
    let with_size = |size: u32| {
        let mut bytes = Header::of_kind(Kind::Mm).magic().to_vec();
        bytes.extend(size.to_le_bytes());
        bytes
    };
    let error = rewritten("mm-1.img", &with_size(u32::MAX)).unwrap_err();
    let expected = "mm-1.img, byte 12: an entry takes 4294967295 bytes, but the file has only 0 more";
    assert_eq!(error.to_string(), expected);

    // A file that is as long as it says, but too long for memory; no byte of the entry is read.
    let source = with_size(u32::MAX);
    let bytes = 12 + u64::from(u32::MAX);
    let mut image = ImageReader::new("mm-1.img", bytes, &*source).unwrap();
    let error = image.next_part().unwrap_err();
    assert!(
        matches!(error.fault, Fault::TooLong { most: ENTRY_MOST, .. }),
        "{error}"
    );
    assert_eq!(error.offset, Some(12));

    let long = entry(&proto::PipeDataEntry {
        pipe_id: Some(1),
        bytes: Some(u32::MAX),
        size: None,
    });
    let error = rewritten("pipes-data.img", &file(Kind::PipesData, &[long])).unwrap_err();
    assert!(
        matches!(
            error.fault,
            Fault::Truncated {
                needed: 0xffff_ffff,
                left: 0,
                ..
            }
        ),
        "{error}"
    );

    let endless = proto::IpcShmEntry {
        size: Some(u64::MAX),
        in_pagemaps: None,
    };
    let error = rewritten("ipcns-shm-1.img", &file(Kind::IpcnsShm, &[entry(&endless)])).unwrap_err();
    assert!(matches!(error.fault, Fault::Value { .. }), "{error}");

    let error = rewritten(
        "netns-ct-1.img",
        &[15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    )
    .unwrap_err();
    assert!(matches!(error.fault, Fault::Value { .. }), "{error}");
}

#[test]
fn entries_that_are_no_messages_are_refused_where_they_matter() {
    let bytes = file(Kind::PipesData, &[vec![2, 0, 0, 0, 0x08, 0xff]]);
    let error = rewritten("pipes-data.img", &bytes).unwrap_err();
    assert!(
        matches!(
            error.fault,
            Fault::Message {
                message: "pipe_data_entry",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(error.offset, Some(8));

    let files = contents(&data("criu-4.1.1-plain"));
    let inventory = &files["inventory.img"];
    let twice = [&inventory[..], &inventory[4..]].concat();
    assert!(rewritten("inventory.img", &twice).is_err());
}

#[test]
fn a_queue_has_as_many_messages_as_it_says() {
    let queue = |count| entry(&proto::IpcMsgEntry { qnum: Some(count) });
    let message = entry(&proto::IpcMsg {
        mtype: Some(1),
        msize: Some(0),
    });
    let read = |parts: &[Vec<u8>]| rewritten("ipcns-msg-1.img", &file(Kind::IpcnsMsg, parts));
    assert!(read(&[queue(2), message.clone(), message.clone(), queue(0)]).is_ok());
    let error = read(&[queue(2), message]).unwrap_err();
    assert!(matches!(error.fault, Fault::Truncated { .. }), "{error}");
}

#[test]
fn no_input_panics() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut below = |most: usize| random.next_u32() as usize % most.max(1);
    let mut read = 0;
    for (name, bytes) in all() {
        let rounds = if bytes.len() > 10_000 { 20 } else { 800 };
        for _ in 0..rounds {
            let mut changed = bytes.clone();
            for _ in 0..=below(4) {
                let at = below(changed.len());
                match below(4) {
                    0 if !changed.is_empty() => changed[at] = below(256) as u8,
                    1 if changed.len() >= at + 4 => changed[at..at + 4].fill([0, 0xff, 0x7f, 0x80][below(4)]),
                    2 => changed.truncate(at),
                    _ => changed.insert(at, below(256) as u8),
                }
            }
            if let Ok(written) = rewritten(&name, &changed) {
                assert!(written == changed, "{name}");
                read += 1;
            }
            if let Ok(image) = ImageReader::new(&name, changed.len() as u64, &*changed) {
                let _ = Pagemap::read(image);
            }
        }
    }
    assert!(read > 1000, "{read} inputs were read to their ends");
}
