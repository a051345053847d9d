//! Counters in memory and in files.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use sealab_volume::counter::{FileCounter, MemoryCounter, TrustedCounter};
use tempfile::TempDir;

fn counts(counter: &dyn TrustedCounter, from: u64) {
    assert_eq!(counter.value().unwrap(), from);
    for next in from + 1..from + 5 {
        assert_eq!(counter.advance().unwrap(), next);
        assert_eq!(counter.value().unwrap(), next);
    }
}

/// The message of a refusal, which says all of `parts`.
fn refused<T>(result: std::io::Result<T>, parts: &[&str]) -> ErrorKind {
    let error = result.err().expect("not refused");
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "{message}: does not say {part}");
    }
    error.kind()
}

#[test]
fn memory_counts_from_any_number_to_the_last() {
    counts(&MemoryCounter::default(), 0);
    counts(&MemoryCounter::new(41), 41);
    let last = MemoryCounter::new(u64::MAX);
    refused(last.advance(), &[&u64::MAX.to_string()]);
    assert_eq!(last.value().unwrap(), u64::MAX);
}

#[test]
fn a_file_keeps_its_number() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("counter");
    let counter = FileCounter::create(&path, 7).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    counts(&counter, 7);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    drop(counter);
    assert_eq!(fs::read_to_string(&path).unwrap(), "11\n");
    counts(&FileCounter::open(&path).unwrap(), 11);
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["counter"], "something was left beside the counter");
}

#[test]
fn a_file_is_made_once() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("counter");
    drop(FileCounter::create(&path, 3).unwrap());
    let kind = refused(
        FileCounter::create(&path, 0),
        &[path.to_str().unwrap(), "creating"],
    );
    assert_eq!(kind, ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(&path).unwrap(), "3\n");
    refused(
        FileCounter::open(folder.path().join("none")),
        &["none", "opening"],
    );
}

#[test]
fn one_process_has_the_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("counter");
    let counter = FileCounter::create(&path, 0).unwrap();
    let busy = |after: &str| {
        let kind = refused(
            FileCounter::open(&path),
            &[path.to_str().unwrap(), "another process"],
        );
        assert_eq!(kind, ErrorKind::ResourceBusy, "{after}");
        // util-linux; another process indeed.
        let locked = Command::new("flock")
            .arg("--nonblock")
            .arg(&path)
            .arg("true")
            .status()
            .unwrap();
        assert!(!locked.success(), "{after}");
    };
    busy("after it was made");
    counter.advance().unwrap();
    busy("after its file was replaced");
    drop(counter);
    drop(FileCounter::open(&path).unwrap());
}

#[test]
fn what_a_crash_leaves_beside_the_file_is_overwritten() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("counter");
    let counter = FileCounter::create(&path, 5).unwrap();
    let target = folder.path().join("target");
    fs::write(&target, "untouched").unwrap();
    symlink(&target, folder.path().join("counter.new")).unwrap();
    assert_eq!(counter.advance().unwrap(), 6);
    fs::write(folder.path().join("counter.new"), "99999\n").unwrap();
    assert_eq!(counter.advance().unwrap(), 7);
    assert_eq!(fs::read_to_string(&target).unwrap(), "untouched");
}

#[test]
fn nonsense_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("counter");
    let name = path.to_str().unwrap().to_owned();
    let over = "18446744073709551616\n";
    for content in [
        "",
        "\n",
        "1",
        "1\n\n",
        " 1\n",
        "+1\n",
        "-1\n",
        "01\n",
        "00\n",
        "1 2\n",
        "0x1\n",
        "1e3\n",
        "\u{661}\n",
        "1\0\n",
        over,
    ] {
        fs::write(&path, content).unwrap();
        let kind = refused(
            FileCounter::open(&path),
            &[&name, "one decimal number", "newline"],
        );
        assert_eq!(kind, ErrorKind::InvalidData, "{content:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
    fs::write(&path, "1".repeat(1 << 20)).unwrap();
    refused(FileCounter::open(&path), &[&name, "more than 21 bytes"]);
    fs::write(&path, format!("{}\n", u64::MAX)).unwrap();
    let last = FileCounter::open(&path).unwrap();
    assert_eq!(last.value().unwrap(), u64::MAX);
    refused(last.advance(), &[&name, &u64::MAX.to_string(), "new counter"]);
}

#[test]
fn only_regular_files_are_opened() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    drop(FileCounter::create(path("counter"), 0).unwrap());
    symlink(path("counter"), path("link")).unwrap();
    fs::create_dir(path("folder")).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(path("pipe"))
            .status()
            .unwrap()
            .success()
    );
    for (name, what) in [
        ("link", "symbolic link"),
        ("folder", "a folder"),
        ("pipe", "pipe"),
    ] {
        refused(FileCounter::open(path(name)), &[name, what, "regular file"]);
    }
}

#[test]
fn a_file_that_another_changes_is_noticed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("counter");
    let open = |value| {
        let _ = fs::remove_file(&path);
        FileCounter::create(&path, value).unwrap()
    };
    let name = path.to_str().unwrap();

    let counter = open(8);
    fs::write(&path, "3\n").unwrap();
    refused(counter.value(), &[name, "says 3", "open at 8"]);
    refused(counter.advance(), &[name, "says 3", "open at 8"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "3\n");

    // Restored from a copy, as by rename.
    let counter = open(8);
    fs::write(folder.path().join("copy"), "8\n").unwrap();
    fs::rename(folder.path().join("copy"), &path).unwrap();
    refused(counter.value(), &[name, "replaced"]);
    refused(counter.advance(), &[name, "replaced"]);

    let counter = open(8);
    fs::remove_file(&path).unwrap();
    refused(counter.advance(), &[name, "replaced"]);
    assert!(!path.exists());
}

#[test]
fn an_advance_that_cannot_be_written_leaves_the_number() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("counter");
    let counter = FileCounter::create(&path, 2).unwrap();
    // A folder in the place of the file aside cannot be removed as one.
    fs::create_dir(folder.path().join("counter.new")).unwrap();
    refused(counter.advance(), &["counter.new"]);
    assert_eq!(counter.value().unwrap(), 2);
    fs::remove_dir(folder.path().join("counter.new")).unwrap();
    assert_eq!(counter.advance().unwrap(), 3);
}
