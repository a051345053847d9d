//! `sealab engines`: what each engine is, as a worker of its own tells it.

use std::io::Write;
use std::process::ExitCode;

use sealab_cpu::{Profile, Profiles};
use sealab_scenario::RunOptions;

use crate::arguments::EnginesArguments;
use crate::candidates::CANDIDATES;
use crate::failure::Failure;
use crate::{Done, interrupt};

/// The profile of that identifier.
pub(crate) fn profile<'a>(profiles: &'a Profiles, id: &str) -> Result<&'a Profile, Failure> {
    profiles.get(id).ok_or_else(|| Failure::Unknown {
        what: "CPU profile",
        found: id.to_owned(),
        known: profiles.iter().map(Profile::id).collect::<Vec<_>>().join(", "),
    })
}

pub(crate) fn engines(arguments: &EnginesArguments) -> Done {
    let profiles = Profiles::shipped()?;
    profile(&profiles, &arguments.cpu)?;
    let interrupted = interrupt::flag()?;
    let options = RunOptions {
        candidates: CANDIDATES,
        profiles: &profiles,
        command: Vec::new(),
        interrupted: &interrupted,
    };
    let engines = sealab_scenario::inspect(&arguments.cpu, &options)?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &engines).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    for engine in &engines {
        if let Some(reason) = &engine.reason {
            writeln!(out, "{} ({}): unavailable: {reason}", engine.id, engine.library)?;
            continue;
        }
        writeln!(out, "{} ({} {})", engine.id, engine.library, engine.version)?;
        writeln!(out, "    code path:  {}", engine.code_path)?;
        writeln!(out, "    implements: {}", engine.primitives.join(", "))?;
    }
    Ok(ExitCode::SUCCESS)
}
