//! Dumping, sealing, opening, comparing and restoring, with what is written down of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use sealab_criu::peers::{Comparison, Peers, Row, Tool, Way};
use sealab_criu::{Criu, CriuError, Frozen, GOLDEN_ORIGIN, ImageSet, Program, Unavailable, golden_set};
use sealab_memory::Content;
use sealab_programs::Scratch;
use sealab_record::{CHECKPOINT_PLANE, CellStatus, Check, Job, JobSample, Operation, Space};

use super::CheckpointSpec;
use crate::progress::Progress;
use crate::workplace::Workplace;
use crate::{MIXTURE_COMMAND, PlannedScenario, ScenarioError};

/// The set, what is stored, what came back, and room to breathe.
const COPIES: u64 = 4;

/// What checkpoints have shown so far.
pub(crate) struct Checkpoints<'a> {
    sealab: PathBuf,
    criu: Result<Criu, Unavailable>,
    interrupted: &'a AtomicBool,
    progress: Progress,
    pub(crate) jobs: Vec<Job>,
    pub(crate) checks: Vec<Check>,
}

/// What the jobs of one comparison are of.
struct Of<'a> {
    scenario: &'a str,
    /// Without its size.
    subject: String,
    size_bytes: u64,
}

impl Of<'_> {
    fn check(&self, step: &str, status: CellStatus, detail: String) -> Check {
        let mebibytes = self.size_bytes >> 20;
        let subject = match mebibytes {
            0 => self.subject.clone(),
            _ => format!("{} {mebibytes} MiB", self.subject),
        };
        Check {
            scenario: self.scenario.to_owned(),
            subject,
            step: step.to_owned(),
            status,
            detail,
        }
    }
}

impl<'a> Checkpoints<'a> {
    /// Looks for a CRIU.
    pub(crate) fn new(interrupted: &'a AtomicBool) -> Result<Self, ScenarioError> {
        let sealab = std::env::current_exe().map_err(|source| ScenarioError::System {
            what: "the path of this program".to_owned(),
            source,
        })?;
        let mixture = [sealab.clone().into_os_string(), MIXTURE_COMMAND.into()];
        Ok(Self {
            criu: Criu::find().map(|criu| criu.with_mixture(mixture)),
            sealab,
            interrupted,
            progress: Progress::new(),
            jobs: Vec::new(),
            checks: Vec::new(),
        })
    }

    /// Everything that `planned` asks of checkpoints.
    pub(crate) fn scenario(&mut self, planned: &PlannedScenario) -> Result<(), ScenarioError> {
        let scenario = planned.scenario.name.value.as_str();
        for spec in &planned.checkpoints {
            let mut of = Of {
                scenario,
                subject: spec.subject.program.id().to_owned(),
                size_bytes: spec.subject.size.bytes(),
            };
            let done = self.one(&mut of, spec);
            self.told(&of, done)?;
        }
        if let (Err(_), Some(first)) = (&self.criu, planned.checkpoints.first()) {
            let of = Of {
                scenario,
                subject: "golden set".to_owned(),
                size_bytes: 0,
            };
            let done = self.golden(&of, &first.methods.clone(), first.rounds);
            self.told(&of, done)?;
        }
        Ok(())
    }

    /// Writes down what went wrong with one subject; the others go on.
    fn told(&mut self, of: &Of<'_>, done: Result<(), CriuError>) -> Result<(), ScenarioError> {
        match done {
            Ok(()) => Ok(()),
            Err(CriuError::Interrupted) => Err(ScenarioError::Interrupted),
            Err(error) => {
                self.checks
                    .push(of.check("done", CellStatus::Failed, error.to_string()));
                Ok(())
            }
        }
    }

    fn one(&mut self, of: &mut Of<'_>, spec: &CheckpointSpec) -> Result<(), CriuError> {
        let workplace = match Workplace::find("checkpoints", spec.subject.size, COPIES) {
            Ok(workplace) => workplace,
            Err(reason) => {
                self.checks
                    .push(of.check("written", CellStatus::Unavailable, reason));
                return Ok(());
            }
        };
        let scratch = Scratch::new(&workplace.folder)?;
        let images = scratch.path().join("images");
        self.progress.show(|| format!("dumping {}", spec.subject));
        let frozen = self.dump(of, spec, &images)?;
        if frozen.is_none() {
            // So that nobody takes it for a real one.
            of.subject.push_str(", made up");
            made_up(spec).write(&images, self.interrupted)?;
        }
        self.progress
            .show(|| format!("sealing and opening {}", spec.subject));
        let kept = scratch.path().join("kept");
        let peers = Peers {
            tools: &spec.methods,
            rounds: spec.rounds,
            folder: scratch.path(),
            sealab: Some(&self.sealab),
            keep: spec.restore.then_some((Tool::SealedCheckpoint, kept.as_path())),
        };
        let comparison = peers.compare(&images, self.interrupted)?;
        self.compared(of, &spec.methods, &comparison, spec.rounds, workplace.memory);
        if spec.restore {
            self.progress.show(|| format!("restoring {}", spec.subject));
            self.restore(of, frozen, &kept)?;
        }
        Ok(())
    }

    /// Dumps the real program, or says why that cannot be.
    fn dump(
        &mut self,
        of: &Of<'_>,
        spec: &CheckpointSpec,
        images: &Path,
    ) -> Result<Option<Frozen>, CriuError> {
        let dumped = match &self.criu {
            Ok(criu) => criu.dump(&spec.subject, images, self.interrupted),
            Err(reason) => Err(reason.clone().into()),
        };
        match (dumped, &self.criu) {
            (Ok(frozen), Ok(criu)) => {
                let (files, bytes) = contents(images)?;
                let detail = format!(
                    "by CRIU {} in {:.2} s: {files} files with {:.1} MiB",
                    criu.version(),
                    frozen.elapsed().as_secs_f64(),
                    bytes as f64 / f64::from(1 << 20)
                );
                self.checks.push(of.check("dumped", CellStatus::Measured, detail));
                Ok(Some(frozen))
            }
            (Err(CriuError::Unavailable(reason)), _) => {
                let detail = format!("{reason}; a set that was made up stands in");
                self.checks
                    .push(of.check("dumped", CellStatus::Unavailable, detail));
                Ok(None)
            }
            (Err(error), _) => Err(error),
            (Ok(_), Err(reason)) => Err(reason.clone().into()),
        }
    }

    fn restore(&mut self, of: &Of<'_>, frozen: Option<Frozen>, kept: &Path) -> Result<(), CriuError> {
        let check = match frozen {
            _ if !kept.exists() => of.check(
                "restored",
                CellStatus::Failed,
                format!(
                    "there is nothing to restore: {} did not give the set back",
                    Tool::SealedCheckpoint.id()
                ),
            ),
            None => of.check(
                "restored",
                CellStatus::Unavailable,
                "nothing was dumped here".to_owned(),
            ),
            Some(mut frozen) => {
                let mut thawed = frozen.restore(kept, self.interrupted)?;
                let progress = thawed.goes_on(self.interrupted)?;
                let seconds = thawed.elapsed().as_secs_f64();
                let detail = format!(
                    "by CRIU in {seconds:.2} s from what {} gave back; it goes on: {}",
                    Tool::SealedCheckpoint.id(),
                    progress.0
                );
                of.check("restored", CellStatus::Measured, detail)
            }
        };
        self.checks.push(check);
        Ok(())
    }

    /// A set that was dumped elsewhere stands in where no CRIU runs.
    fn golden(&mut self, of: &Of<'_>, methods: &[Tool], rounds: u32) -> Result<(), CriuError> {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let images = scratch.path().join("images");
        golden_set(&images)?;
        self.checks
            .push(of.check("stands in", CellStatus::Measured, GOLDEN_ORIGIN.to_owned()));
        let peers = Peers {
            tools: methods,
            rounds,
            folder: scratch.path(),
            sealab: Some(&self.sealab),
            keep: None,
        };
        let comparison = peers.compare(&images, self.interrupted)?;
        self.compared(of, methods, &comparison, rounds, false);
        Ok(())
    }

    /// Turns a comparison into jobs, two for each method.
    fn compared(
        &mut self,
        of: &Of<'_>,
        methods: &[Tool],
        comparison: &Comparison,
        rounds: u32,
        memory: bool,
    ) {
        let mut held = 0;
        for &tool in methods {
            let told = |list: &[(Tool, String)]| {
                let found = list.iter().find(|(other, _)| *other == tool);
                found.map(|(_, text)| text.clone())
            };
            let (status, reason) = match (told(&comparison.failed), told(&comparison.missing)) {
                (Some(reason), _) => (CellStatus::Failed, Some(reason)),
                (_, Some(reason)) => (CellStatus::Unavailable, Some(reason)),
                _ => (CellStatus::Measured, None),
            };
            held += u32::from(status == CellStatus::Measured);
            for way in [Way::Seal, Way::Open] {
                let mut rows: Vec<&Row> = comparison
                    .rows
                    .iter()
                    .filter(|row| row.tool == tool && row.way == way)
                    .collect();
                if status != CellStatus::Measured {
                    rows.clear();
                }
                self.jobs.push(Job {
                    plane: CHECKPOINT_PLANE.to_owned(),
                    scenario: of.scenario.to_owned(),
                    subject: of.subject.clone(),
                    size_bytes: of.size_bytes,
                    method: tool.id().to_owned(),
                    description: tool.description().to_owned(),
                    version: told(&comparison.versions).unwrap_or_default(),
                    operation: match way {
                        Way::Seal => Operation::Seal,
                        Way::Open => Operation::Open,
                    },
                    status,
                    reason: reason.clone(),
                    verified: rows.len() == rounds as usize,
                    metadata_bytes: None,
                    space: rows.first().map(|row| Space {
                        plain_bytes: row.plain_bytes,
                        stored_bytes: row.stored_bytes,
                    }),
                    samples: rows.iter().map(|row| sample(row)).collect(),
                });
            }
        }
        let place = if memory { "in memory" } else { "on disk" };
        let detail = format!("the same, byte for byte, by {held} methods, {rounds} times each, {place}");
        if held > 0 {
            self.checks.push(of.check("opened", CellStatus::Measured, detail));
        }
    }
}

fn sample(row: &Row) -> JobSample {
    JobSample {
        round: row.round,
        wall_seconds: row.wall_seconds,
        cpu_seconds: row.cpu_seconds,
        peak_bytes: row.peak_bytes,
        transferred_bytes: None,
    }
}

/// A set in the likeness of the program's.
fn made_up(spec: &CheckpointSpec) -> ImageSet {
    let content = match spec.subject.program {
        Program::Memhog => Content::Constant,
        Program::StressNg => Content::Random,
        _ => Content::Mixed,
    };
    ImageSet::new(spec.subject.size, content)
}

/// How many files a folder has, and their bytes.
fn contents(folder: &Path) -> Result<(usize, u64), CriuError> {
    let failed = |source| CriuError::Io {
        path: folder.to_owned(),
        source,
    };
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(folder).map_err(failed)? {
        files += 1;
        bytes += entry.and_then(|entry| entry.metadata()).map_err(failed)?.len();
    }
    Ok((files, bytes))
}
