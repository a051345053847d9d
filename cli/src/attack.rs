//! `sealab attack`: adversaries' acts on sealed data, and the verdict that each format earns.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use sealab_attack::{
    Act, AttackRun, Expectations, FormatUnderAttack, Target, checkpoint, crash, layer, volume,
};
use sealab_engine::Engine;
use sealab_record::{RecordError, write_aside};

use crate::arguments::AttackArguments;
use crate::candidates::CANDIDATES;
use crate::failure::Failure;
use crate::{Done, interrupt};

pub(crate) fn attack(arguments: &AttackArguments) -> Done {
    let formats = [checkpoint::known(), volume::known(), layer::known()].concat();
    let acts = [checkpoint::acts(), volume::acts(), layer::acts()].concat();
    let mut formats = chosen("format", &arguments.format, formats, |format| format.id)?;
    let mut acts = chosen("act", &arguments.act, acts, |act| act.id)?;
    // A format is attacked by acts of its own plane: without any it is left out.
    formats.retain(|format| acts.iter().any(|act| act.plane == format.plane));
    acts.retain(|act| formats.iter().any(|format| format.plane == act.plane));
    if arguments.list {
        return list(&formats, &acts);
    }
    leave_out_missing(&mut formats, &arguments.format)?;
    let interrupted = interrupt::flag()?;
    let expected = Expectations::shipped()?;
    // What formats promise is the same over every engine, so one that is always there serves.
    let engine = (CANDIDATES[0].open)().map_err(|error| Failure::Usage(error.to_string()))?;
    let engine: Arc<dyn Engine> = Arc::from(engine);
    let started = SystemTime::now();
    let of = |plane| {
        let formats = formats.clone();
        move |id: &str| {
            formats
                .iter()
                .any(|format| format.plane == plane && format.id == id)
        }
    };
    let mut targets: Vec<Box<dyn Target + '_>> =
        checkpoint::targets(engine.as_ref(), &of(checkpoint::PLANE))?;
    let plan = crash::Plan {
        states: arguments.crash_states,
        seed: arguments.crash_seed,
    };
    targets.extend(volume::targets(&engine, &of(volume::PLANE), plan)?);
    targets.extend(layer::targets(engine.as_ref(), &of(layer::PLANE))?);
    let wanted = |act: &Act| {
        acts.iter()
            .any(|chosen| chosen.plane == act.plane && chosen.id == act.id)
    };
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

/// Leaves out the formats whose reader is a program that this machine has not got, and says so; where one was asked for by
/// name, that is a wrong call.
fn leave_out_missing(formats: &mut Vec<FormatUnderAttack>, named: &[String]) -> Result<(), Failure> {
    if !formats.iter().any(|format| format.plane == layer::PLANE) {
        return Ok(());
    }
    for (id, reason) in layer::missing() {
        let before = formats.len();
        formats.retain(|format| format.plane != layer::PLANE || format.id != id);
        if formats.len() == before {
            continue;
        }
        if named.iter().any(|name| name == id) {
            return Err(Failure::Usage(format!("{id} cannot be attacked here: {reason}")));
        }
        writeln!(io::stderr(), "sealab: {id} is not attacked: {reason}")?;
    }
    Ok(())
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
            // One name may stand for something in several planes.
            let mut names: Vec<&str> = Vec::new();
            for one in &known {
                if !names.contains(&id(one)) {
                    names.push(id(one));
                }
            }
            return Err(Failure::Unknown {
                what,
                found: name.clone(),
                known: names.join(", "),
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
    let mut planes: Vec<&str> = formats.iter().map(|format| format.plane).collect();
    planes.dedup();
    for plane in planes {
        writeln!(out, "Formats of the plane {plane}")?;
        for format in formats.iter().filter(|format| format.plane == plane) {
            writeln!(out, "  {}\n      {}", format.id, format.description)?;
        }
        writeln!(out, "Acts of the plane {plane}")?;
        for act in acts.iter().filter(|act| act.plane == plane) {
            writeln!(out, "  {} ({})\n      {}", act.id, act.guarantee, act.what)?;
        }
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
