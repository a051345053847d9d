//! A run: what was asked for, in order, and the record that comes of it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use sealab_cpu::Profiles;
use sealab_engine::Candidate;
use sealab_record::{CellStatus, CpuProfileRecord, EngineRecord, Run, SCHEMA, ScenarioRecord};
use sha2::{Digest, Sha256};

use crate::bench::Bench;
use crate::checkpoints::Checkpoints;
use crate::images::Images;
use crate::machine::{Ticks, load_average, machine};
use crate::uses;
use crate::verdict::mark_suspects;
use crate::{PlannedScenario, ScenarioError, clock};

/// What a run needs to know besides its scenarios.
pub struct RunOptions<'a> {
    /// The engines there may be.
    pub candidates: &'a [Candidate],
    /// The CPU profiles.
    pub profiles: &'a Profiles,
    /// The command line that makes the run again.
    pub command: Vec<String>,
    /// Set when the user ends the run.
    pub interrupted: &'a AtomicBool,
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// The record.
    pub run: Run,
    /// Whether no cell, job or check failed and none is suspect.
    pub held: bool,
}

/// Runs `scenarios`, each given with its file's text.
pub fn run(
    scenarios: &[(PlannedScenario, String)],
    options: &RunOptions<'_>,
) -> Result<Outcome, ScenarioError> {
    let started = clock::now();
    let ticks = Ticks::now();
    let mut machine = machine();
    let mut bench = Bench::new(options)?;
    let wanted: BTreeSet<(&'static str, String)> = scenarios
        .iter()
        .flat_map(|(scenario, _)| {
            let cells = scenario
                .cells
                .iter()
                .map(|cell| (cell.engine, cell.cpu_profile.clone()));
            let volumes = scenario.volumes.iter();
            let databases = scenario.databases.iter();
            let layers = scenario.layers.iter();
            cells
                .chain(volumes.map(|cell| (cell.engine, cell.cpu_profile.clone())))
                .chain(databases.map(|cell| (cell.engine, cell.cpu_profile.clone())))
                .chain(layers.map(|cell| (cell.engine, cell.cpu_profile.clone())))
        })
        .collect();
    for profile in options.profiles.iter() {
        for candidate in options.candidates {
            if wanted.contains(&(candidate.id, profile.id().to_owned())) {
                bench.introduce(candidate.id, profile.id())?;
            }
        }
    }
    let mut cells = Vec::new();
    let mut checkpoints = None;
    let mut images = None;
    for (scenario, _) in scenarios {
        if !scenario.cells.is_empty() {
            cells.extend(bench.scenario(scenario)?);
        }
        cells.extend(bench.volumes(scenario)?);
        cells.extend(bench.databases(scenario)?);
        cells.extend(bench.layers(scenario)?);
        if !scenario.checkpoints.is_empty() {
            let checkpoints = match &mut checkpoints {
                Some(checkpoints) => checkpoints,
                none => none.insert(Checkpoints::new(options.interrupted)?),
            };
            checkpoints.scenario(scenario)?;
        }
        if !scenario.images.is_empty() {
            let images = match &mut images {
                Some(images) => images,
                none => none.insert(Images::new(options.interrupted)?),
            };
            images.scenario(scenario)?;
        }
    }
    let (mut uses, mut evidence) = (Vec::new(), Vec::new());
    for (scenario, _) in scenarios {
        if scenario.scenario.uses.is_empty() {
            continue;
        }
        // What formats promise is the same over every engine, so one that is always there serves.
        let engine = options
            .candidates
            .iter()
            .find_map(|candidate| (candidate.open)().ok());
        if let Some(engine) = engine.map(Arc::from) {
            uses.extend(uses::recorded(scenario));
            evidence.extend(bench.attacked(scenario, &engine)?);
        }
    }
    let (mut jobs, mut checks) =
        checkpoints.map_or_else(Default::default, |found| (found.jobs, found.checks));
    if let Some(images) = images {
        jobs.extend(images.jobs);
        checks.extend(images.checks);
    }
    let hides_aes = |id: &str| {
        options
            .profiles
            .get(id)
            .is_some_and(|profile| profile.hides_feature("aes"))
    };
    mark_suspects(&mut cells, &bench.engines, &bench.contradictions, hides_aes);

    machine.load_average[1] = load_average();
    machine.steal_share = ticks
        .zip(Ticks::now())
        .and_then(|(before, after)| after.steal_share_since(before));
    let held = !cells
        .iter()
        .map(|cell| cell.status)
        .chain(jobs.iter().map(|job| job.status))
        .chain(checks.iter().map(|check| check.status))
        .any(|status| matches!(status, CellStatus::Failed | CellStatus::Suspect));
    let used: BTreeSet<&str> = wanted.iter().map(|(_, profile)| profile.as_str()).collect();
    let run = Run {
        schema: SCHEMA.to_owned(),
        sealab_version: env!("CARGO_PKG_VERSION").to_owned(),
        started,
        finished: clock::now(),
        command: options.command.clone(),
        machine,
        scenarios: scenarios
            .iter()
            .map(|(scenario, text)| describe(scenario, text, &bench.notes))
            .collect(),
        cpu_profiles: options
            .profiles
            .iter()
            .filter(|profile| used.contains(profile.id()))
            .map(|profile| CpuProfileRecord {
                id: profile.id().to_owned(),
                description: profile.description().to_owned(),
                hides: profile.hides().to_vec(),
            })
            .collect(),
        engines: bench.engines,
        cells,
        jobs,
        checks,
        uses,
        evidence,
    };
    Ok(Outcome { run, held })
}

/// Every candidate under the CPU profile `profile`, each told by a worker of its own.
pub fn inspect(profile: &str, options: &RunOptions<'_>) -> Result<Vec<EngineRecord>, ScenarioError> {
    let mut bench = Bench::new(options)?;
    for candidate in options.candidates {
        bench.introduce(candidate.id, profile)?;
    }
    Ok(bench.engines)
}

fn describe(planned: &PlannedScenario, text: &str, notes: &HashMap<String, Vec<String>>) -> ScenarioRecord {
    let scenario = &planned.scenario;
    let baseline = scenario.baseline.as_ref();
    ScenarioRecord {
        name: scenario.name.value.clone(),
        title: scenario.title.trim().to_owned(),
        description: scenario.description.trim().to_owned(),
        sha256: Sha256::digest(text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
        baseline_engine: baseline
            .and_then(|base| base.engine.as_ref())
            .map(|engine| engine.value.clone()),
        baseline_cpu_profile: baseline
            .and_then(|base| base.cpu_profile.as_ref())
            .map(|id| id.value.clone()),
        command: planned.command.clone(),
        notes: notes.get(&scenario.name.value).cloned().unwrap_or_default(),
    }
}
