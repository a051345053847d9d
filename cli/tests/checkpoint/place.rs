//! Fixtures, and a folder to call `sealab` in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub(crate) const FORMATS: [&str; 2] = ["sealed-checkpoint", "criu-pr2297"];

/// A fixture of the image sets.
pub(crate) fn data(name: &str) -> String {
    format!(
        "{}/../engines/checkpoint/tests/data/{name}",
        env!("CARGO_MANIFEST_DIR")
    )
}

/// A fixture of the keys.
pub(crate) fn key(name: &str) -> String {
    format!(
        "{}/../engines/keys/tests/fixtures/{name}",
        env!("CARGO_MANIFEST_DIR")
    )
}

pub(crate) fn plain() -> String {
    data("criu-4.1.1-plain")
}

/// A folder to work in, where `sealab` is called.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealab"));
        command
            .arg("checkpoint")
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Standard output of a call that succeeds without a word on standard error.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), &*stderr), (Some(0), ""), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The one line of a call that fails with `code`, leaving nothing behind.
    pub(crate) fn refused(&self, code: i32, arguments: &[&str]) -> String {
        let before = self.names();
        let output = self.run(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{arguments:?}: {stderr}");
        assert_eq!(self.names(), before, "{arguments:?}");
        stderr
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn seal(&self, format: &str, destination: &str) {
        self.done(&[
            "seal",
            &plain(),
            destination,
            "--format",
            format,
            "--recipient",
            &data("cert.pem"),
        ]);
    }
}

pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}
/// A new folder with the files of another.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for (name, bytes) in files(from) {
        fs::write(to.join(name), bytes).unwrap();
    }
}
