//! Writing a large run: what is written is never held. A process of its own, because its memory is what is measured.

// A test that unwraps fails loudly.
#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

#[path = "conformance_fixture/mod.rs"]
mod fixture;

use std::fs;
use std::io::{self, Write};

use sealab_report::{conformance_json, write_conformance};

/// The most memory that this process ever held, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[derive(Default)]
struct Counted {
    bytes: u64,
    lines: usize,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len() as u64;
        self.lines += bytes.iter().filter(|byte| **byte == b'\n').count();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn hundreds_of_thousands_of_rows_are_written_without_being_held() {
    const BOUND_KIB: u64 = 12 << 10;
    let run = fixture::passes();
    let rows = run.tally().total();
    assert!(rows >= 600_000);
    let before = peak();
    let mut counted = Counted::default();
    conformance_json(&run, &mut counted).unwrap();
    assert!(counted.lines > rows && counted.bytes > 60_000_000);
    let grown = peak() - before;
    assert!(grown < BOUND_KIB, "{grown} KiB more for {} bytes", counted.bytes);
    let folder = tempfile::tempdir().unwrap();
    let written = write_conformance(&run, folder.path()).unwrap();
    assert_eq!(fs::metadata(written.json).unwrap().len(), counted.bytes);
    let grown = peak() - before;
    assert!(grown < BOUND_KIB, "{grown} KiB more for all exports");
}
