//! Who is held to the vectors: engines and harnesses, each under the CPU profiles that are asked for.

use std::path::PathBuf;

use sealab_cpu::{Launcher, Profile, Profiles};
use sealab_harness::{EmulatedCpu, Listed, Subject, Unavailable};

use crate::arguments::ConformArguments;
use crate::candidates::{CANDIDATES, KEYS, candidate};
use crate::failure::Failure;

/// Engines and harnesses under each CPU profile that is asked for.
pub(super) fn subjects(arguments: &ConformArguments, launcher: &Launcher) -> Result<Vec<Subject>, Failure> {
    let profiles = Profiles::shipped()?;
    let known = || {
        profiles
            .iter()
            .map(|profile| profile.id())
            .chain(EmulatedCpu::ALL.iter().map(|cpu| cpu.id))
    };
    if let Some(unknown) = arguments
        .cpu
        .iter()
        .find(|id| !known().any(|known| known == id.as_str()))
    {
        return Err(Failure::Unknown {
            what: "CPU profile",
            found: unknown.clone(),
            known: known().collect::<Vec<_>>().join(", "),
        });
    }
    let wanted = |id: &str| arguments.cpu.is_empty() || arguments.cpu.iter().any(|asked| asked == id);
    let everything = arguments.engine.is_empty() && arguments.harness.is_empty();

    let mut subjects = Vec::new();
    for engine in engines(arguments, everything)? {
        let mut on_emulated = Vec::new();
        for profile in profiles.iter() {
            let subject = worker(launcher, engine, profile);
            if profile.hides().is_empty() {
                on_emulated = emulated(&subject, &wanted);
            }
            if wanted(profile.id()) {
                subjects.push(subject);
            }
        }
        subjects.extend(on_emulated);
    }
    for (harness, emulates) in harnesses(arguments, everything)? {
        let on_emulated = if emulates {
            emulated(&harness, &wanted)
        } else {
            Vec::new()
        };
        if wanted(&harness.cpu_profile) {
            subjects.push(harness);
        }
        subjects.extend(on_emulated);
    }
    Ok(subjects)
}

/// The subject `native` on each emulated CPU that is wanted.
fn emulated(native: &Subject, wanted: &dyn Fn(&str) -> bool) -> Vec<Subject> {
    let cpus = EmulatedCpu::ALL.iter().filter(|cpu| wanted(cpu.id));
    cpus.map(|cpu| cpu.emulate(native)).collect()
}

fn engines(arguments: &ConformArguments, everything: bool) -> Result<Vec<&str>, Failure> {
    if everything {
        return Ok(CANDIDATES
            .iter()
            .map(|candidate| candidate.id)
            .chain([KEYS])
            .collect());
    }
    for name in &arguments.engine {
        if candidate(name).is_none() && name != KEYS {
            return Err(Failure::Unknown {
                what: "engine",
                found: name.clone(),
                known: CANDIDATES
                    .iter()
                    .map(|known| known.id)
                    .chain([KEYS])
                    .collect::<Vec<_>>()
                    .join(", "),
            });
        }
    }
    Ok(arguments.engine.iter().map(String::as_str).collect())
}

fn worker(launcher: &Launcher, engine: &str, profile: &Profile) -> Subject {
    // Key wrapping is AWS-LC's, and so are its switches.
    let library = if engine == KEYS { "aws-lc" } else { engine };
    let prepared = launcher.command(profile, library);
    let mechanism = prepared
        .as_ref()
        .map_or("", |prepared| prepared.mechanism.id())
        .to_owned();
    let command = prepared
        .map(|prepared| {
            let mut command = prepared.command;
            command.args(["worker", "--engine", engine, "--cpu", profile.id()]);
            command
        })
        .map_err(|unavailable| Unavailable {
            reason: unavailable.reason,
            missing: false,
        });
    Subject {
        cpu_profile: profile.id().to_owned(),
        mechanism,
        ..Subject::native(engine, command, format!("--engine {engine}"))
    }
}

/// Subjects, each with whether it is run on emulated CPUs too.
fn harnesses(arguments: &ConformArguments, everything: bool) -> Result<Vec<(Subject, bool)>, Failure> {
    if !everything && arguments.harness.is_empty() {
        return Ok(Vec::new());
    }
    let listed = match folder(arguments) {
        Some(folder) => Listed::read(&folder)?,
        None => Vec::new(),
    };
    if everything && listed.is_empty() {
        eprintln!(
            "sealab: no harnesses/harnesses.yaml was found, so engines alone are run (see --harnesses)"
        );
    }
    if everything {
        return Ok(listed
            .iter()
            .map(|harness| (harness.subject(), harness.emulated))
            .collect());
    }
    let subjects =
        arguments
            .harness
            .iter()
            .map(|name| match listed.iter().find(|known| known.name == *name) {
                Some(harness) => (harness.subject(), harness.emulated),
                None => (sealab_harness::named(name), false),
            });
    Ok(subjects.collect())
}

/// The folder of the list: what the user says, else `./harnesses`, else that of the checkout which this program was
/// built in.
fn folder(arguments: &ConformArguments) -> Option<PathBuf> {
    if arguments.harnesses.is_some() {
        return arguments.harnesses.clone();
    }
    let built_in = std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.parent()?.parent()?.join("harnesses")));
    [Some(PathBuf::from("harnesses")), built_in]
        .into_iter()
        .flatten()
        .find(|folder| folder.join("harnesses.yaml").is_file())
}
