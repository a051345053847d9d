//! `sealab layer serve` while a test looks at what is mounted.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::peer::not_run;
use crate::place::Place;

/// Whether FUSE can be used here, or says that `test` cannot run.
pub(crate) fn fuse(test: &str) -> bool {
    let device = OpenOptions::new().read(true).write(true).open("/dev/fuse");
    device.is_ok() || not_run::<()>(test, "/dev/fuse").is_some()
}

/// A mount, until it is ended or dropped.
pub(crate) struct Served {
    child: Child,
    /// Where the files are.
    pub(crate) root: PathBuf,
    /// Gives what standard error had after the mount.
    errors: Option<JoinHandle<String>>,
}

impl Served {
    /// Mounts an image at `mnt`, which is made.
    pub(crate) fn start(place: &Place, image: &str, arguments: &[&str]) -> Self {
        let root = place.path("mnt");
        let _ = fs::create_dir(&root);
        let call = [&["serve", image, "mnt", "--json"], arguments].concat();
        let mut child = place
            .command(&call)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        errors.read_line(&mut line).unwrap();
        assert!(line.contains("is in mnt, for reading"), "{line}");
        let errors = thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).unwrap();
            text
        });
        Self {
            child,
            root,
            errors: Some(errors),
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end: the exit code, what was told in the end as JSON, and what was told while it was served.
    pub(crate) fn ended(mut self) -> (i32, Value, String) {
        let mut out = String::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        let status = self.child.wait().unwrap();
        let errors = self.errors.take().unwrap().join().unwrap();
        assert!(!is_mounted(&self.root), "{errors}");
        let told = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{errors}"));
        (status.code().unwrap(), told, errors)
    }

    /// Ends it as Ctrl-C does.
    pub(crate) fn end(self) -> (i32, Value, String) {
        self.signal(Signal::INT);
        self.ended()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if is_mounted(&self.root) {
            let _ = Command::new("umount").arg("-l").arg(&self.root).status();
        }
    }
}

/// Whether something is mounted there.
pub(crate) fn is_mounted(path: &std::path::Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let path = path.display().to_string();
    mounts.lines().any(|line| line.split(' ').nth(1) == Some(&*path))
}
