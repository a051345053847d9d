//! `sealab conform`: engines and harnesses held to the golden vectors.

mod subjects;

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use sealab_cpu::Launcher;
use sealab_harness::{Findings, Plan};
use sealab_record::{Conformance, ConformanceSuite, Implementation, RecordError};
use sealab_scenario::{cpus, load_average, machine};
use sealab_vectors::Suite;

use crate::arguments::ConformArguments;
use crate::failure::Failure;
use crate::{Done, interrupt};

/// The most bytes of a vector file.
const MAX_VECTOR_BYTES: u64 = 64 << 20;

pub(crate) fn conform(arguments: &ConformArguments) -> Done {
    let (suites, broken) = suites(arguments)?;
    if arguments.list {
        return list(&suites);
    }
    for problem in &broken {
        eprintln!("sealab: {problem}");
    }
    let interrupted = interrupt::flag()?;
    // It holds the masked executables that workers are started from.
    let launcher = Launcher::new();
    let subjects = subjects::subjects(arguments, &launcher)?;
    if subjects.is_empty() {
        return Err(Failure::Usage(
            "nothing is left to run: harnesses are run under native and, some of them, on emulated CPUs"
                .to_owned(),
        ));
    }
    let only = arguments.case.map(|case| (suites[0].name.as_str(), case));
    let started = SystemTime::now();
    let mut machine = machine();
    let plan = Plan {
        suites: &suites,
        only,
        subjects,
        jobs: cpus(),
        interrupted: &interrupted,
    };
    let implementations = sealab_harness::conform(plan, &progress)?;
    machine.load_average[1] = load_average();
    let mut run = Conformance {
        sealab_version: env!("CARGO_PKG_VERSION").to_owned(),
        started: humantime::format_rfc3339_seconds(started).to_string(),
        finished: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        command: std::iter::once("sealab".to_owned())
            .chain(std::env::args().skip(1))
            .collect(),
        machine,
        suites: suites.iter().map(|suite| record(suite, only)).collect(),
        implementations,
    };
    let unknown = Findings::shipped()?.name(&mut run);
    write(&run, arguments)?;
    let missing: Vec<&Implementation> = run.implementations.iter().filter(|one| one.missing).collect();
    // A harness that the user named and that does not start is a wrong call.
    let named = missing.iter().any(|one| arguments.harness.contains(&one.name));
    Ok(if !broken.is_empty() || named {
        ExitCode::from(2)
    } else if unknown > 0 || (arguments.strict && !missing.is_empty()) {
        ExitCode::from(1)
    } else {
        ExitCode::SUCCESS
    })
}

/// The suites that are asked for, and what is wrong with vector files that cannot be used.
fn suites(arguments: &ConformArguments) -> Result<(Vec<Suite>, Vec<String>), Failure> {
    let mut suites = Suite::shipped()?;
    let mut broken = Vec::new();
    for path in &arguments.vectors {
        match read(path) {
            Ok(suite) if suites.iter().any(|other| other.name == suite.name) => {
                broken.push(format!(
                    "{}: there is a suite {} already",
                    path.display(),
                    suite.name
                ));
            }
            Ok(suite) => suites.push(suite),
            Err(problem) => broken.push(problem),
        }
    }
    // A case is of a suite; a suite may be named as its algorithm is.
    let chosen = |suite: &Suite, name: &str| {
        suite.name == name || (arguments.case.is_none() && suite.algorithm.id == name)
    };
    for name in &arguments.suite {
        if !suites.iter().any(|suite| chosen(suite, name)) {
            return Err(Failure::Usage(format!(
                "unknown suite {name:?}; `sealab conform --list` shows the suites"
            )));
        }
    }
    if !arguments.suite.is_empty() {
        suites.retain(|suite| arguments.suite.iter().any(|name| chosen(suite, name)));
    }
    if let Some(case) = arguments.case {
        let [suite] = suites.as_slice() else {
            return Err(Failure::Usage(
                "--case needs exactly one suite, by its own name".to_owned(),
            ));
        };
        if !suite.cases.iter().any(|known| known.id == case) {
            return Err(Failure::Usage(format!("{} has no case {case}", suite.name)));
        }
    }
    Ok((suites, broken))
}

fn read(path: &Path) -> Result<Suite, String> {
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    let length = fs::metadata(path).map_err(failed)?.len();
    if length > MAX_VECTOR_BYTES {
        return Err(format!(
            "{}: {length} bytes; a vector file has at most {MAX_VECTOR_BYTES}",
            path.display()
        ));
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    Suite::parse(&text, &path.to_string_lossy()).map_err(|error| error.to_string())
}

fn list(suites: &[Suite]) -> Done {
    let mut out = io::stdout().lock();
    let width = suites.iter().map(|suite| suite.name.len()).max().unwrap_or(0);
    for suite in suites {
        let source = suite.source.split(',').next().unwrap_or_default();
        writeln!(
            out,
            "{:width$}  {:5} cases  {source}",
            suite.name,
            suite.cases.len()
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn record(suite: &Suite, only: Option<(&str, u32)>) -> ConformanceSuite {
    ConformanceSuite {
        name: suite.name.clone(),
        algorithm: suite.algorithm.id.to_owned(),
        source: suite.source.clone(),
        licence: suite.licence.clone(),
        left_out: suite
            .left_out
            .iter()
            .map(|left_out| (left_out.count, left_out.reason.clone()))
            .collect(),
        cases: suite
            .cases
            .iter()
            .map(|case| case.id)
            .filter(|id| only.is_none_or(|(_, case)| case == *id))
            .collect(),
    }
}

fn progress(implementation: &Implementation, done: usize, total: usize) {
    let mut stderr = io::stderr().lock();
    if !stderr.is_terminal() {
        return;
    }
    let end = if done == total { "\r\x1b[K" } else { "" };
    // A terminal that is gone is no reason to stop.
    let _ = write!(
        stderr,
        "\r\x1b[K{done} of {total}: {} under {}{end}",
        implementation.name, implementation.cpu_profile
    );
    let _ = stderr.flush();
}

fn write(run: &Conformance, arguments: &ConformArguments) -> Result<(), Failure> {
    if let Some(path) = &arguments.json {
        if path.as_os_str() == "-" {
            return Ok(sealab_report::conformance_json(run, &mut io::stdout().lock())?);
        }
        let failed = |source| RecordError::Write {
            path: path.clone(),
            source,
        };
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        sealab_report::conformance_json(run, &mut file).map_err(failed)?;
        file.flush().map_err(failed)?;
    }
    let mut out = io::stdout().lock();
    write!(out, "{}", sealab_report::conformance_terminal(run))?;
    if let Some(directory) = &arguments.out {
        fs::create_dir_all(directory).map_err(|source| RecordError::Write {
            path: directory.clone(),
            source,
        })?;
        let written = sealab_report::write_conformance(run, directory)?;
        writeln!(out, "report: {}", fs::canonicalize(&written.html)?.display())?;
    }
    Ok(())
}
