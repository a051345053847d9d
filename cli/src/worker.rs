//! `sealab worker`: one engine under one CPU profile.

use std::process::ExitCode;

use sealab_cpu::Profiles;

use crate::arguments::WorkerArguments;
use crate::candidates::{CANDIDATES, candidate};
use crate::failure::Failure;
use crate::{Done, engines};

pub(crate) fn worker(arguments: &WorkerArguments) -> Done {
    let profiles = Profiles::shipped()?;
    let profile = engines::profile(&profiles, &arguments.cpu)?;
    let candidate = candidate(&arguments.engine).ok_or_else(|| Failure::Unknown {
        what: "engine",
        found: arguments.engine.clone(),
        known: CANDIDATES
            .iter()
            .map(|known| known.id)
            .collect::<Vec<_>>()
            .join(", "),
    })?;
    sealab_scenario::work(candidate, profile)?;
    Ok(ExitCode::SUCCESS)
}
