//! Which ways of masking CPUID this machine and this executable have, found by trying.

use std::fs::File;
use std::path::PathBuf;

/// The running executable, also where its file has been replaced meanwhile.
pub(crate) const THIS_EXECUTABLE: &str = "/proc/self/exe";

/// The ways that work, each with the executable to start, or why they do not.
#[derive(Debug)]
pub(crate) struct Masking {
    pub(crate) faulting: Result<Executable, String>,
    pub(crate) trap: Result<Executable, String>,
}

/// An executable that puts the mask of its environment in force.
#[derive(Debug)]
pub(crate) struct Executable {
    /// Where a child forked from this process finds it.
    pub(crate) path: PathBuf,
    /// Its trapped instructions, relative to the anchor.
    pub(crate) sites: Vec<i64>,
    /// What was found, in one line.
    pub(crate) description: String,
    /// Keeps the file behind `path` open.
    pub(crate) _file: Option<File>,
}

impl Masking {
    /// Tries one way after the other.
    #[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
    pub(crate) fn find() -> Self {
        trial::find()
    }

    /// Elsewhere there is none.
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")))]
    pub(crate) fn find() -> Self {
        let reason = "CPU features can be hidden on x86-64 Linux with glibc only";
        Self {
            faulting: Err(reason.to_owned()),
            trap: Err(reason.to_owned()),
        }
    }
}

#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod trial {
    use std::env;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};
    use std::sync::atomic::Ordering;

    use super::{Executable, Masking, THIS_EXECUTABLE};
    use crate::feature::feature;
    use crate::imposed::PREINIT_RAN;
    use crate::mask::{self, Mask};
    use crate::preinit::PROBE_ANSWER;
    use crate::{Mechanism, image};

    pub(super) fn find() -> Masking {
        // A child that does not run the entry would run `main` in place of the trial.
        if !PREINIT_RAN.load(Ordering::Relaxed) {
            let reason = "the C library did not run this executable's .preinit_array";
            return Masking {
                faulting: Err(reason.to_owned()),
                trap: Err(reason.to_owned()),
            };
        }
        let this = Executable {
            path: THIS_EXECUTABLE.into(),
            sites: Vec::new(),
            description: "the CPU faults on CPUID".to_owned(),
            _file: None,
        };
        match probe(Mechanism::CpuidFaulting, this) {
            Ok(executable) => Masking {
                faulting: Ok(executable),
                trap: Err("not needed beside cpuid-faulting".to_owned()),
            },
            Err(reason) => Masking {
                faulting: Err(reason),
                trap: trapped(),
            },
        }
    }

    fn trapped() -> Result<Executable, String> {
        let executable = image::of_this_executable().map_err(|error| error.to_string())?;
        probe(Mechanism::CpuidTrap, executable)
    }

    /// Has a child put a mask in force and execute CPUID once.
    fn probe(mechanism: Mechanism, executable: Executable) -> Result<Executable, String> {
        let hidden: Vec<_> = feature("aes").into_iter().collect();
        let mask =
            Mask::new(mechanism, true, &hidden, &executable.sites).map_err(|error| error.to_string())?;
        let output = Command::new(&executable.path)
            .arg0(env::args_os().next().unwrap_or_default())
            .env(mask::VARIABLE, mask.to_string())
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("a trial process cannot be started: {error}"))?;
        if output.status.success() && output.stdout == PROBE_ANSWER.as_bytes() {
            return Ok(executable);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said
            .lines()
            .last()
            .map(|line| line.trim_start_matches("sealab: "))
            .unwrap_or_default();
        if said.is_empty() {
            Err(format!("a trial process ended with {}", output.status))
        } else {
            Err(said.to_owned())
        }
    }
}
