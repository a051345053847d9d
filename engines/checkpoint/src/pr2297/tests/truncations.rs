//! Files that are cut, in plain sets before sealing and in sealed ones before opening: refused, with nothing written.

use super::*;
use crate::fixtures::{entry, every_payload, file};
use crate::image::{ImageReader, PAGE_BYTES, proto, rewrite};

/// A set with every kind of payload, and two pages.
fn set() -> Files {
    let run = proto::PagemapEntry {
        vaddr: Some(0x1000),
        compat_nr_pages: Some(2),
        flags: Some(4),
        ..Default::default()
    };
    let head = proto::PagemapHead { pages_id: Some(7) };
    let mut files = every_payload();
    files.insert(
        "pagemap-1.img".to_owned(),
        file(Kind::Pagemap, &[entry(&head), entry(&run)]),
    );
    files.insert("pages-7.img".to_owned(), vec![0x5a; 2 * PAGE_BYTES]);
    files
}

/// Some 20 lengths, each of them shorter than `bytes`, the longest by one.
fn lengths(bytes: usize) -> impl Iterator<Item = usize> {
    (0..bytes).rev().step_by((bytes / 20).max(1))
}

#[test]
fn a_plain_set_with_a_file_that_is_cut_is_not_sealed() {
    let set = set();
    seal_files(&set).unwrap();
    for (name, bytes) in &set {
        for length in lengths(bytes.len()) {
            let mut files = set.clone();
            files.insert(name.clone(), bytes[..length].to_vec());
            match seal_files(&files) {
                Ok(_) => {
                    // Cut between two entries, or of no known shape. Pages are neither.
                    assert_ne!(name, "pages-7.img", "{length}");
                    let image = ImageReader::new(name, length as u64, &bytes[..length]).unwrap();
                    rewrite(image, &mut Vec::new()).unwrap();
                }
                Err(Error::Image(error)) => {
                    // A pagemap without its last entry lacks pages that are there.
                    let pages = name == "pagemap-1.img" && error.file == "pages-7.img";
                    assert!(error.file == *name || pages, "{name}, {length}: {error}");
                    assert!(
                        error.offset.is_some_and(|at| pages || at <= length as u64),
                        "{error}"
                    );
                }
                // Without its entries the pagemap describes no pages.
                Err(Error::Unsupported { file, .. }) => {
                    assert_eq!((&**name, &*file), ("pagemap-1.img", "pages-7.img"), "{length}");
                }
                Err(error) => panic!("{name}, {length}: {error}"),
            }
        }
    }
}

/// Files whose truncation between two entries cannot be noticed are held elsewhere; of these each one is.
#[test]
fn a_sealed_set_whose_keys_pagemap_or_pages_are_cut_is_not_opened() {
    let sealed = seal_files(&set()).unwrap();
    open_files(&sealed).unwrap();
    for name in [CIPHER_FILE, "pagemap-1.img", "pages-7.img"] {
        let bytes = &sealed[name];
        for length in lengths(bytes.len()) {
            let mut files = sealed.clone();
            files.insert(name.to_owned(), bytes[..length].to_vec());
            match open_files(&files) {
                Err(Error::Image(error)) => {
                    let pages = name == "pagemap-1.img" && error.file == "pages-7.img";
                    assert!(error.file == name || pages, "{name}, {length}: {error}");
                }
                Err(Error::Unsupported { file, .. }) => assert_eq!(file, "pages-7.img", "{length}"),
                Err(Error::Unauthentic { file, .. }) => assert_eq!(file, name, "{length}"),
                other => panic!("{name}, {length}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_size_of_four_gigabytes_is_refused_before_anything_is_written() {
    let set = set();
    let sealed = seal_files(&set).unwrap();
    for (name, bytes) in &set {
        let image = ImageReader::new(name, bytes.len() as u64, &**bytes).unwrap();
        let at = image.header().magic().len();
        if at == 0 {
            continue;
        }
        let changed = |files: &Files| {
            let mut files = files.clone();
            files.get_mut(name).unwrap()[at..at + 4].fill(0xff);
            files
        };
        for error in [
            seal_files(&changed(&set)).unwrap_err(),
            open_files(&changed(&sealed)).unwrap_err(),
        ] {
            let error = error.to_string();
            let place = format!("{name}, byte {}: ", at + 4);
            assert!(
                error.starts_with(&place) && error.contains("4294967295"),
                "{error}"
            );
        }
    }
}
