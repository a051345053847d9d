//! The golden set: opened, and sealed again to the same bytes.

use std::path::Path;

use sealab_engine::Nonce;

use super::super::keys::Keys;
use super::super::seal::seal_with;
use super::*;
use crate::image::{ImageReader, Pagemap, Part, Role, Set, proto};

#[test]
fn the_golden_set_opens_to_a_plain_one() {
    let place = TempDir::new().unwrap();
    let plain = place.path().join("plain");
    let summary = open(engine().as_ref(), &data("criu-pr2297"), &plain, &unwrap).unwrap();
    assert_eq!(summary.pages, 4 + 1 + 50 + 50);
    let set = Set::open(&plain).unwrap();
    assert_eq!(set.members().len() as u64, summary.files);
    assert_eq!(
        set.members().len() + 1,
        golden().len(),
        "all files but cipher.img"
    );
    for member in set.members() {
        let mut written = Vec::new();
        crate::image::rewrite(set.read(&member.name).unwrap(), &mut written).unwrap();
        assert_eq!(
            written,
            fs::read(plain.join(&member.name)).unwrap(),
            "{}",
            member.name
        );
        if matches!(member.kind, Kind::Pagemap | Kind::ShmemPagemap) {
            Pagemap::read(set.read(&member.name).unwrap()).unwrap();
        }
    }
    let files = contents(&plain);
    for (name, text) in [
        ("pages-1.img", "CANARY-shared"),
        ("pages-2.img", "CANARY-memfd-payload"),
        ("pages-3.img", "CANARY-parent-private"),
        ("pages-4.img", "CANARY-child-private"),
        ("pipes-data.img", "CANARY-pipe-payload"),
    ] {
        assert!(shows(&files[name], text), "{name}");
        assert!(!shows(&golden()[name], text), "{name}");
    }
    assert!(files["ghost-file-1.img"].ends_with(&b"CANARY-ghost-payload".repeat(250)));
    assert_eq!(
        verify(engine().as_ref(), &data("criu-pr2297"), &unwrap)
            .unwrap()
            .pages,
        summary.pages
    );
}

/// The nonces of the golden set in the order in which sealing its plain files asks for them, read off the sealed files
/// by the lengths of the plain ones.
fn recorded_nonces(plain: &Path) -> Vec<Nonce> {
    let mut nonces = Vec::new();
    for member in Set::open(plain).unwrap().members() {
        if matches!(member.kind, Kind::Pages | Kind::Stats) {
            continue;
        }
        let sealed = &golden()[&member.name];
        let bytes = fs::read(plain.join(&member.name)).unwrap();
        let mut image = ImageReader::new(&member.name, bytes.len() as u64, &*bytes).unwrap();
        let mut at = image.header().magic().len();
        let mut record = |at: usize| nonces.push(Nonce(*sealed[at..].first_chunk().unwrap()));
        while let Some(part) = image.next_part().unwrap() {
            match part {
                Part::Entry(entry) => {
                    at += 4 + entry.bytes.len();
                    if !entry.bytes.is_empty() {
                        record(at + 16);
                        at += 28;
                    }
                }
                Part::Payload(payload) if payload.role == Role::GhostFile => {
                    for chunk in bytes[payload.offset as usize..].chunks(4096) {
                        record(at + 16);
                        at += 36 + chunk.len();
                    }
                }
                Part::Payload(payload) => {
                    at += payload.bytes as usize;
                    record(at + 16);
                    at += 28;
                }
            }
        }
        assert_eq!(at, sealed.len(), "{}", member.name);
    }
    nonces
}

#[test]
fn the_golden_set_is_sealed_again_to_the_same_bytes() {
    let place = TempDir::new().unwrap();
    let (plain, sealed) = (place.path().join("plain"), place.path().join("sealed"));
    let golden_set = Set::open(&data("criu-pr2297")).unwrap();
    open(engine().as_ref(), golden_set.path(), &plain, &unwrap).unwrap();
    let mut image = golden_set.read(CIPHER_FILE).unwrap();
    let Some(Part::Entry(entry)) = image.next_part().unwrap() else {
        panic!("an entry")
    };
    let wrapped: proto::CipherEntry = image.decode(&entry).unwrap();
    // RSA ciphertexts are random: those of the golden set stand in for new ones.
    let wrap = |key: &[u8]| {
        Ok(if key.len() == 32 {
            wrapped.token().to_vec()
        } else {
            wrapped.aes_key().to_vec()
        })
    };
    let (keys, _) = Keys::read(&golden_set, &unwrap).unwrap();
    let mut nonces = recorded_nonces(&plain).into_iter();
    let mut next = || Ok(nonces.next().unwrap());
    let set = Set::open(&plain).unwrap();
    seal_with(engine().as_ref(), &set, &sealed, &wrap, &keys, &mut next).unwrap();
    assert_eq!(nonces.next(), None);
    let (sealed, golden) = (contents(&sealed), golden());
    assert_eq!(
        sealed.keys().collect::<Vec<_>>(),
        golden.keys().collect::<Vec<_>>()
    );
    for (name, bytes) in golden {
        assert!(sealed[&name] == bytes, "{name} differs");
    }
}
