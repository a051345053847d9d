//! A folder to call `sealab volume` in, and real clients of what it serves.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The size of [`content`].
pub(crate) const SIZE: usize = 1 << 20;
/// Cheap, so that the tests are quick.
pub(crate) const CHEAP: [&str; 4] = ["--pbkdf", "pbkdf2", "--iterations", "1000"];

pub(crate) fn sealab(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sealab"))
        .arg("volume")
        .args(arguments)
        .output()
        .unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The output of a command that must succeed.
pub(crate) fn done(arguments: &[&str]) -> String {
    let output = sealab(arguments);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// The one line of a command that must end with `code`.
pub(crate) fn refused(arguments: &[&str], code: i32) -> String {
    let output = sealab(arguments);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    assert!(message.lines().count() <= 1, "{message}");
    message
}

pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::write(place.path("pass"), "a passphrase\n").unwrap();
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// A LUKS volume with the passphrase in `pass`.
    pub(crate) fn create(&self, name: &str, size: &str, more: &[&str]) {
        let (file, pass) = (self.text(name), self.text("pass"));
        let mut arguments = vec!["create", &file, "--size", size, "--passphrase-file", &pass];
        arguments.extend(CHEAP);
        arguments.extend(more);
        done(&arguments);
    }

    pub(crate) fn serve(&self, name: &str, more: &[&str]) -> Served {
        let socket = self.path("socket");
        let mut child = Command::new(env!("CARGO_BIN_EXE_sealab"))
            .args(["volume", "serve"])
            .arg(self.path(name))
            .arg("--socket")
            .arg(&socket)
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let uri = format!("nbd+unix:///?socket={}", socket.display());
        assert_eq!(line.trim(), uri);
        Served { child, uri, socket }
    }
}

/// A server, which is killed with its test.
pub(crate) struct Served {
    child: Child,
    pub(crate) uri: String,
    pub(crate) socket: PathBuf,
}

impl Served {
    /// Ends it as Ctrl-C does.
    pub(crate) fn end(self) {
        assert_eq!(self.ended(), Some(0));
    }

    /// Ends it as Ctrl-C does; its exit code.
    pub(crate) fn ended(mut self) -> Option<i32> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::INT).unwrap();
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        };
        assert!(!self.socket.exists(), "the socket stays behind");
        status.code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether `program` is here; names the test that does not run, which is a failure with `CI=true`.
pub(crate) fn has(program: &str, package: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(program).is_file()) {
        return true;
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{program} is not installed (Debian's package {package})"
    );
    println!("NOT RUN: {program} is not installed (Debian's package {package})");
    false
}

pub(crate) fn nbdcopy(from: &str, to: &str) {
    let output = Command::new("nbdcopy").args([from, to]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// Bytes that are no other block's.
pub(crate) fn content() -> Vec<u8> {
    (0..SIZE as u32 / 4)
        .flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect()
}
