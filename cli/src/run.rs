//! `sealab run`: scenarios in, a record and its reports out.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use sealab_cpu::{Profile, Profiles};
use sealab_record::{RecordError, Run, write_aside};
use sealab_scenario::{PlannedScenario, RunOptions, SHIPPED, ScenarioError, Vocabulary};

use crate::arguments::RunArguments;
use crate::candidates::CANDIDATES;
use crate::failure::Failure;
use crate::{Done, interrupt};

pub(crate) fn run(arguments: &RunArguments) -> Done {
    let profiles = Profiles::shipped()?;
    let words = Vocabulary {
        engines: CANDIDATES.iter().map(|candidate| candidate.id).collect(),
        cpu_profiles: profiles
            .iter()
            .map(|profile: &Profile| profile.id().to_owned())
            .collect(),
    };
    let names: Vec<&str> = if arguments.all {
        SHIPPED.iter().map(|(name, _)| *name).collect()
    } else {
        arguments.scenarios.iter().map(String::as_str).collect()
    };
    let mut scenarios: Vec<(PlannedScenario, String)> = Vec::new();
    for name in names {
        let mut planned = load(name, &words)?;
        if let Some(rounds) = arguments.rounds {
            planned.0.rounds = rounds;
            planned.0.command.push_str(&format!(" --rounds {rounds}"));
        }
        let known = |(other, _): &(PlannedScenario, String)| {
            other.scenario.name.value == planned.0.scenario.name.value
        };
        if scenarios.iter().any(known) {
            let twice = &planned.0.scenario.name.value;
            return Err(Failure::Usage(format!(
                "the scenario {twice:?} is given twice; a run holds it once"
            )));
        }
        scenarios.push(planned);
    }
    writable(&arguments.out)?;

    let interrupted = interrupt::flag()?;
    let options = RunOptions {
        candidates: CANDIDATES,
        profiles: &profiles,
        command: std::iter::once("sealab".to_owned())
            .chain(std::env::args().skip(1))
            .collect(),
        interrupted: &interrupted,
    };
    let outcome = sealab_scenario::run(&scenarios, &options)?;
    let record = arguments.out.join("run.json");
    sealab_record::write(&record, &outcome.run)?;
    let written = sealab_report::write_all(&outcome.run, &arguments.out)?;

    let held = if outcome.held {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    };
    match print(&outcome.run, arguments, &record, &written.html) {
        // Whoever stops reading still gets to know by the code.
        Err(Failure::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(held),
        printed => printed.map(|()| held),
    }
}

fn print(run: &Run, arguments: &RunArguments, record: &Path, page: &Path) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, run).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    write!(out, "{}", sealab_report::terminal(run))?;
    for missing in missing(run) {
        writeln!(out, "{missing}")?;
    }
    // Whole, so that it can be opened from anywhere.
    let page = fs::canonicalize(page)?;
    writeln!(out, "record: {}", record.display())?;
    writeln!(out, "report: {}", page.display())?;
    Ok(())
}

/// A shipped scenario, else a file.
fn load(name: &str, words: &Vocabulary) -> Result<(PlannedScenario, String), ScenarioError> {
    let path = Path::new(name);
    // A name that is shipped is never shadowed by what lies in the working directory; `./name` is a file.
    let (scenario, text) = match sealab_scenario::shipped(name) {
        Ok((scenario, text)) => (scenario, text.to_owned()),
        Err(ScenarioError::Unknown { .. }) if path.exists() => sealab_scenario::read(path)?,
        Err(error) => return Err(error),
    };
    Ok((sealab_scenario::plan(scenario, name, words)?, text))
}

/// Finds out before the run, not after it, that its output cannot be written.
fn writable(directory: &Path) -> Result<(), Failure> {
    let failed = |source| RecordError::Write {
        path: directory.to_owned(),
        source,
    };
    fs::create_dir_all(directory).map_err(failed)?;
    let probe = directory.join(".sealab-probe");
    write_aside(&probe, b"")?;
    fs::remove_file(&probe).map_err(failed)?;
    Ok(())
}

/// One line for each reason why a whole scenario lacks figures.
fn missing(run: &Run) -> Vec<String> {
    let mut lines = Vec::new();
    for scenario in &run.scenarios {
        let cells: Vec<_> = run
            .cells
            .iter()
            .filter(|cell| cell.scenario == scenario.name)
            .collect();
        if let (Some(first), false) = (cells.first(), cells.iter().any(|cell| !cell.samples.is_empty())) {
            let reason = first.reason.as_deref().unwrap_or("no reason is known");
            lines.push(format!("{}: no figures: {reason}", scenario.name));
        }
    }
    lines
}
