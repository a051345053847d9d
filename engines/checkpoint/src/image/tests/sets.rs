//! Folders.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use super::super::*;
use crate::fixtures::{contents, data, write};

/// The error of a set with `name`, that `make` puts there, among golden files.
fn refused(make: impl FnOnce(&Path)) -> ImageError {
    let place = TempDir::new().unwrap();
    let folder = place.path().join("set");
    let mut files = contents(&data("criu-4.1.1-plain"));
    files.retain(|name, _| !name.starts_with("pages"));
    write(&folder, &files);
    assert!(Set::open(&folder).is_ok());
    make(&folder);
    Set::open(&folder).unwrap_err()
}

#[test]
fn golden_sets_are_recognised() {
    let set = Set::open(&data("criu-4.1.1-plain")).unwrap();
    let members: Vec<_> = set
        .members()
        .iter()
        .map(|member| (member.name.as_str(), member.kind, member.number, member.bytes))
        .collect();
    assert_eq!(members.len(), 28);
    assert_eq!(members[0], ("core-4.img", Kind::Core, Some(4), 2342));
    assert_eq!(
        set.member("pagemap-shmem-1588.img").unwrap().kind,
        Kind::ShmemPagemap
    );
    assert_eq!(set.member("stats-dump").unwrap().kind, Kind::Stats);
    assert_eq!(set.member("pages-4.img").unwrap().kind, Kind::Pages);
    assert_eq!(set.member("core-5.img"), None);
    assert!(!members.iter().any(|(_, kind, ..)| *kind == Kind::Other));
    assert!(!set.has_parent());

    let sealed = Set::open(&data("criu-pr2297")).unwrap();
    assert_eq!(sealed.member("cipher.img").unwrap().kind, Kind::Cipher);
}

#[test]
fn what_is_no_image_is_refused() {
    let named =
        |name: &'static str| move |folder: &Path| fs::write(folder.join(name), b"CVT unknown").unwrap();
    let error = refused(named("new-1.img"));
    assert_eq!((error.file.as_str(), error.offset), ("new-1.img", Some(0)));
    let error = refused(|folder| fs::write(folder.join("core-9.img"), b"").unwrap());
    assert_eq!((error.file.as_str(), error.offset), ("core-9.img", Some(0)));
    let error = refused(|folder| {
        fs::copy(folder.join("mm-4.img"), folder.join("core-9.img")).unwrap();
    });
    assert_eq!((error.file.as_str(), error.offset), ("core-9.img", Some(4)));
    assert_eq!(refused(named("a..img")).file, "a..img");
    refused(|folder| fs::write(folder.join(OsStr::from_bytes(b"core-\xff.img")), b"").unwrap());
    let error = refused(|folder| symlink("core-4.img", folder.join("core-9.img")).unwrap());
    assert_eq!(
        error.to_string(),
        "core-9.img: the file is a symbolic link; it must be a regular file"
    );
    assert_eq!(
        refused(|folder| fs::create_dir(folder.join("core-9.img")).unwrap()).file,
        "core-9.img"
    );
    let error = refused(|folder| {
        mknodat(
            CWD,
            folder.join("core-9.img"),
            FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
    });
    assert_eq!(error.file, "core-9.img");
    // Neither is a file of that name a parent.
    refused(|folder| {
        mknodat(
            CWD,
            folder.join(PARENT),
            FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
    });
    let error = Set::open(Path::new("no such folder")).unwrap_err();
    assert!(matches!(error.fault, Fault::Io(_)), "{error}");
}

#[test]
fn files_outside_the_folder_cannot_be_opened() {
    let set = Set::open(&data("criu-4.1.1-plain")).unwrap();
    for name in ["../key.der", "../criu-pr2297/cipher.img", ".", ""] {
        assert!(
            matches!(set.open_file(name).unwrap_err().fault, Fault::Value { .. }),
            "{name}"
        );
    }
}

#[test]
fn cyclic_parents_are_refused() {
    let place = TempDir::new().unwrap();
    for (set, parent) in [("1", "../3"), ("2", "../1"), ("3", "../2")] {
        fs::create_dir(place.path().join(set)).unwrap();
        symlink(parent, place.path().join(set).join(PARENT)).unwrap();
    }
    let error = Set::open(&place.path().join("3")).unwrap().chain().unwrap_err();
    assert_eq!(error.file, "parent/parent/parent");
    symlink(".", place.path().join("own")).unwrap();
    let own = place.path().join("self");
    fs::create_dir(&own).unwrap();
    symlink(".", own.join(PARENT)).unwrap();
    assert_eq!(Set::open(&own).unwrap().chain().unwrap_err().file, "parent");
}

#[test]
fn a_parent_may_be_a_folder_and_must_be_there() {
    let place = TempDir::new().unwrap();
    let child = place.path().join("child");
    fs::create_dir_all(child.join(PARENT)).unwrap();
    fs::write(child.join(PARENT).join("new.img"), b"unknown.").unwrap();
    let error = Set::open(&child).unwrap().chain().unwrap_err();
    assert_eq!(error.file, "parent/new.img");
    fs::remove_file(child.join(PARENT).join("new.img")).unwrap();
    assert_eq!(Set::open(&child).unwrap().chain().unwrap().len(), 2);
    fs::remove_dir(child.join(PARENT)).unwrap();
    symlink("../gone", child.join(PARENT)).unwrap();
    assert_eq!(Set::open(&child).unwrap().chain().unwrap_err().file, "parent");
}

#[test]
fn the_chain_has_an_end() {
    let place = TempDir::new().unwrap();
    let make = |count: usize| {
        for index in 0..count {
            let folder = place.path().join(index.to_string());
            fs::create_dir_all(&folder).unwrap();
            if index > 0 && !folder.join(PARENT).exists() {
                symlink(format!("../{}", index - 1), folder.join(PARENT)).unwrap();
            }
        }
        Set::open(&place.path().join((count - 1).to_string()))
            .unwrap()
            .chain()
    };
    assert_eq!(make(CHAIN_MOST).unwrap().len(), CHAIN_MOST);
    assert!(
        make(CHAIN_MOST + 1)
            .unwrap_err()
            .to_string()
            .contains("at most 64")
    );
}
