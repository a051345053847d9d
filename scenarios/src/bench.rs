//! The bench: one worker for each engine under each CPU profile, the memory that they share, and the order in which
//! they are asked.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sealab_checkpoint::Plane;
use sealab_cpu::{Launcher, Profile};
use sealab_engine::Engine;
use sealab_memory::Prepared as PreparedWorkload;
use sealab_record::{Cell, CellStatus, EngineRecord, Evidence};

use crate::child::{ChildError, WorkerProcess};
use crate::databases;
use crate::images::{self, LayerCellSpec};
use crate::machine::available_memory;
use crate::progress::Progress;
use crate::protocol::{
    Answer, Attach, Hello, Prepare, PrepareDatabase, PrepareLayer, PrepareVolume, Request,
};
use crate::shared::{Mapping, SharedFile};
use crate::trial::Trial;
use crate::uses;
use crate::volumes::{VOLUME_PLANE, groups};
use crate::{CellSpec, PlannedScenario, RunOptions, ScenarioError, WORKER_COMMAND, cpus};

/// A worker's first answer: libraries start, a patched copy of the program is loaded.
const HELLO_PATIENCE: Duration = Duration::from_secs(60);
/// Sealing, opening and scanning a whole workload with the slowest cipher takes long.
const PREPARE_PATIENCE: Duration = Duration::from_secs(600);
const SAMPLE_PATIENCE: Duration = Duration::from_secs(120);

/// The workers, and the memory that they share.
pub(crate) struct Bench<'a> {
    options: &'a RunOptions<'a>,
    launcher: Launcher,
    plain: SharedFile,
    sealed: SharedFile,
    opened: SharedFile,
    workers: HashMap<(String, String), WorkerProcess>,
    /// What workloads say of themselves, by scenario.
    pub(crate) notes: HashMap<String, Vec<String>>,
    pub(crate) engines: Vec<EngineRecord>,
    pub(crate) contradictions: HashMap<(String, String), Vec<String>>,
    progress: Progress,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(options: &'a RunOptions<'a>) -> Result<Self, ScenarioError> {
        let shared = |name: &str| {
            SharedFile::create(name).map_err(|source| ScenarioError::System {
                what: "shared memory for workers".to_owned(),
                source,
            })
        };
        Ok(Self {
            options,
            launcher: Launcher::new(),
            plain: shared("sealab-plain")?,
            sealed: shared("sealab-sealed")?,
            opened: shared("sealab-opened")?,
            workers: HashMap::new(),
            notes: HashMap::new(),
            engines: Vec::new(),
            contradictions: HashMap::new(),
            progress: Progress::new(),
        })
    }

    /// Starts the worker of `engine` under the CPU profile `profile` and writes down what it says of itself.
    pub(crate) fn introduce(&mut self, engine: &str, profile: &str) -> Result<(), ScenarioError> {
        self.progress
            .show(|| format!("starting {engine} under {profile}"));
        let mut record = EngineRecord {
            id: engine.to_owned(),
            library: self
                .options
                .candidates
                .iter()
                .find(|candidate| candidate.id == engine)
                .map_or_else(String::new, |candidate| candidate.library.to_owned()),
            version: String::new(),
            cpu_profile: profile.to_owned(),
            mechanism: String::new(),
            code_path: String::new(),
            hardware_aes: false,
            evidence: Vec::new(),
            primitives: Vec::new(),
            available: false,
            reason: None,
        };
        match self.start(engine, profile) {
            Ok((worker, mechanism, hello)) => {
                record.mechanism = mechanism;
                record.evidence = hello.evidence;
                self.contradictions
                    .insert((engine.to_owned(), profile.to_owned()), hello.contradictions);
                match hello.engine {
                    Ok(facts) => {
                        record.version = facts.version;
                        record.code_path = facts.code_path;
                        record.hardware_aes = facts.hardware_aes;
                        record.primitives = facts.primitives;
                        record.available = true;
                        self.workers
                            .insert((engine.to_owned(), profile.to_owned()), worker);
                    }
                    Err(reason) => record.reason = Some(reason),
                }
            }
            Err(ChildError::Interrupted) => return Err(ScenarioError::Interrupted),
            Err(error) => record.reason = Some(error.to_string()),
        }
        self.engines.push(record);
        Ok(())
    }

    /// Starts a worker again that was there and died on an earlier workload.
    fn restart(&mut self, engine: &str, profile: &str) -> Result<(), ScenarioError> {
        let key = (engine.to_owned(), profile.to_owned());
        let record = self
            .engines
            .iter()
            .find(|record| record.id == engine && record.cpu_profile == profile);
        if self.workers.contains_key(&key) || !record.is_some_and(|record| record.available) {
            return Ok(());
        }
        match self.start(engine, profile) {
            Ok((worker, ..)) => {
                self.workers.insert(key, worker);
                Ok(())
            }
            Err(ChildError::Interrupted) => Err(ScenarioError::Interrupted),
            // Its cells say that it is not there.
            Err(_) => Ok(()),
        }
    }

    fn start(&self, engine: &str, profile: &str) -> Result<(WorkerProcess, String, Hello), ChildError> {
        let profile: &Profile = self
            .options
            .profiles
            .get(profile)
            .ok_or_else(|| ChildError::Start(format!("unknown CPU profile {profile:?}")))?;
        let prepared = self
            .launcher
            .command(profile, engine)
            .map_err(|error| ChildError::Start(error.to_string()))?;
        let mechanism = prepared.mechanism.id().to_owned();
        let mut command = prepared.command;
        command.args([
            WORKER_COMMAND,
            "--measure",
            "--engine",
            engine,
            "--cpu",
            profile.id(),
        ]);
        let mut worker = WorkerProcess::start(command)?;
        match worker.ask(&Request::Hello, HELLO_PATIENCE, self.options.interrupted)? {
            Answer::Hello(hello) => Ok((worker, mechanism, hello)),
            other => Err(ChildError::Unreadable(format!("{other:?} in answer to hello"))),
        }
    }

    /// The cells of one scenario, workload by workload.
    pub(crate) fn scenario(&mut self, planned: &PlannedScenario) -> Result<Vec<Cell>, ScenarioError> {
        let mut cells = Vec::new();
        for (index, workload) in planned.workloads.iter().enumerate() {
            let label = workload.to_string();
            let specs: Vec<&CellSpec> = planned
                .cells
                .iter()
                .filter(|cell| cell.workload == index)
                .collect();
            let mut trials: Vec<_> = specs
                .iter()
                .map(|spec| Trial::new(planned, spec, &label))
                .collect();
            self.progress
                .show(|| format!("{}: making {label}", planned.scenario.name.value));
            match workload.prepare(self.options.interrupted) {
                Ok(prepared) => {
                    let notes = self.notes.entry(planned.scenario.name.value.clone()).or_default();
                    notes.extend(prepared.notes().iter().map(|note| format!("{label}: {note}")));
                    self.measure(planned, &prepared, &specs, &mut trials)?;
                }
                Err(_) if self.interrupted() => return Err(ScenarioError::Interrupted),
                Err(error) => {
                    for trial in &mut trials {
                        trial.fail(CellStatus::Unavailable, error.to_string());
                    }
                }
            }
            cells.extend(trials.into_iter().map(|trial| trial.cell));
        }
        Ok(cells)
    }

    /// The cells of one scenario that are on volumes.
    pub(crate) fn volumes(&mut self, planned: &PlannedScenario) -> Result<Vec<Cell>, ScenarioError> {
        let mut cells = Vec::new();
        for group in groups(&planned.volumes) {
            let mut trials: Vec<Trial> = group.iter().map(|spec| Trial::on_volume(planned, spec)).collect();
            let count = trials.len();
            let mut seen = BTreeSet::new();
            for (index, (trial, spec)) in trials.iter_mut().zip(&group).enumerate() {
                let (engine, profile) = (spec.engine, spec.cpu_profile.as_str());
                self.progress.show(|| {
                    let name = &planned.scenario.name.value;
                    format!(
                        "{name}: making {}/{count} {engine} {profile} {}",
                        index + 1,
                        spec.format
                    )
                });
                if spec.alone {
                    // What the process has taken so far was for others.
                    self.workers.remove(&(engine.to_owned(), profile.to_owned()));
                }
                self.restart(engine, profile)?;
                if let Some(reason) = self.unavailable(&trial.cell) {
                    trial.fail(CellStatus::Unavailable, reason);
                    continue;
                }
                let prepare = Request::PrepareVolume(PrepareVolume {
                    cell: index,
                    fresh: seen.insert((engine, profile)),
                    format: spec.format.to_owned(),
                    store: spec.store,
                    size: spec.size,
                    task: spec.task.clone(),
                    sample_seconds: planned.sample.as_secs_f64(),
                });
                self.prepare(trial, &prepare)?;
            }
            self.sample(planned, &mut trials)?;
            for trial in &mut trials {
                trial.conclude();
            }
            cells.extend(trials.into_iter().map(|trial| trial.cell));
        }
        Ok(cells)
    }

    /// The databases of one scenario.
    pub(crate) fn databases(&mut self, planned: &PlannedScenario) -> Result<Vec<Cell>, ScenarioError> {
        let mut cells = Vec::new();
        for group in databases::groups(&planned.databases) {
            let mut trials: Vec<Trial> = group
                .iter()
                .map(|spec| Trial::on_database(planned, spec))
                .collect();
            let (name, count) = (&planned.scenario.name.value, trials.len());
            let mut seen = BTreeSet::new();
            for (index, (trial, spec)) in trials.iter_mut().zip(&group).enumerate() {
                let (engine, profile) = (spec.engine, spec.cpu_profile.as_str());
                self.progress.show(|| {
                    format!(
                        "{name}: loading {}/{count} {} {engine} {profile} {}",
                        index + 1,
                        spec.database,
                        spec.format
                    )
                });
                self.restart(engine, profile)?;
                if let Some(reason) = self.unavailable(&trial.cell) {
                    trial.fail(CellStatus::Unavailable, reason);
                    continue;
                }
                let prepare = Request::PrepareDatabase(PrepareDatabase {
                    cell: index,
                    fresh: seen.insert((engine, profile)),
                    format: spec.format.to_owned(),
                    store: spec.store,
                    database: spec.database,
                    tpcc: spec.tpcc,
                    sample_seconds: planned.sample.as_secs_f64(),
                });
                self.prepare(trial, &prepare)?;
            }
            self.sample(planned, &mut trials)?;
            for (index, trial) in trials.iter_mut().enumerate() {
                if !trial.ready {
                    continue;
                }
                self.progress
                    .show(|| format!("{name}: checking {}/{count}", index + 1));
                match self.ask(trial, &Request::Conclude { cell: index }, PREPARE_PATIENCE)? {
                    Some(Answer::Concluded(done)) => trial.cell.transactions = Some(done),
                    Some(other) => trial.fail(CellStatus::Failed, unexpected(&other)),
                    None => {}
                }
                trial.conclude();
            }
            cells.extend(trials.into_iter().map(|trial| trial.cell));
        }
        Ok(cells)
    }

    /// The layers of one scenario.
    pub(crate) fn layers(&mut self, planned: &PlannedScenario) -> Result<Vec<Cell>, ScenarioError> {
        let mut cells = Vec::new();
        for group in images::groups(&planned.layers) {
            let mut trials: Vec<Trial> = group.iter().map(|spec| Trial::on_layer(planned, spec)).collect();
            let name = &planned.scenario.name.value;
            let label = group.first().map_or_else(String::new, |spec| spec.label());
            self.progress.show(|| format!("{name}: making {label}"));
            match images::LayerPlace::new(&group, self.options.interrupted) {
                Ok(place) => {
                    self.prepare_layers(planned, &group, &mut trials, &place)?;
                    self.sample(planned, &mut trials)?;
                    trials.iter_mut().for_each(Trial::conclude);
                }
                Err(_) if self.interrupted() => return Err(ScenarioError::Interrupted),
                Err(reason) => {
                    for trial in &mut trials {
                        trial.fail(CellStatus::Unavailable, reason.clone());
                    }
                }
            }
            cells.extend(trials.into_iter().map(|trial| trial.cell));
        }
        Ok(cells)
    }

    fn prepare_layers(
        &mut self,
        planned: &PlannedScenario,
        group: &[&LayerCellSpec],
        trials: &mut [Trial],
        place: &images::LayerPlace,
    ) -> Result<(), ScenarioError> {
        let count = trials.len();
        let mut seen = BTreeSet::new();
        for (index, (trial, spec)) in trials.iter_mut().zip(group).enumerate() {
            let (engine, profile) = (spec.engine, spec.cpu_profile.as_str());
            self.progress.show(|| {
                let name = &planned.scenario.name.value;
                format!(
                    "{name}: verifying {}/{count} {engine} {profile} {}",
                    index + 1,
                    spec.format
                )
            });
            let fresh = seen.insert((engine, profile));
            if fresh {
                self.restart(engine, profile)?;
            }
            if let Some(reason) = self.unavailable(&trial.cell) {
                trial.fail(CellStatus::Unavailable, reason);
                continue;
            }
            let prepare = Request::PrepareLayer(PrepareLayer {
                cell: index,
                fresh,
                format: spec.format.name().to_owned(),
                operation: spec.operation,
                image: place.image(),
                place: place.folder().to_owned(),
                threads: spec.threads,
            });
            self.prepare(trial, &prepare)?;
        }
        Ok(())
    }

    /// What attacks show of the formats of one scenario.
    pub(crate) fn attacked(
        &mut self,
        planned: &PlannedScenario,
        engine: &Arc<dyn Engine>,
    ) -> Result<Vec<Evidence>, ScenarioError> {
        let progress = &mut self.progress;
        uses::attacked(planned, engine, self.options.interrupted, &mut |line| {
            progress.show(|| line)
        })
    }

    fn interrupted(&self) -> bool {
        self.options.interrupted.load(Ordering::Relaxed)
    }

    /// Verifies and times the cells of one workload.
    fn measure(
        &mut self,
        planned: &PlannedScenario,
        workload: &PreparedWorkload,
        specs: &[&CellSpec],
        trials: &mut [Trial],
    ) -> Result<(), ScenarioError> {
        let length = workload.len();
        let laid = self
            .share(length)
            .map_err(|error| error.to_string())
            .and_then(|mut mappings| {
                workload
                    .write_to(mappings[0].bytes_mut())
                    .map_err(|error| error.to_string())?;
                Ok(mappings)
            });
        let mappings = match laid {
            Ok(mappings) => mappings,
            Err(reason) => {
                for trial in trials {
                    trial.fail(CellStatus::Unavailable, reason.clone());
                }
                return Ok(());
            }
        };
        if let Some(messages) = workload.messages() {
            // For all alike, also for cells that will have no figure, so that they stand together.
            let mean = (length + messages.len() / 2) / messages.len().max(1);
            trials
                .iter_mut()
                .for_each(|trial| trial.cell.unit_bytes = mean as u64);
        }
        let scenario = &planned.scenario;
        let mut attached = BTreeSet::new();
        let count = trials.len();
        for (index, (trial, spec)) in trials.iter_mut().zip(specs).enumerate() {
            let (engine, profile) = (spec.engine, spec.cpu_profile.as_str());
            self.progress.show(|| {
                format!(
                    "{}: verifying {}/{count} {engine} {profile}",
                    scenario.name.value,
                    index + 1
                )
            });
            if !attached.contains(&(engine, profile)) {
                self.restart(engine, profile)?;
            }
            if let Some(reason) = self.unavailable(&trial.cell) {
                trial.fail(CellStatus::Unavailable, reason);
                continue;
            }
            if !attached.contains(&(engine, profile)) {
                let attach = Request::Attach(Attach {
                    plain: self.plain.path(),
                    sealed: self.sealed.path(),
                    opened: self.opened.path(),
                    length,
                    messages: workload.messages().map(<[u32]>::to_vec),
                    canaries: workload
                        .canaries()
                        .iter()
                        .map(|canary| canary.bytes.to_vec())
                        .collect(),
                });
                if self.ask(trial, &attach, PREPARE_PATIENCE)?.is_none() {
                    continue;
                }
                attached.insert((engine, profile));
            }
            let prepare = Request::Prepare(Prepare {
                cell: index,
                format: spec.format.to_owned(),
                operation: spec.operation,
                unit_bytes: spec.unit_bytes,
                short_last_unit: spec.plane == Plane::Raw,
                threads: spec.threads,
                sample_seconds: planned.sample.as_secs_f64(),
            });
            self.prepare(trial, &prepare)?;
        }
        self.sample(planned, trials)?;
        drop(mappings);
        for trial in trials {
            trial.conclude();
        }
        Ok(())
    }

    /// Gives each shared file `length` bytes, and touches them all.
    fn share(&self, length: usize) -> io::Result<[Mapping; 3]> {
        let needed = 3 * length as u64;
        // What is not there would be taken from other processes by the kernel, or from us.
        if let Some(available) = available_memory().filter(|available| *available < needed) {
            let message = format!("{needed} bytes of memory are needed, {available} are available");
            return Err(io::Error::other(message));
        }
        let touched = |file: &SharedFile| -> io::Result<Mapping> {
            let mut mapping = file.resize(length)?;
            mapping.bytes_mut().fill(0);
            Ok(mapping)
        };
        Ok([
            touched(&self.plain)?,
            touched(&self.sealed)?,
            touched(&self.opened)?,
        ])
    }

    /// Takes the samples. Every second round goes through the cells in the opposite order of the round before (A B,
    /// B A), so that a machine that grows slower or faster does so for all alike.
    fn sample(&mut self, planned: &PlannedScenario, trials: &mut [Trial]) -> Result<(), ScenarioError> {
        let rounds = planned.rounds;
        let mut order: Vec<usize> = (0..trials.len()).filter(|index| trials[*index].ready).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(u64::from(rounds));
        for round in 0..rounds {
            if round % 2 == 0 {
                shuffle(&mut order, &mut rng);
            } else {
                order.reverse();
            }
            for (done, index) in order.iter().enumerate() {
                let trial = &mut trials[*index];
                if !trial.ready {
                    continue;
                }
                let (name, count) = (&planned.scenario.name.value, order.len());
                self.progress
                    .show(|| format!("{name}: round {}/{rounds}, cell {}/{count}", round + 1, done + 1));
                match self.ask(trial, &Request::Sample { cell: *index }, SAMPLE_PATIENCE)? {
                    Some(Answer::Sample(sample)) => trial.sampled(round, &sample),
                    Some(other) => trial.fail(CellStatus::Failed, unexpected(&other)),
                    None => {}
                }
            }
        }
        Ok(())
    }

    /// Why the cell cannot be had on this machine.
    fn unavailable(&self, cell: &Cell) -> Option<String> {
        // A volume's threads wait for each other and for disks; others compute.
        if cell.threads > cpus() && cell.plane != VOLUME_PLANE {
            return Some(format!(
                "{} threads on a machine with {} CPUs",
                cell.threads,
                cpus()
            ));
        }
        let worker = self
            .workers
            .contains_key(&(cell.engine.clone(), cell.cpu_profile.clone()));
        let engine = self
            .engines
            .iter()
            .find(|engine| engine.id == cell.engine && engine.cpu_profile == cell.cpu_profile);
        match engine.and_then(|engine| engine.reason.clone()) {
            Some(reason) => Some(reason),
            None if worker => None,
            None => Some("its worker died on an earlier cell".to_owned()),
        }
    }

    /// Has the trial's worker make its cell ready.
    fn prepare(&mut self, trial: &mut Trial, request: &Request) -> Result<(), ScenarioError> {
        match self.ask(trial, request, PREPARE_PATIENCE)? {
            Some(Answer::Prepared(prepared)) => trial.verified(&prepared),
            Some(other) => trial.fail(CellStatus::Failed, unexpected(&other)),
            None => {}
        }
        Ok(())
    }

    /// Asks the trial's worker. A refusal or a dead worker is written down and gives `None`.
    fn ask(
        &mut self,
        trial: &mut Trial,
        request: &Request,
        patience: Duration,
    ) -> Result<Option<Answer>, ScenarioError> {
        let key = (trial.cell.engine.clone(), trial.cell.cpu_profile.clone());
        let Some(worker) = self.workers.get_mut(&key) else {
            trial.fail(
                CellStatus::Failed,
                "its worker died on an earlier cell".to_owned(),
            );
            return Ok(None);
        };
        match worker.ask(request, patience, self.options.interrupted) {
            Ok(Answer::Refused(refusal)) => trial.fail(refusal.status, refusal.reason),
            Ok(answer) => return Ok(Some(answer)),
            Err(ChildError::Interrupted) => return Err(ScenarioError::Interrupted),
            Err(error) => {
                self.workers.remove(&key);
                trial.fail(CellStatus::Failed, error.to_string());
            }
        }
        Ok(None)
    }
}

fn unexpected(answer: &Answer) -> String {
    format!("the worker gave an answer to another request: {answer:?}")
}

/// Fisher and Yates.
fn shuffle(order: &mut [usize], rng: &mut ChaCha8Rng) {
    for index in (1..order.len()).rev() {
        let other = (u64::from(rng.next_u32()) * (index as u64 + 1)) >> 32;
        order.swap(index, other as usize);
    }
}
