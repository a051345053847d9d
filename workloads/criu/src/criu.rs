//! A CRIU that works on this machine.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rustix::process::geteuid;
use sealab_programs::{in_path, is_program, last_lines, run};

use crate::{CriuError, Unavailable};

/// Names the program, instead of all other places.
const VARIABLE: &str = "SEALAB_CRIU";
/// Where `ci/criu` puts it, below a checkout.
const FETCHED: &str = "target/peers/criu/criu";
/// How long a check of the kernel may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A CRIU that has checked this kernel and is content with it.
#[derive(Clone, Debug)]
pub struct Criu {
    program: PathBuf,
    version: String,
    pub(crate) mixture: Vec<OsString>,
}

impl Criu {
    /// Looks for a CRIU: the one that SEALAB_CRIU names, and nothing else if it is set; the system's; the one that
    /// `ci/criu` has fetched, in `target/peers/criu` of the folder of this program or the working one, or of a folder
    /// above.
    ///
    /// # Errors
    /// Not root, or none that `criu check` is content with.
    pub fn find() -> Result<Self, Unavailable> {
        if !geteuid().is_root() {
            return Err(Unavailable::NotRoot);
        }
        let named = env::var_os(VARIABLE).filter(|program| !program.is_empty());
        let candidates = match named {
            Some(program) => vec![PathBuf::from(program)],
            None => places(),
        };
        let mut tried = Vec::new();
        for program in candidates {
            match check(&program) {
                Ok(version) => {
                    return Ok(Self {
                        program,
                        version,
                        mixture: Vec::new(),
                    });
                }
                Err(error) => tried.push(format!("{}: {error}", program.display())),
            }
        }
        if tried.is_empty() {
            tried.push("none is installed".to_owned());
        }
        let tried = tried.join("; ");
        Err(Unavailable::NoCriu { tried })
    }

    /// The command line that calls [`crate::mixture`]; the size in bytes and a file follow it as two more words.
    #[must_use]
    pub fn with_mixture(mut self, command: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.mixture = command.into_iter().map(Into::into).collect();
        self
    }

    /// The program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Its version, as it says it: `4.1.1`.
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// The files that may be a CRIU, the preferred one first.
fn places() -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = in_path("criu").into_iter().collect();
    let starts = [env::current_exe().ok(), env::current_dir().ok()];
    for start in starts.iter().flatten() {
        let fetched = start.ancestors().map(|folder| folder.join(FETCHED));
        places.extend(fetched.filter(|file| is_ours(file)).take(1));
    }
    places.dedup();
    places
}

/// Whether root may start what stands there: nobody else can have put it there.
fn is_ours(file: &Path) -> bool {
    let Ok(metadata) = fs::metadata(file) else {
        return false;
    };
    metadata.uid() == 0 && metadata.mode() & 0o022 == 0 && is_program(file)
}

/// The version of a CRIU that works.
fn check(program: &Path) -> Result<String, CriuError> {
    let never = AtomicBool::new(false);
    let said = run(
        Command::new(program).arg("--version"),
        "criu --version",
        PATIENCE,
        &never,
    )?;
    run(Command::new(program).arg("check"), "criu check", PATIENCE, &never)?;
    let version = said.lines().find_map(|line| line.strip_prefix("Version:"));
    let version = version.ok_or_else(|| CriuError::Failed {
        what: "criu --version".to_owned(),
        status: "no version".to_owned(),
        message: last_lines(&said),
    })?;
    Ok(version.trim().to_owned())
}
