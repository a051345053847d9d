//! `sealab doctor`: what this machine has for the lab, and how to mend what is missing.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use sealab_cpu::{Launcher, Profiles};

use crate::Done;
use crate::candidates::CANDIDATES;

/// Real programs that scenarios start, with the Debian package of each.
const PROGRAMS: &[(&str, &str)] = &[("memhog", "numactl"), ("stress-ng", "stress-ng")];

pub(crate) fn doctor() -> Done {
    let mut out = std::io::stdout().lock();
    let profiles = Profiles::shipped()?;
    let launcher = Launcher::new();
    for way in launcher.availability() {
        let can = if way.available { "yes" } else { "no" };
        writeln!(
            out,
            "hiding CPU features by {}: {can}; {}",
            way.mechanism, way.explanation
        )?;
    }
    for profile in profiles.iter() {
        let told = CANDIDATES
            .iter()
            .map(|candidate| (candidate.id, launcher.command(profile, candidate.id)));
        let (can, cannot): (Vec<_>, Vec<_>) = told.partition(|(_, told)| told.is_ok());
        writeln!(
            out,
            "CPU profile {}: {} of {} engines",
            profile.id(),
            can.len(),
            CANDIDATES.len()
        )?;
        for (engine, told) in cannot {
            if let Err(unavailable) = told {
                writeln!(out, "    not {engine}: {unavailable}")?;
            }
        }
    }
    for (program, package) in PROGRAMS {
        match found(program) {
            Some(path) => writeln!(out, "program {program}: {}", path.display())?,
            None => writeln!(out, "program {program}: missing; apt-get install {package}")?,
        }
    }
    writeln!(out, "engines: see `sealab engines`")?;
    Ok(ExitCode::SUCCESS)
}

fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}
