//! Fixtures, and a folder to call `sealab` and its peers in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use pem_rfc7468::LineEnding;
use serde_json::Value;
use tempfile::TempDir;

/// A fixture of the keys.
pub(crate) fn key(name: &str) -> String {
    format!(
        "{}/../engines/keys/tests/fixtures/{name}",
        env!("CARGO_MANIFEST_DIR")
    )
}

/// A fixture of the images.
pub(crate) fn fixture(name: &str) -> String {
    format!(
        "oci:{}/../engines/layer/tests/fixtures/images/{name}:v1",
        env!("CARGO_MANIFEST_DIR")
    )
}

/// A folder to work in.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealab"));
        command
            .arg("layer")
            .args(arguments)
            .current_dir(self.0.path())
            // Where it would stand for nobody else to see what is left behind.
            .env("TMPDIR", self.0.path())
            .env_remove("OCICRYPT_KEYPROVIDER_CONFIG")
            .stdin(Stdio::null());
        command
    }

    /// Standard output of a call that succeeds without a word on standard error.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), &*stderr), (Some(0), ""), "{arguments:?}");
        assert!(self.leftovers().is_empty(), "{:?}", self.leftovers());
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.done(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// The one line of a call that fails with `code`, leaving nothing behind.
    pub(crate) fn refused(&self, code: i32, arguments: &[&str]) -> String {
        let before = self.names();
        let output = self.command(arguments).output().unwrap();
        self.held(code, &before, arguments, &output)
    }

    pub(crate) fn held(&self, code: i32, before: &[String], arguments: &[&str], output: &Output) -> String {
        let stderr = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        // clap adds where help is.
        let lines = stderr
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with("For more"));
        assert_eq!(lines.count(), 1, "{arguments:?}: {stderr}");
        assert_eq!(self.names(), before, "{arguments:?}");
        stderr
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn leftovers(&self) -> Vec<String> {
        let mut names = self.names();
        names.retain(|name| name.starts_with('.'));
        names
    }

    /// A peer's call, which must succeed.
    pub(crate) fn peer(&self, program: &str, arguments: &[&str]) {
        let output = self.peer_output(program, arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{program} {arguments:?}: {told}");
    }

    pub(crate) fn peer_output(&self, program: &str, arguments: &[&str]) -> Output {
        Command::new(program)
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    pub(crate) fn skopeo(&self, arguments: &[&str]) {
        let base = [
            "--insecure-policy",
            "copy",
            "-q",
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
        ];
        self.peer("skopeo", &[&base[..], arguments].concat());
    }

    /// A private key of the fixtures in PEM, which skopeo needs.
    pub(crate) fn pem(&self, name: &str, label: &str) -> String {
        let der = fs::read(key(&format!("{name}.der"))).unwrap();
        let text = pem_rfc7468::encode_string(label, LineEnding::LF, &der).unwrap();
        let file = format!("{name}.pem");
        fs::write(self.path(&file), text).unwrap();
        file
    }

    /// The files of the image `folder:v1` as umoci unpacks it, with their bytes.
    pub(crate) fn unpacked(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let bundle = format!("{folder}-bundle");
        let image = format!("{folder}:v1");
        self.peer("umoci", &["unpack", "--rootless", "--image", &image, &bundle]);
        let root = self.path(&bundle).join("rootfs");
        let mut files = BTreeMap::new();
        collect(&root, &root, &mut files);
        fs::remove_dir_all(self.path(&bundle)).unwrap();
        files
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

/// The layers' digests of an image in a layout, as `show` tells them.
pub(crate) fn digests(shown: &Value) -> Vec<String> {
    shown["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|layer| layer["digest"].as_str().unwrap().to_owned())
        .collect()
}
