//! Plain sets that are broken are not sealed: refused with file and place, and nothing is left.

use std::os::unix::fs::symlink;

use super::*;
use crate::fixtures::{data, entry, every_payload, file};
use crate::image::{Fault, ImageError, ImageReader};

/// The error of sealing `files`, nothing being left of it; `None` if they are sealed and come back.
fn refused(files: &Files) -> Option<ImageError> {
    let place = Place::with(files);
    match place.seal(&SealOptions::default()) {
        Ok(_) => {
            place.open(&options()).unwrap();
            assert!(contents(&place.path("opened")) == *files);
            None
        }
        Err(Error::Image(error)) => {
            assert!(!place.path("sealed").exists());
            assert_eq!(place.leftovers(), [""; 0]);
            Some(error)
        }
        Err(error) => panic!("{error}"),
    }
}

/// The bytes of an entry of [`pagemap`] with its size.
fn entry_bytes(address: u64) -> usize {
    pagemap(1, &[(address, 2, 4)]).len() - pagemap(1, &[]).len()
}

/// The error of sealing the one file as a stream; `None` if it is sealed.
fn refused_in_a_stream(name: &str, bytes: &[u8]) -> Option<ImageError> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o600);
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_data(&mut header, name, bytes).unwrap();
    let archive = builder.into_inner().unwrap();
    match streams::seal_stream(&archive, &SealOptions::default()) {
        Ok(_) => None,
        Err(Error::Image(error)) => Some(error),
        Err(error) => panic!("{error}"),
    }
}

/// Images of each kind that has a structure of its own: entries alone, and entries with bytes behind them.
fn set() -> Files {
    let mut files = contents(&data("criu-4.1.1-plain"));
    files.retain(|name, _| !name.starts_with("page"));
    files.extend(every_payload());
    files.extend(small());
    files
}

#[test]
fn every_truncation_of_an_image_is_refused_or_ends_between_two_entries() {
    let set = set();
    assert!(refused(&set).is_none());
    for (name, bytes) in &set {
        let mut cuts = 0;
        // The shorter the file, the more of it is a size or a tag.
        let step = (bytes.len() / 300).max(1);
        for length in (0..bytes.len()).step_by(step) {
            let cut = &bytes[..length];
            let error = refused_in_a_stream(name, cut);
            if length % 50 == 0 {
                let in_a_folder = refused(&[(name.clone(), cut.to_vec())].into());
                assert_eq!(
                    in_a_folder.map(|e| e.to_string()),
                    error.as_ref().map(ToString::to_string)
                );
            }
            let Some(error) = error else {
                // What an image reader reads to its end, or no reader knows.
                let image = ImageReader::new(name, length as u64, cut).unwrap();
                crate::image::rewrite(image, &mut Vec::new()).unwrap();
                continue;
            };
            assert!(
                error.file == *name || error.file == "pages-1.img",
                "{name}, {length}: {error}"
            );
            assert!(
                error.offset.is_some_and(|offset| offset <= length as u64) || error.file != *name,
                "{name}, {length}: {error}"
            );
            cuts += 1;
        }
        let shapeless = ["pages-", "iptables", "tmpfs", "ifaddr", "dump.log", "netns-exp"];
        assert_eq!(
            cuts == 0,
            shapeless.iter().any(|start| name.starts_with(start)),
            "{name}: {cuts}"
        );
    }
}

#[test]
fn a_size_of_four_gigabytes_is_refused() {
    for (name, bytes) in set() {
        let magic = ImageReader::new(&name, bytes.len() as u64, &*bytes).unwrap();
        let at = magic.header().magic().len();
        if at == 0 {
            continue;
        }
        let mut changed = bytes.clone();
        changed[at..at + 4].fill(0xff);
        let error = refused(&[(name.clone(), changed)].into()).unwrap().to_string();
        assert!(
            error.starts_with(&format!("{name}, byte ")) && error.contains("4294967295"),
            "{error}"
        );
    }
}

#[test]
fn pages_shorter_than_their_pagemap_are_refused() {
    let whole = small();
    for length in [0, 1, PAGE_BYTES, 2 * PAGE_BYTES - 1] {
        let mut files = whole.clone();
        files.get_mut("pages-1.img").unwrap().truncate(length);
        let error = refused(&files).unwrap();
        assert_eq!(
            error.to_string(),
            format!(
                "pages-1.img, byte {length}: the length of the file is {length}; it must be at least 8192, as \
                 pagemap-1.img says"
            )
        );
    }
    let mut files = whole;
    files.remove("pages-1.img");
    let error = refused(&files).unwrap().to_string();
    assert!(error.starts_with("pages-1.img: the file is missing"), "{error}");
    // Pages that are in the parent, or nowhere, need no bytes here.
    files.insert(
        "pagemap-1.img".to_owned(),
        pagemap(1, &[(0x1000, 2, 1), (0x5000, 9, 2)]),
    );
    assert!(refused(&files).is_none());
    // A pagemap that overlaps itself.
    files.insert(
        "pagemap-1.img".to_owned(),
        pagemap(1, &[(0x1000, 2, 4), (0x2000, 1, 4)]),
    );
    let error = refused(&files).unwrap();
    let second = 14 + entry_bytes(0x1000) as u64;
    assert_eq!((&*error.file, error.offset), ("pagemap-1.img", Some(second)));
}

/// From a stream the pages may come before the pagemap that describes them.
#[test]
fn the_order_of_a_stream_does_not_matter() {
    let place = Place::with(&small());
    let archive = |names: &[&str]| streams::tar(&place.path("plain"), &[&["-c"], names].concat());
    let seal = |archive: &[u8]| streams::seal_stream(archive, &SealOptions::default());
    seal(&archive(&["pages-1.img", "pagemap-1.img"])).unwrap();
    seal(&archive(&["pagemap-1.img", "pages-1.img"])).unwrap();
    fs::write(place.path("plain/pages-1.img"), noise(1, PAGE_BYTES)).unwrap();
    for names in [["pages-1.img", "pagemap-1.img"], ["pagemap-1.img", "pages-1.img"]] {
        let error = seal(&archive(&names)).unwrap_err().to_string();
        assert!(error.starts_with("pages-1.img, byte 4096: "), "{error}");
    }
}

#[test]
fn unknown_magic_numbers_and_names_are_refused() {
    let magic = |bytes: &[u8]| refused(&[("core-1.img".to_owned(), bytes.to_vec())].into()).unwrap();
    for bytes in [
        &b""[..],
        b"xy",
        b"no image",
        &[0x19, 0x43, 0x56, 0x54, 1, 2, 3, 4],
    ] {
        let error = magic(bytes);
        assert_eq!(error.file, "core-1.img");
        assert!(error.offset.is_some_and(|offset| offset <= 4), "{error}");
    }
    assert!(matches!(magic(b"no image").fault, Fault::Magic { .. }));
    let error = refused(
        &[(
            "a..img".to_owned(),
            entry(&proto::PagemapHead { pages_id: Some(1) }),
        )]
        .into(),
    );
    assert_eq!(error.unwrap().file, "a..img");
}

#[test]
fn a_set_that_builds_on_itself_is_not_sealed() {
    let place = Place::with(&small());
    place.seal(&SealOptions::default()).unwrap();
    let parent = place.path("sealed");
    let options = SealOptions {
        parent: Some(&parent),
        ..SealOptions::default()
    };
    for (set, link) in [("own", "."), ("a", "../b"), ("b", "../a")] {
        fs::create_dir(place.path(set)).unwrap();
        symlink(link, place.path(set).join("parent")).unwrap();
        fs::write(
            place.path(set).join("stats-dump"),
            file(Kind::Stats, &[vec![0; 4]]),
        )
        .unwrap();
    }
    for set in ["own", "b"] {
        let error = place.seal_as(set, "new", &options).unwrap_err().to_string();
        assert!(error.contains("one of the set's own descendants"), "{error}");
        assert!(!place.path("new").exists());
    }
    // A plain parent that is gone is no fault: its sealed set stands for it.
    fs::remove_file(place.path("own/parent")).unwrap();
    symlink("../gone", place.path("own/parent")).unwrap();
    place.seal_as("own", "new", &options).unwrap();
}
