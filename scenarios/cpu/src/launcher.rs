//! Starts this executable again under a CPU profile.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::mask::{self, Mask};
use crate::masking::{Executable, Masking};
use crate::{Mechanism, Profile};

/// Makes commands that run this executable under CPU profiles.
///
/// What the machine has is found out once, when the first profile is asked for that hides anything: a child process
/// tries each mechanism and ends before its `main`.
#[derive(Debug, Default)]
pub struct Launcher {
    masking: OnceLock<Masking>,
}

/// A command that runs this executable under a CPU profile.
#[derive(Debug)]
pub struct PreparedCommand {
    /// The command, without arguments. Its executable may be one in memory that the [`Launcher`] holds, so it must be
    /// started by this process and while the launcher lives. Its environment is that of this process, save what
    /// profiles set.
    pub command: Command,
    /// What hides the features from the engine.
    pub mechanism: Mechanism,
}

/// Whether this machine and this executable have a mechanism.
#[derive(Clone, Debug)]
pub struct Availability {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// Whether it can be had.
    pub available: bool,
    /// What was found, or why it cannot be had, in one line.
    pub explanation: String,
}

/// An engine cannot be had under a CPU profile.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct ProfileUnavailable {
    /// Why, in one line.
    pub reason: String,
}

impl Launcher {
    /// A launcher that has tried nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What this machine and this executable have, in the order of preference.
    pub fn availability(&self) -> Vec<Availability> {
        let masking = self.masking();
        [
            (Mechanism::CpuidFaulting, &masking.faulting),
            (Mechanism::CpuidTrap, &masking.trap),
        ]
        .into_iter()
        .map(|(mechanism, outcome)| Availability {
            mechanism,
            available: outcome.is_ok(),
            explanation: match outcome {
                Ok(executable) => executable.description.clone(),
                Err(reason) => reason.clone(),
            },
        })
        .collect()
    }

    /// The command that runs `engine` under `profile`. The worker's own arguments are for the caller to add.
    pub fn command(&self, profile: &Profile, engine: &str) -> Result<PreparedCommand, ProfileUnavailable> {
        if profile.features().is_empty() {
            return Ok(PreparedCommand {
                command: clean(&this_executable()?, profile),
                mechanism: Mechanism::None,
            });
        }
        let switches = profile.switches(engine);
        let masking = self.masking();
        let (mut command, mechanism) = match (&masking.faulting, &masking.trap) {
            (Ok(executable), _) => (
                masked(executable, Mechanism::CpuidFaulting, profile)?,
                Mechanism::CpuidFaulting,
            ),
            (Err(faulting), Ok(executable)) => {
                let command = masked(executable, Mechanism::CpuidTrap, profile)?;
                if !profile.is_opened_at_run_time(engine) {
                    (command, Mechanism::CpuidTrap)
                } else if switches.is_some() {
                    (command, Mechanism::LibrarySwitches)
                } else {
                    return Err(unavailable(format!(
                        "the library is opened at run time, out of reach of cpuid-trap, and has no switches for the \
                         CPU profile {}; cpuid-faulting: {faulting}",
                        profile.id()
                    )));
                }
            }
            (Err(_), Err(_)) if switches.is_some() => {
                (clean(&this_executable()?, profile), Mechanism::LibrarySwitches)
            }
            (Err(faulting), Err(trap)) => {
                return Err(unavailable(format!(
                    "the library has no switches for the CPU profile {}; cpuid-faulting: {faulting}; cpuid-trap: {trap}",
                    profile.id()
                )));
            }
        };
        command.envs(profile.environment());
        if mechanism == Mechanism::LibrarySwitches {
            command.envs(switches.into_iter().flatten());
        }
        Ok(PreparedCommand { command, mechanism })
    }

    fn masking(&self) -> &Masking {
        self.masking.get_or_init(Masking::find)
    }
}

#[cfg(target_os = "linux")]
fn this_executable() -> Result<PathBuf, ProfileUnavailable> {
    Ok(crate::masking::THIS_EXECUTABLE.into())
}

#[cfg(not(target_os = "linux"))]
fn this_executable() -> Result<PathBuf, ProfileUnavailable> {
    env::current_exe().map_err(|error| unavailable(format!("this executable cannot be found: {error}")))
}

/// A command without anything that a profile sets, so that `native` is native whatever the user's shell exports.
fn clean(executable: &Path, profile: &Profile) -> Command {
    let mut command = Command::new(executable);
    #[cfg(unix)]
    if let Some(name) = env::args_os().next() {
        std::os::unix::process::CommandExt::arg0(&mut command, name);
    }
    for variable in profile.variables() {
        command.env_remove(variable);
    }
    command.env_remove(mask::VARIABLE);
    command
}

fn masked(
    executable: &Executable,
    mechanism: Mechanism,
    profile: &Profile,
) -> Result<Command, ProfileUnavailable> {
    let mask = Mask::new(mechanism, false, profile.features(), &executable.sites)
        .map_err(|error| unavailable(format!("no {mechanism}: {error}")))?;
    let mut command = clean(&executable.path, profile);
    command.env(mask::VARIABLE, mask.to_string());
    Ok(command)
}

fn unavailable(reason: String) -> ProfileUnavailable {
    ProfileUnavailable { reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profiles;

    fn launcher(faulting: bool, trap: bool) -> Launcher {
        let outcome = |there: bool, sites: Vec<i64>| {
            let executable = Executable {
                path: "/nowhere".into(),
                sites,
                description: String::new(),
                _file: None,
            };
            there.then_some(executable).ok_or_else(|| "refused".to_owned())
        };
        let masking = Masking {
            faulting: outcome(faulting, vec![]),
            trap: outcome(trap, vec![1]),
        };
        Launcher {
            masking: OnceLock::from(masking),
        }
    }

    /// The mechanism, and whether mask and switch are set.
    fn outcome(launcher: &Launcher, engine: &str) -> Result<(Mechanism, bool, bool), String> {
        let text = "
opened_at_run_time: [opened, opened-without]
profiles:
  - id: no-aes
    description: d
    hides: [aes]
    switches: {linked: {SWITCH: a}, opened: {SWITCH: b}}
";
        let profiles = Profiles::parse(text, "p.yaml").unwrap();
        let PreparedCommand { command, mechanism } = launcher
            .command(profiles.get("no-aes").unwrap(), engine)
            .map_err(|error| error.to_string())?;
        let set = |name: &str| {
            command
                .get_envs()
                .any(|(key, value)| key == name && value.is_some())
        };
        Ok((mechanism, set(mask::VARIABLE), set("SWITCH")))
    }

    #[test]
    fn faulting_reaches_every_engine_without_switches() {
        for engine in ["linked", "linked-without", "opened", "opened-without"] {
            let found = outcome(&launcher(true, false), engine);
            assert_eq!(found, Ok((Mechanism::CpuidFaulting, true, false)), "{engine}");
        }
    }

    #[test]
    fn traps_reach_linked_engines_and_the_others_need_switches() {
        let launcher = launcher(false, true);
        assert_eq!(
            outcome(&launcher, "linked"),
            Ok((Mechanism::CpuidTrap, true, false))
        );
        assert_eq!(
            outcome(&launcher, "linked-without"),
            Ok((Mechanism::CpuidTrap, true, false))
        );
        assert_eq!(
            outcome(&launcher, "opened"),
            Ok((Mechanism::LibrarySwitches, true, true))
        );
        let reason = outcome(&launcher, "opened-without").unwrap_err();
        assert!(
            reason.contains("out of reach") && reason.contains("refused"),
            "{reason}"
        );
    }

    #[test]
    fn without_a_mask_switches_are_all_there_is() {
        let launcher = launcher(false, false);
        assert_eq!(
            outcome(&launcher, "linked"),
            Ok((Mechanism::LibrarySwitches, false, true))
        );
        assert_eq!(
            outcome(&launcher, "opened"),
            Ok((Mechanism::LibrarySwitches, false, true))
        );
        for engine in ["linked-without", "opened-without"] {
            let reason = outcome(&launcher, engine).unwrap_err();
            assert!(
                reason.contains("has no switches") && reason.contains("refused"),
                "{reason}"
            );
        }
    }
}
