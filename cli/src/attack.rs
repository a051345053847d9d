//! `sealab attack`: adversaries' acts on sealed data, and the verdict that each format earns.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::SystemTime;

use sealab_attack::{Act, AttackRun, Expectations, FormatUnderAttack, checkpoint};
use sealab_record::{RecordError, write_aside};

use crate::arguments::AttackArguments;
use crate::candidates::CANDIDATES;
use crate::failure::Failure;
use crate::{Done, interrupt};

pub(crate) fn attack(arguments: &AttackArguments) -> Done {
    let (formats, acts) = (checkpoint::known(), checkpoint::acts());
    let formats = chosen("format", &arguments.format, formats, |format| format.id)?;
    let acts = chosen("act", &arguments.act, acts, |act| act.id)?;
    if arguments.list {
        return list(&formats, &acts);
    }
    let interrupted = interrupt::flag()?;
    let expected = Expectations::shipped()?;
    // What formats promise is the same over every engine, so one that is always there serves.
    let engine = (CANDIDATES[0].open)().map_err(|error| Failure::Usage(error.to_string()))?;
    let started = SystemTime::now();
    let targets = checkpoint::targets(engine.as_ref(), &|id| {
        formats.iter().any(|format| format.id == id)
    })?;
    let wanted = |act: &Act| acts.iter().any(|chosen| chosen.id == act.id);
    let findings = sealab_attack::attack(&targets, &wanted, &expected, &interrupted, &mut progress)?;
    clear();
    let run = AttackRun {
        sealab_version: env!("CARGO_PKG_VERSION").to_owned(),
        started: humantime::format_rfc3339_seconds(started).to_string(),
        command: std::iter::once("sealab".to_owned())
            .chain(std::env::args().skip(1))
            .collect(),
        engine: format!("{} {}", CANDIDATES[0].library, engine.version()),
        formats,
        acts,
        findings,
    };
    write(&run, arguments)?;
    Ok(match run.surprises().next() {
        Some(_) => ExitCode::from(1),
        None => ExitCode::SUCCESS,
    })
}

/// Those of `known` that are named; all of them if none is.
fn chosen<T>(
    what: &'static str,
    named: &[String],
    mut known: Vec<T>,
    id: impl Fn(&T) -> &'static str,
) -> Result<Vec<T>, Failure> {
    for name in named {
        if !known.iter().any(|one| id(one) == name) {
            return Err(Failure::Unknown {
                what,
                found: name.clone(),
                known: known.iter().map(&id).collect::<Vec<_>>().join(", "),
            });
        }
    }
    if !named.is_empty() {
        known.retain(|one| named.iter().any(|name| id(one) == name));
    }
    Ok(known)
}

fn list(formats: &[FormatUnderAttack], acts: &[Act]) -> Done {
    let mut out = io::stdout().lock();
    writeln!(out, "Formats")?;
    for format in formats {
        writeln!(out, "  {}\n      {}", format.id, format.description)?;
    }
    writeln!(out, "Acts")?;
    for act in acts {
        writeln!(out, "  {} ({})\n      {}", act.id, act.guarantee, act.what)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn progress(format: &FormatUnderAttack, act: &Act) {
    let mut stderr = io::stderr().lock();
    if stderr.is_terminal() {
        // A terminal that is gone is no reason to stop.
        let _ = write!(stderr, "\r\x1b[K{}: {}", format.id, act.id);
        let _ = stderr.flush();
    }
}

fn clear() {
    let mut stderr = io::stderr().lock();
    if stderr.is_terminal() {
        let _ = write!(stderr, "\r\x1b[K");
    }
}

fn write(run: &AttackRun, arguments: &AttackArguments) -> Result<(), Failure> {
    let to_stdout = arguments
        .json
        .as_ref()
        .is_some_and(|path| path.as_os_str() == "-");
    let mut out = io::stdout().lock();
    match &arguments.json {
        Some(_) if to_stdout => write!(out, "{}", sealab_report::attack_json(run))?,
        Some(path) => write_aside(path, sealab_report::attack_json(run).as_bytes())?,
        None => {}
    }
    if !to_stdout {
        write!(out, "{}", sealab_report::attack_terminal(run))?;
    }
    if let Some(directory) = &arguments.out {
        fs::create_dir_all(directory).map_err(|source| RecordError::Write {
            path: directory.clone(),
            source,
        })?;
        let written = sealab_report::write_attack(run, directory)?;
        if !to_stdout {
            writeln!(out, "report: {}", fs::canonicalize(&written.html)?.display())?;
        }
    }
    Ok(())
}
