//! The peers with their command lines.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde::Serialize;

use super::measured::{End, Spent, Words, pipe};
use super::needs;
use crate::{CriuError, bounded};

/// Who a made-up key belongs to.
const OWNER: &str = "sealab <sealab@localhost>";

/// A way to store a set.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// `cp -r`: what others are measured against.
    Copy,
    /// `tar` alone.
    Tar,
    /// `tar | gpg --symmetric` with AES-256, without compression.
    GpgSymmetric,
    /// The same with gpg's own compression, as it is by default.
    GpgSymmetricCompressed,
    /// `tar | gpg --encrypt` to a public key of gpg's default kind, with AES-256, without compression.
    GpgPublic,
    /// The same with gpg's own compression, as it is by default.
    GpgPublicCompressed,
    /// `tar | openssl enc -aes-256-ctr -pbkdf2`: no integrity.
    OpensslEnc,
    /// `tar | age` to an X25519 recipient.
    Age,
}

impl Tool {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Copy,
        Self::Tar,
        Self::GpgSymmetric,
        Self::GpgSymmetricCompressed,
        Self::GpgPublic,
        Self::GpgPublicCompressed,
        Self::OpensslEnc,
        Self::Age,
    ];

    /// The name, as records have it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Tar => "tar",
            Self::GpgSymmetric => "gpg-symmetric",
            Self::GpgSymmetricCompressed => "gpg-symmetric-compressed",
            Self::GpgPublic => "gpg-public",
            Self::GpgPublicCompressed => "gpg-public-compressed",
            Self::OpensslEnc => "openssl-enc",
            Self::Age => "age",
        }
    }

    fn is_gpg(self) -> bool {
        self.id().starts_with("gpg")
    }
}

/// A peer that is there and has its key.
pub(super) struct Prepared {
    pub(super) tool: Tool,
    pub(super) version: String,
    place: PathBuf,
    /// The filter that seals, and the one that opens.
    seal: Words,
    open: Words,
}

impl Prepared {
    /// Makes keys in `place`, the peer's own folder.
    pub(super) fn new(
        tool: Tool,
        place: &Path,
        limit: Duration,
        cancelled: &AtomicBool,
    ) -> Result<Self, CriuError> {
        // Without GNU time nothing is measured.
        needs("time", "time")?;
        let run = |words: &Words| {
            let mut command = Command::new(&words[0]);
            command.args(&words[1..]).env("GNUPGHOME", place.join("gnupg"));
            bounded::run(&mut command, &words[0].display().to_string(), limit, cancelled)
        };
        let (program, package, version): (&'static str, &'static str, &str) = match tool {
            Tool::Copy => ("cp", "coreutils", "--version"),
            Tool::Tar => ("tar", "tar", "--version"),
            Tool::OpensslEnc => ("openssl", "openssl", "version"),
            Tool::Age => ("age", "age", "--version"),
            _ => ("gpg", "gnupg", "--version"),
        };
        for (program, package) in [("tar", "tar"), ("diff", "diffutils"), (program, package)] {
            needs(program, package)?;
        }
        let version = run(&words([program, version]))?;
        let version = version.lines().next().unwrap_or_default().trim().to_owned();
        let passphrase = place.join("passphrase");
        secret(&passphrase)?;
        let (seal, open) = match tool {
            Tool::Copy | Tool::Tar => (Vec::new(), Vec::new()),
            Tool::OpensslEnc => {
                let mut seal = words(["openssl", "enc", "-aes-256-ctr", "-pbkdf2", "-pass"]);
                let mut pass = OsString::from("file:");
                pass.push(&passphrase);
                seal.push(pass);
                let mut open = seal.clone();
                open.push("-d".into());
                (seal, open)
            }
            Tool::Age => {
                needs("age-keygen", "age")?;
                let key = place.join("age-key").into_os_string();
                run(&["age-keygen".into(), "-o".into(), key.clone()].into())?;
                let recipient = run(&["age-keygen".into(), "-y".into(), key.clone()].into())?;
                let seal = words(["age", "--encrypt", "--recipient", recipient.trim()]);
                let mut open = words(["age", "--decrypt", "--identity"]);
                open.push(key);
                (seal, open)
            }
            _ => {
                let home = place.join("gnupg");
                fs::create_dir(&home)
                    .and_then(|()| fs::set_permissions(&home, fs::Permissions::from_mode(0o700)))
                    .map_err(CriuError::at(&home))?;
                let gpg = |more: &[&str]| {
                    let mut all = words([
                        "gpg",
                        "--batch",
                        "--quiet",
                        "--no-options",
                        "--pinentry-mode",
                        "loopback",
                    ]);
                    all.extend(more.iter().map(OsString::from));
                    all
                };
                let secret = passphrase.display().to_string();
                let mut seal = if matches!(tool, Tool::GpgSymmetric | Tool::GpgSymmetricCompressed) {
                    gpg(&["--symmetric", "--passphrase-file", &secret])
                } else {
                    run(&gpg(&[
                        "--passphrase",
                        "",
                        "--quick-generate-key",
                        OWNER,
                        "default",
                        "default",
                        "never",
                    ]))?;
                    gpg(&["--encrypt", "--trust-model", "always", "--recipient", OWNER])
                };
                seal.extend(words(["--cipher-algo", "AES256"]));
                if matches!(tool, Tool::GpgSymmetric | Tool::GpgPublic) {
                    seal.extend(words(["--compress-algo", "none"]));
                }
                // gpg starts its agent, and the agent measures how fast it hashes passphrases, once.
                run(&seal)?;
                (seal, gpg(&["--decrypt", "--passphrase-file", &secret]))
            }
        };
        Ok(Self {
            tool,
            version,
            place: place.to_owned(),
            seal,
            open,
        })
    }

    /// Stores the set in `images` as `sealed`.
    pub(super) fn seal(
        &self,
        images: &Path,
        sealed: &Path,
        limit: Duration,
        cancelled: &AtomicBool,
    ) -> Result<Spent, CriuError> {
        if self.tool == Tool::Copy {
            return self.copy(images, sealed, limit, cancelled);
        }
        let mut programs = vec![tar("-cf", images)];
        programs[0].push(".".into());
        programs.extend(self.filter(&self.seal));
        pipe(
            &programs,
            (End::Own, End::File(sealed)),
            &self.place,
            limit,
            cancelled,
        )
    }

    /// Brings the set back into the empty folder `opened`.
    pub(super) fn open(
        &self,
        sealed: &Path,
        opened: &Path,
        limit: Duration,
        cancelled: &AtomicBool,
    ) -> Result<Spent, CriuError> {
        if self.tool == Tool::Copy {
            return self.copy(sealed, opened, limit, cancelled);
        }
        let mut programs: Vec<Words> = self.filter(&self.open).into_iter().collect();
        programs.push(tar("-xf", opened));
        pipe(
            &programs,
            (End::File(sealed), End::Own),
            &self.place,
            limit,
            cancelled,
        )
    }

    fn filter(&self, words: &Words) -> Option<Words> {
        (!words.is_empty()).then(|| words.clone())
    }

    fn copy(
        &self,
        from: &Path,
        to: &Path,
        limit: Duration,
        cancelled: &AtomicBool,
    ) -> Result<Spent, CriuError> {
        let mut command = words(["cp", "-r", "--no-target-directory"]);
        command.extend([from.into(), to.into()]);
        pipe(&[command], (End::Own, End::Own), &self.place, limit, cancelled)
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if self.tool.is_gpg() {
            // gpg has started an agent for its home; without this it would find out by itself only after a while.
            let mut command = Command::new("gpgconf");
            command
                .arg("--homedir")
                .arg(self.place.join("gnupg"))
                .args(["--kill", "all"]);
            let never = AtomicBool::new(false);
            let _ = bounded::run(&mut command, "gpgconf", Duration::from_secs(10), &never);
        }
    }
}

fn tar(action: &str, folder: &Path) -> Words {
    vec![
        "tar".into(),
        "-C".into(),
        folder.into(),
        action.into(),
        "-".into(),
    ]
}

fn words<const N: usize>(words: [&str; N]) -> Words {
    words.map(OsString::from).to_vec()
}

/// Writes a random passphrase.
fn secret(path: &Path) -> Result<(), CriuError> {
    let mut bytes = [0; 24];
    let mut rest = &mut bytes[..];
    while !rest.is_empty() {
        let count = rustix::rand::getrandom(&mut *rest, rustix::rand::GetRandomFlags::empty())
            .map_err(|error| bounded::failed("the making of a passphrase", &error.into()))?;
        rest = &mut rest[count..];
    }
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(path, text).map_err(CriuError::at(path))
}
