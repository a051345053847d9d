//! The peers' command lines, with the keys that they need.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sealab_programs::{End, Measured, ProgramError, Spent, Words, needs, run, words};

use super::Tool;
use crate::{CriuError, Unavailable};

/// Who a made-up key belongs to.
const OWNER: &str = "sealab <sealab@localhost>";

/// A peer that is there and has its key.
pub(super) struct Prepared {
    pub(super) tool: Tool,
    pub(super) version: String,
    place: PathBuf,
    steps: Steps,
}

/// How a peer seals and opens.
enum Steps {
    /// Filters of an archive; empty where it is stored as it is.
    Filters { seal: Words, open: Words },
    /// Commands that take two folders, from and to, as their last words.
    Folders { seal: Words, open: Words },
}

/// Where keys are made.
struct Workshop<'a> {
    place: &'a Path,
    limit: Duration,
    cancelled: &'a AtomicBool,
}

impl Prepared {
    /// Makes keys in `place`, the peer's own folder. `sealab` is the lab's own program.
    pub(super) fn new(
        tool: Tool,
        sealab: Option<&Path>,
        place: &Path,
        limit: Duration,
        cancelled: &AtomicBool,
    ) -> Result<Self, CriuError> {
        let workshop = Workshop {
            place,
            limit,
            cancelled,
        };
        // Without GNU time nothing is measured.
        for (program, package) in [("time", "time"), ("tar", "tar"), ("diff", "diffutils")] {
            needs(program, package)?;
        }
        let (program, package, version): (&'static str, &'static str, &str) = match tool {
            Tool::Copy => ("cp", "coreutils", "--version"),
            Tool::Tar => ("tar", "tar", "--version"),
            Tool::OpensslEnc => ("openssl", "openssl", "version"),
            Tool::Age => ("age", "age", "--version"),
            Tool::CriuPr2297 | Tool::SealedCheckpoint | Tool::SealedCheckpointCompressed => {
                // It makes the key.
                ("openssl", "openssl", "version")
            }
            _ => ("gpg", "gnupg", "--version"),
        };
        let program = needs(program, package)?.into_os_string();
        let steps = match tool {
            Tool::Copy => Steps::Folders {
                seal: words(["cp", "-r", "--no-target-directory"]),
                open: words(["cp", "-r", "--no-target-directory"]),
            },
            Tool::Tar => Steps::Filters {
                seal: Vec::new(),
                open: Vec::new(),
            },
            Tool::OpensslEnc => workshop.openssl()?,
            Tool::Age => workshop.age()?,
            Tool::CriuPr2297 | Tool::SealedCheckpoint | Tool::SealedCheckpointCompressed => {
                workshop.sealab(tool, sealab.ok_or(Unavailable::NoSealab)?)?
            }
            _ => workshop.gpg(tool)?,
        };
        let asked = match sealab {
            Some(sealab) if tool.format().is_some() => vec![sealab.into(), "--version".into()],
            _ => vec![program, version.into()],
        };
        let version = workshop.run(&asked)?;
        let version = version.lines().next().unwrap_or_default().trim().to_owned();
        Ok(Self {
            tool,
            version,
            place: place.to_owned(),
            steps,
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
        match &self.steps {
            Steps::Filters { seal, .. } => {
                let mut programs = vec![tar("-cf", images)];
                programs[0].push(".".into());
                programs.extend((!seal.is_empty()).then(|| seal.clone()));
                let ends = (End::Own, End::File(sealed));
                self.pipe(&programs, ends, limit, cancelled)
            }
            Steps::Folders { seal, .. } => self.folders(seal, images, sealed, limit, cancelled),
        }
    }

    /// Brings the set back into the folder `opened`, which is not there yet.
    pub(super) fn open(
        &self,
        sealed: &Path,
        opened: &Path,
        limit: Duration,
        cancelled: &AtomicBool,
    ) -> Result<Spent, CriuError> {
        match &self.steps {
            Steps::Filters { open, .. } => {
                fs::create_dir(opened).map_err(CriuError::at(opened))?;
                let mut programs: Vec<Words> = (!open.is_empty()).then(|| open.clone()).into_iter().collect();
                programs.push(tar("-xf", opened));
                let ends = (End::File(sealed), End::Own);
                self.pipe(&programs, ends, limit, cancelled)
            }
            Steps::Folders { open, .. } => self.folders(open, sealed, opened, limit, cancelled),
        }
    }

    fn folders(
        &self,
        words: &Words,
        from: &Path,
        to: &Path,
        limit: Duration,
        cancelled: &AtomicBool,
    ) -> Result<Spent, CriuError> {
        let mut command = words.clone();
        command.extend([from.into(), to.into()]);
        self.pipe(&[command], (End::Own, End::Own), limit, cancelled)
    }

    fn pipe(
        &self,
        programs: &[Words],
        ends: (End<'_>, End<'_>),
        limit: Duration,
        cancelled: &AtomicBool,
    ) -> Result<Spent, CriuError> {
        let measured = Measured {
            place: &self.place,
            environment: &[("GNUPGHOME", self.place.join("gnupg"))],
            limit,
            cancelled,
        };
        Ok(measured.pipe(programs, ends)?)
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
            let _ = run(&mut command, "gpgconf", Duration::from_secs(10), &never);
        }
    }
}

impl Workshop<'_> {
    fn run(&self, words: &[OsString]) -> Result<String, CriuError> {
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .env("GNUPGHOME", self.place.join("gnupg"));
        let name = words[0].display().to_string();
        Ok(run(&mut command, &name, self.limit, self.cancelled)?)
    }

    /// Writes a random passphrase.
    fn passphrase(&self) -> Result<PathBuf, CriuError> {
        let path = self.place.join("passphrase");
        let mut bytes = [0; 24];
        let mut rest = &mut bytes[..];
        while !rest.is_empty() {
            let count = rustix::rand::getrandom(&mut *rest, rustix::rand::GetRandomFlags::empty())
                .map_err(|error| ProgramError::of("the making of a passphrase", &error.into()))?;
            rest = &mut rest[count..];
        }
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(&path, text).map_err(CriuError::at(&path))?;
        Ok(path)
    }

    fn openssl(&self) -> Result<Steps, CriuError> {
        let mut seal = words(["openssl", "enc", "-aes-256-ctr", "-pbkdf2", "-pass"]);
        seal.push(joined("file:", self.passphrase()?));
        let mut open = seal.clone();
        open.push("-d".into());
        Ok(Steps::Filters { seal, open })
    }

    fn age(&self) -> Result<Steps, CriuError> {
        needs("age-keygen", "age")?;
        let key = self.place.join("age-key").into_os_string();
        self.run(&["age-keygen".into(), "-o".into(), key.clone()])?;
        let recipient = self.run(&["age-keygen".into(), "-y".into(), key.clone()])?;
        let seal = words(["age", "--encrypt", "--recipient", recipient.trim()]);
        let mut open = words(["age", "--decrypt", "--identity"]);
        open.push(key);
        Ok(Steps::Filters { seal, open })
    }

    fn gpg(&self, tool: Tool) -> Result<Steps, CriuError> {
        let home = self.place.join("gnupg");
        fs::create_dir(&home)
            .and_then(|()| fs::set_permissions(&home, fs::Permissions::from_mode(0o700)))
            .map_err(CriuError::at(&home))?;
        let gpg = |more: &[&str]| {
            let mut all = words(["gpg", "--batch", "--quiet", "--no-options"]);
            all.extend(words(["--pinentry-mode", "loopback"]));
            all.extend(more.iter().map(OsString::from));
            all
        };
        let secret = self.passphrase()?.display().to_string();
        let mut seal = if matches!(tool, Tool::GpgSymmetric | Tool::GpgSymmetricCompressed) {
            gpg(&["--symmetric", "--passphrase-file", &secret])
        } else {
            let mut key = gpg(&["--passphrase", "", "--quick-generate-key", OWNER]);
            key.extend(words(["default", "default", "never"]));
            self.run(&key)?;
            gpg(&["--encrypt", "--trust-model", "always", "--recipient", OWNER])
        };
        seal.extend(words(["--cipher-algo", "AES256"]));
        if matches!(tool, Tool::GpgSymmetric | Tool::GpgPublic) {
            seal.extend(words(["--compress-algo", "none"]));
        }
        // gpg starts its agent, and the agent measures how fast it hashes passphrases, once.
        self.run(&seal)?;
        let open = gpg(&["--decrypt", "--passphrase-file", &secret]);
        Ok(Steps::Filters { seal, open })
    }

    fn sealab(&self, tool: Tool, program: &Path) -> Result<Steps, CriuError> {
        let (key, public) = (self.place.join("key.pem"), self.place.join("public.pem"));
        let kind: &[&str] = match tool {
            Tool::CriuPr2297 => &["RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
            _ => &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        };
        let mut make = words(["openssl", "genpkey", "-algorithm"]);
        make.extend(kind.iter().map(OsString::from));
        make.extend(["-out".into(), key.clone().into_os_string()]);
        self.run(&make)?;
        let mut publish = match tool {
            Tool::CriuPr2297 => words(["openssl", "req", "-x509", "-subj", "/CN=sealab", "-key"]),
            _ => words(["openssl", "pkey", "-pubout", "-in"]),
        };
        publish.extend([key.clone().into(), "-out".into(), public.clone().into()]);
        self.run(&publish)?;
        let mut seal: Words = vec![program.into(), "checkpoint".into(), "seal".into()];
        seal.extend([
            "--format".into(),
            OsString::from(tool.format().unwrap_or_default()),
            "--recipient".into(),
            public.into(),
        ]);
        if tool == Tool::SealedCheckpointCompressed {
            seal.extend(words(["--compress", "auto"]));
        }
        let mut open: Words = vec![program.into(), "checkpoint".into(), "open".into()];
        open.extend(["--key".into(), key.into()]);
        Ok(Steps::Folders { seal, open })
    }
}

fn joined(before: &str, path: impl AsRef<OsStr>) -> OsString {
    let mut all = OsString::from(before);
    all.push(path);
    all
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
