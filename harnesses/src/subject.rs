//! What is put to the vectors: one implementation under one CPU profile.

use std::process::Command;
use std::time::Duration;

/// How long a harness under this machine's own CPU may take for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// How much longer under an emulated one.
pub(crate) const EMULATION_FACTOR: u32 = 6;

/// One implementation under one CPU profile.
#[derive(Debug)]
pub struct Subject {
    /// The engine's or harness's identifier.
    pub name: String,
    /// The CPU profile, or `qemu-MODEL`.
    pub cpu_profile: String,
    /// How the profile is imposed, as the record says it.
    pub mechanism: String,
    /// The command that starts it, or why it cannot be had.
    pub command: Result<Command, Unavailable>,
    /// The arguments of `sealab conform` that choose the implementation, for the command that repeats a failure.
    pub arguments: String,
    /// How long an answer may take.
    pub patience: Duration,
}

/// Why a subject cannot be had.
#[derive(Clone, Debug)]
pub struct Unavailable {
    /// In one line.
    pub reason: String,
    /// Whether the machine could have it (a program, a library, a built harness).
    pub missing: bool,
}

impl Subject {
    /// A subject on this machine's own CPU, started by `command`.
    pub fn native(name: &str, command: Result<Command, Unavailable>, arguments: String) -> Self {
        Self {
            name: name.to_owned(),
            cpu_profile: "native".to_owned(),
            mechanism: "none".to_owned(),
            command,
            arguments,
            patience: PATIENCE,
        }
    }
}
