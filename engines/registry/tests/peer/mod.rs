//! A real registry, Debian's `docker-registry`, on a port of this machine that the system chooses, in a folder of its
//! own; both go with it.

#![allow(dead_code, reason = "no test needs all of it")]

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Says that a test cannot run since `program` is missing, which is a failure with `CI=true`.
pub(crate) fn not_run<T>(test: &str, program: &str) -> Option<T> {
    assert!(
        env::var("CI").as_deref() != Ok("true"),
        "{test} did not run: {program} is missing"
    );
    println!("NOT RUN: {test}: {program} is missing");
    None
}

/// Whether a program can be started.
pub(crate) fn is_there(program: &str) -> bool {
    let tried = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    tried.is_ok()
}

/// The registry, until it is dropped.
pub(crate) struct Registry {
    child: Child,
    /// Host and port.
    pub(crate) host: String,
    folder: TempDir,
}

impl Registry {
    /// Starts it, or says that `test` cannot run.
    pub(crate) fn start(test: &str) -> Option<Self> {
        if !is_there("docker-registry") {
            return not_run(test, "docker-registry");
        }
        let folder = tempfile::tempdir().unwrap();
        let configuration = folder.path().join("registry.yaml");
        let text = format!(
            "version: 0.1\nlog: {{level: info, accesslog: {{disabled: true}}}}\nstorage: {{filesystem: \
             {{rootdirectory: {:?}}}}}\nhttp: {{addr: \"127.0.0.1:0\"}}\n",
            folder.path().join("data").display().to_string()
        );
        fs::write(&configuration, text).unwrap();
        let mut child = Command::new("docker-registry")
            .arg("serve")
            .arg(&configuration)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let host = lines
            .find_map(|line| {
                let line = line.unwrap();
                let (_, rest) = line.split_once("listening on ")?;
                Some(rest.split('"').next()?.to_owned())
            })
            .expect("the registry says where it listens");
        // Read to the end, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { child, host, folder })
    }

    /// The file of a blob, by the digits of its digest.
    pub(crate) fn blob(&self, hex: &str) -> PathBuf {
        let blobs = self.folder.path().join("data/docker/registry/v2/blobs/sha256");
        blobs.join(&hex[..2]).join(hex).join("data")
    }

    /// An image in it.
    pub(crate) fn image(&self, name: &str, tag: &str) -> String {
        format!("docker://{}/{name}:{tag}", self.host)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
