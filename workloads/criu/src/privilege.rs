//! Running CRIU under a subject's own ids.
//!
//! The kernel tells a process's limits only to one with `CAP_SYS_RESOURCE`, which containers often lack, or with the same
//! ids. So without that capability CRIU gets the ids of its subject and keeps all the capabilities that there are.

use std::path::Path;
use std::process::Command;

use rustix::thread::{CapabilitySet, capabilities};

use crate::CriuError;
use crate::stage::Stage;

/// Whether a process with other ids can be dumped from root's.
pub(crate) fn is_whole() -> Result<bool, CriuError> {
    Ok(permitted()?.contains(CapabilitySet::SYS_RESOURCE))
}

/// A command on `stage` that runs CRIU with the ids of `user`, if root's would not do.
pub(crate) fn as_user(stage: &Stage, (uid, gid): (u32, u32), criu: &Path) -> Result<Command, CriuError> {
    let mut names = Vec::new();
    for number in 0..64_u32 {
        if permitted()?.bits() >> number & 1 == 1 {
            names.push(format!("+cap_{number}"));
        }
    }
    let names = names.join(",");
    let mut command = stage.command("setpriv");
    command
        .arg(format!("--reuid={uid}"))
        .arg(format!("--regid={gid}"))
        .arg("--keep-groups")
        .arg(format!("--inh-caps={names}"))
        .arg(format!("--ambient-caps={names}"))
        .arg("--")
        .arg(criu)
        .arg("--unprivileged");
    Ok(command)
}

fn permitted() -> Result<CapabilitySet, CriuError> {
    let sets = capabilities(None)
        .map_err(|error| sealab_programs::ProgramError::of("asking for capabilities", &error.into()))?;
    Ok(sets.permitted)
}
