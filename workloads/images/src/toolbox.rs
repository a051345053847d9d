//! The command lines of the methods, with the keys that they need.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sealab_layer::{Format, SALT_BYTES};
use sealab_programs::{End, Measured, ProgramError, Spent, Words, needs, run, words};

use crate::image::TAG;
use crate::{ImagesError, Method};

/// Where an image is, as programs name it.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A layout.
    Layout(PathBuf),
    /// A folder of skopeo's, where it leaves blobs as they are: into a layout it would compress them.
    Folder(PathBuf),
    /// Host, name and tag in a registry.
    Remote(String),
}

impl Place {
    fn word(&self) -> OsString {
        let joined = |before: &str, path: &Path, after: &str| {
            let mut word = OsString::from(before);
            word.push(path);
            word.push(after);
            word
        };
        match self {
            Self::Layout(path) => joined("oci:", path, &format!(":{TAG}")),
            Self::Folder(path) => joined("dir:", path, ""),
            Self::Remote(name) => format!("docker://{name}").into(),
        }
    }
}

/// Keys, and where programs run.
pub(crate) struct Toolbox<'a> {
    place: PathBuf,
    sealab: &'a Path,
    cancelled: &'a AtomicBool,
    limit: Duration,
}

impl<'a> Toolbox<'a> {
    /// Makes the keys in the folder `place`: one key of a recipient for all methods, and one salt.
    pub(crate) fn new(
        place: &Path,
        sealab: &'a Path,
        limit: Duration,
        cancelled: &'a AtomicBool,
    ) -> Result<Self, ImagesError> {
        for (program, package) in [("time", "time"), ("diff", "diffutils"), ("openssl", "openssl")] {
            needs(program, package)?;
        }
        let toolbox = Self {
            place: place.to_owned(),
            sealab,
            cancelled,
            limit,
        };
        let mut make = words(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt"]);
        make.extend(words(["ec_paramgen_curve:P-256", "-out"]));
        make.push(toolbox.key().into());
        toolbox.run(&make)?;
        let mut publish = words(["openssl", "pkey", "-pubout", "-in"]);
        publish.extend([toolbox.key().into(), "-out".into(), toolbox.public().into()]);
        toolbox.run(&publish)?;
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt)
            .map_err(|error| ProgramError::of("the making of a salt", &std::io::Error::other(error)))?;
        fs::write(toolbox.salt(), salt).map_err(ImagesError::at(&toolbox.salt()))?;
        Ok(toolbox)
    }

    fn key(&self) -> PathBuf {
        self.place.join("key.pem")
    }

    fn public(&self) -> PathBuf {
        self.place.join("public.pem")
    }

    fn salt(&self) -> PathBuf {
        self.place.join("salt")
    }

    /// What the method's program calls itself, with its version; fails if it is not there.
    pub(crate) fn version(&self, method: Method) -> Result<String, ImagesError> {
        let said = match method {
            Method::Sealab(_) => self.run(&[self.sealab.into(), "--version".into()])?,
            Method::Copy => {
                needs("cp", "coreutils")?;
                self.run(&words(["cp", "--version"]))?
            }
            Method::Skopeo | Method::SkopeoCopy => {
                needs("skopeo", "skopeo")?;
                self.run(&words(["skopeo", "--version"]))?
            }
        };
        Ok(said.lines().next().unwrap_or_default().trim().to_owned())
    }

    /// Has the method put the image `from` into `to`, encrypted if it encrypts.
    pub(crate) fn encrypt(&self, method: Method, from: &Place, to: &Place) -> Result<Spent, ImagesError> {
        let mut command = match method {
            Method::Copy => return self.copy(from, to),
            Method::SkopeoCopy | Method::Skopeo => {
                let mut command = skopeo();
                if method == Method::Skopeo {
                    command.push("--encryption-key".into());
                    command.push(self.recipient());
                } else if let Place::Remote(_) = to {
                    // It would compress the layer on its way.
                    command.push("--preserve-digests".into());
                }
                command
            }
            Method::Sealab(format) => {
                let mut command: Words = vec![self.sealab.into()];
                command.extend(words([
                    "layer",
                    "encrypt",
                    "--format",
                    format.name(),
                    "--recipient",
                ]));
                command.push(self.recipient());
                if format == Format::Convergent {
                    command.extend(["--salt".into(), self.salt().into()]);
                }
                command
            }
        };
        command.extend([from.word(), to.word()]);
        self.measured(&command)
    }

    /// Has the method bring the image `from` back into `to`.
    pub(crate) fn decrypt(&self, method: Method, from: &Place, to: &Place) -> Result<Spent, ImagesError> {
        let mut command = match method {
            Method::Copy => return self.copy(from, to),
            Method::SkopeoCopy => skopeo(),
            Method::Skopeo => {
                let mut command = skopeo();
                command.extend(["--decryption-key".into(), self.key().into()]);
                command
            }
            Method::Sealab(_) => {
                let mut command: Words = vec![self.sealab.into()];
                command.extend(words(["layer", "decrypt", "--key"]));
                command.push(self.key().into());
                command
            }
        };
        command.extend([from.word(), to.word()]);
        self.measured(&command)
    }

    /// Has the lab's program read `paths` of the image `from` into the new folder `to`.
    pub(crate) fn read(&self, from: &Place, paths: &[PathBuf], to: &Path) -> Result<Spent, ImagesError> {
        let mut command: Words = vec![self.sealab.into()];
        command.extend(words(["layer", "read", "--key"]));
        command.extend([self.key().into(), "--output".into(), to.into(), from.word()]);
        command.extend(
            paths
                .iter()
                .map(|path| Path::new("/").join(path).into_os_string()),
        );
        self.measured(&command)
    }

    /// The blob `compressed` decompressed, beside it.
    pub(crate) fn decompressed(&self, compressed: &Path) -> Result<PathBuf, ImagesError> {
        needs("gzip", "gzip")?;
        let path = compressed.with_file_name("decompressed");
        let ends = (End::File(compressed), End::File(&path));
        self.settings()
            .pipe(&[words(["gzip", "--decompress", "--stdout"])], ends)?;
        Ok(path)
    }

    fn copy(&self, from: &Place, to: &Place) -> Result<Spent, ImagesError> {
        let (Place::Layout(from), Place::Layout(to)) = (from, to) else {
            return Err(ImagesError::Wrong {
                place: "cp".to_owned(),
                found: "an image in a registry".to_owned(),
                expected: "one in a folder".to_owned(),
            });
        };
        let mut command = words(["cp", "-r", "--no-target-directory"]);
        command.extend([from.into(), to.into()]);
        self.measured(&command)
    }

    fn recipient(&self) -> OsString {
        let mut word = OsString::from("jwe:");
        word.push(self.public());
        word
    }

    fn measured(&self, command: &Words) -> Result<Spent, ImagesError> {
        let programs = std::slice::from_ref(command);
        // Pulled images are staged where the measured files are, in memory if they are.
        let environment = [("TMPDIR", self.place.clone())];
        let measured = Measured {
            environment: &environment,
            ..self.settings()
        };
        Ok(measured.pipe(programs, (End::Own, End::Own))?)
    }

    fn settings(&self) -> Measured<'_> {
        Measured {
            place: &self.place,
            environment: &[],
            limit: self.limit,
            cancelled: self.cancelled,
        }
    }

    /// Ends what is waited for when it is set.
    pub(crate) fn cancelled(&self) -> &AtomicBool {
        self.cancelled
    }

    fn run(&self, command: &[OsString]) -> Result<String, ImagesError> {
        let name = command[0].display().to_string();
        let mut program = Command::new(&command[0]);
        program.args(&command[1..]);
        Ok(run(&mut program, &name, self.limit, self.cancelled)?)
    }
}

/// `skopeo copy` without a policy, of registries of this machine.
fn skopeo() -> Words {
    let mut command = words(["skopeo", "--insecure-policy", "copy", "--quiet"]);
    command.extend(words(["--src-tls-verify=false", "--dest-tls-verify=false"]));
    command
}
