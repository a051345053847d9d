//! A private swtpm in a folder of its own, and tpm2-tools that ask it.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use sealab_tpm::{AuthValue, NvIndex, SocketTransport, TpmCounter, TpmError};
use sealab_volume::counter::TrustedCounter;
use tempfile::TempDir;

/// The authorization value of the tests' counters.
pub(crate) const SECRET: &[u8] = b"an authorization value of a test";

/// A software TPM that runs until it is dropped.
pub(crate) struct Machine {
    folder: TempDir,
    running: Option<Child>,
}

/// Whether the programs are there; says so where a test cannot run, which is a failure with `CI=true`.
pub(crate) fn have(test: &str, programs: &[&str]) -> bool {
    let missing: Vec<_> = programs
        .iter()
        .filter(|program| Command::new(program).arg("--version").output().is_err())
        .collect();
    assert!(
        missing.is_empty() || std::env::var("CI").as_deref() != Ok("true"),
        "{test} did not run: {missing:?} missing"
    );
    if !missing.is_empty() {
        println!("NOT RUN: {test}: {missing:?} missing");
    }
    missing.is_empty()
}

impl Machine {
    /// A new TPM, started; `None` where the programs that `test` needs are missing.
    pub(crate) fn new(test: &str) -> Option<Self> {
        Self::with_flags(test, "not-need-init,startup-clear")
    }

    pub(crate) fn with_flags(test: &str, flags: &str) -> Option<Self> {
        if !have(test, &["swtpm", "tpm2_nvread"]) {
            return None;
        }
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("state")).unwrap();
        let mut machine = Self {
            folder,
            running: None,
        };
        machine.start(flags);
        Some(machine)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("socket")
    }

    pub(crate) fn start(&mut self, flags: &str) {
        let shown = |name: &str| self.path(name).display().to_string();
        // tpm2-tools look for the control socket by this name.
        let running = Command::new("swtpm")
            .args(["socket", "--tpm2", "--flags", flags])
            .args(["--tpmstate", &format!("dir={}", shown("state"))])
            .args(["--ctrl", &format!("type=unixio,path={}", shown("socket.ctrl"))])
            .args(["--server", &format!("type=unixio,path={}", shown("socket"))])
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.path("said")).unwrap())
            .spawn()
            .unwrap();
        self.running = Some(running);
        for _ in 0..500 {
            if UnixStream::connect(self.socket()).is_ok() {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        let said = fs::read_to_string(self.path("said")).unwrap();
        panic!("swtpm did not come up: {said}");
    }

    /// Stops it as a power cut does.
    pub(crate) fn stop(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.kill().unwrap();
            running.wait().unwrap();
        }
        for name in ["socket", "socket.ctrl"] {
            let _ = fs::remove_file(self.path(name));
        }
    }

    pub(crate) fn restart(&mut self) {
        self.stop();
        self.start("not-need-init,startup-clear");
    }

    /// What is in the TPM's non-volatile memory, to be put back; it must not run.
    pub(crate) fn state(&self) -> Vec<(PathBuf, Vec<u8>)> {
        assert!(self.running.is_none());
        let entries = fs::read_dir(self.path("state")).unwrap();
        let files = entries.map(|entry| entry.unwrap().path());
        files
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect()
    }

    pub(crate) fn transport(&self) -> Box<SocketTransport> {
        Box::new(SocketTransport::unix(self.socket()).unwrap())
    }

    pub(crate) fn create(&self, index: u32) -> TpmCounter {
        TpmCounter::create(self.transport(), at(index), secret(), &AuthValue::default()).unwrap()
    }

    pub(crate) fn open(&self, index: u32) -> Result<TpmCounter, TpmError> {
        TpmCounter::open(self.transport(), at(index), secret())
    }

    /// The number of a counter, which nobody else has open: swtpm serves one connection at a time.
    pub(crate) fn value(&self, index: u32) -> u64 {
        self.open(index).unwrap().value().unwrap()
    }

    /// What one of tpm2-tools prints; it must succeed.
    pub(crate) fn tool(&self, command: &str) -> Vec<u8> {
        let mut words = command.split_whitespace();
        let output = Command::new(words.next().unwrap())
            .args(words)
            .env(
                "TPM2TOOLS_TCTI",
                format!("swtpm:path={}", self.socket().display()),
            )
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {said}");
        output.stdout
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(crate) fn at(index: u32) -> NvIndex {
    NvIndex::new(index).unwrap()
}

pub(crate) fn secret() -> AuthValue {
    AuthValue::new(SECRET).unwrap()
}

/// [`SECRET`] as tpm2-tools take it.
pub(crate) fn secret_option() -> String {
    let digits: Vec<_> = SECRET.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("hex:{}", digits.concat())
}
