//! Having images encrypted, pushed and read by programs, with what is written down of it.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use sealab_images::{
    Comparison, Encryption, Image, ImagesError, Method, Row, Start, StartWay, Tree, Version, Versions, Way,
};
use sealab_memory::Share;
use sealab_programs::Scratch;
use sealab_record::{CellStatus, Check, Job, JobSample, Operation, Space};

use super::{ImageSpec, ImageTask, LAYER_PLANE};
use crate::progress::Progress;
use crate::workplace::Workplace;
use crate::{PlannedScenario, ScenarioError};

/// The plain image twice where there are two versions, the registry's two, what came back, and room to breathe.
const COPIES: u64 = 6;
/// What the choice of what is changed in a version begins with.
const SEED: u64 = 1;

/// What images have shown so far.
pub(crate) struct Images<'a> {
    sealab: PathBuf,
    interrupted: &'a AtomicBool,
    progress: Progress,
    pub(crate) jobs: Vec<Job>,
    pub(crate) checks: Vec<Check>,
}

/// What jobs are of.
struct Of<'a> {
    scenario: &'a str,
    subject: String,
    size_bytes: u64,
    rounds: u32,
}

impl Of<'_> {
    fn check(&self, step: &str, status: CellStatus, detail: String) -> Check {
        Check {
            scenario: self.scenario.to_owned(),
            subject: format!("{}, {} MiB", self.subject, self.size_bytes >> 20),
            step: step.to_owned(),
            status,
            detail,
        }
    }
}

impl<'a> Images<'a> {
    pub(crate) fn new(interrupted: &'a AtomicBool) -> Result<Self, ScenarioError> {
        let sealab = std::env::current_exe().map_err(|source| ScenarioError::System {
            what: "the path of this program".to_owned(),
            source,
        })?;
        Ok(Self {
            sealab,
            interrupted,
            progress: Progress::new(),
            jobs: Vec::new(),
            checks: Vec::new(),
        })
    }

    /// Everything that `planned` asks of images by programs.
    pub(crate) fn scenario(&mut self, planned: &PlannedScenario) -> Result<(), ScenarioError> {
        for spec in &planned.images {
            let of = Of {
                scenario: planned.scenario.name.value.as_str(),
                subject: spec.subject(),
                size_bytes: spec.size.bytes(),
                rounds: match spec.task {
                    ImageTask::Encrypt { rounds, .. }
                    | ImageTask::Dedup { rounds, .. }
                    | ImageTask::LazyStart { rounds, .. } => rounds,
                },
            };
            match self.one(&of, spec) {
                Ok(()) => {}
                Err(error) if error.is_interruption() => return Err(ScenarioError::Interrupted),
                // The others go on.
                Err(error) => {
                    let status = if error.is_unavailable() {
                        CellStatus::Unavailable
                    } else {
                        CellStatus::Failed
                    };
                    self.checks.push(of.check("done", status, error.to_string()));
                }
            }
        }
        Ok(())
    }

    fn one(&mut self, of: &Of<'_>, spec: &ImageSpec) -> Result<(), ImagesError> {
        let workplace = match Workplace::find("images", spec.size, COPIES) {
            Ok(workplace) => workplace,
            Err(reason) => {
                self.checks
                    .push(of.check("written", CellStatus::Unavailable, reason));
                return Ok(());
            }
        };
        let scratch = Scratch::new(&workplace.folder)?;
        let place = if workplace.memory { "in memory" } else { "on disk" };
        self.progress
            .show(|| format!("making an image of {}, {}", of.subject, spec.size));
        let tree = Tree::new(spec.content, spec.size.bytes(), self.interrupted)?;
        let image = Image::write(&tree, &scratch.path().join("image"), self.interrupted)?;
        self.checks.push(of.check(
            "made",
            CellStatus::Measured,
            format!(
                "{} files with {}, a layer of {}, {place}",
                tree.files(),
                mebibytes(tree.bytes()),
                mebibytes(image.layer_bytes())
            ),
        ));
        self.progress
            .show(|| format!("{}: {}, {}", of.scenario, of.subject, spec.size));
        let sealab = self.sealab.clone();
        match &spec.task {
            ImageTask::Encrypt { methods, rounds } => {
                let encryption = Encryption {
                    methods,
                    rounds: *rounds,
                    folder: scratch.path(),
                    sealab: &sealab,
                };
                let found = encryption.compare(&image, self.interrupted)?;
                let named = described(methods);
                self.jobs(of, &of.subject, &named, &[Way::Seal, Way::Open], &found, whole);
                self.held(of, &found);
                Ok(())
            }
            ImageTask::Dedup { new, methods, rounds } => {
                let versions = Versions {
                    methods,
                    rounds: *rounds,
                    folder: scratch.path(),
                    sealab: &sealab,
                };
                self.dedup(of, &versions, &tree, &image, *new)
            }
            ImageTask::LazyStart { files, ways, rounds } => {
                let start = Start {
                    ways,
                    rounds: *rounds,
                    files: *files,
                    folder: scratch.path(),
                    sealab: &sealab,
                };
                self.start(of, &start, &tree, &image)
            }
        }
    }

    fn dedup(
        &mut self,
        of: &Of<'_>,
        versions: &Versions<'_>,
        tree: &Tree,
        first: &Image,
        new: Share,
    ) -> Result<(), ImagesError> {
        let next = tree.next_version(new, SEED);
        let second = Image::write(&next, &versions.folder.join("second"), self.interrupted)?;
        let found = versions.compare([first, &second], self.interrupted)?;
        let named = described(versions.methods);
        let mut kept = Vec::new();
        for (version, word) in [(Version::First, "first"), (Version::Second, "second")] {
            let subject = format!("{}: the {word}", of.subject);
            let only = |(of, row): &'_ (Version, Row)| (*of == version).then(|| row.clone());
            self.jobs(of, &subject, &named, &[Way::Seal, Way::Open], &found, only);
        }
        for method in versions.methods {
            let of_version = |version: Version| {
                let pushed = |(of, row): &&(Version, Row)| {
                    *of == version && row.method == method.id() && row.way == Way::Seal
                };
                found.rows.iter().find(pushed).map(|(_, row)| row)
            };
            if let (Some(one), Some(two)) = (of_version(Version::First), of_version(Version::Second)) {
                let both = (one.stored_bytes + two.stored_bytes) as f64 / one.stored_bytes.max(1) as f64;
                kept.push(format!("{} {both:.2}", method.id()));
            }
        }
        if !kept.is_empty() {
            let detail = format!(
                "both versions take, for each byte of the first: {}",
                kept.join(", ")
            );
            self.checks.push(of.check("stored", CellStatus::Measured, detail));
        }
        self.held(of, &found);
        Ok(())
    }

    fn start(
        &mut self,
        of: &Of<'_>,
        start: &Start<'_>,
        tree: &Tree,
        image: &Image,
    ) -> Result<(), ImagesError> {
        let detail = format!(
            "{} files with {}",
            start.paths(tree).len(),
            mebibytes(start.wanted_bytes(tree))
        );
        self.checks.push(of.check("wanted", CellStatus::Measured, detail));
        let found = start.compare(tree, image, self.interrupted)?;
        let named: Vec<_> = start
            .ways
            .iter()
            .map(|way| (way.id(), way.description()))
            .collect();
        self.jobs(of, &of.subject, &named, &[Way::Open], &found, whole);
        let parts: Vec<String> = start
            .ways
            .iter()
            .filter_map(|way| transferred(*way, &found))
            .collect();
        if !parts.is_empty() {
            let detail = format!("of what is stored were transferred: {}", parts.join(", "));
            self.checks
                .push(of.check("transferred", CellStatus::Measured, detail));
        }
        self.held(of, &found);
        Ok(())
    }

    /// Turns a comparison into jobs, one for each method and way. `rows` takes out those that they are made of.
    fn jobs<R>(
        &mut self,
        of: &Of<'_>,
        subject: &str,
        methods: &[(&'static str, String)],
        ways: &[Way],
        found: &Comparison<R>,
        rows: impl Fn(&R) -> Option<Row>,
    ) {
        let all: Vec<Row> = found.rows.iter().filter_map(rows).collect();
        for (method, description) in methods {
            let (status, reason) = match (found.failed.get(method), found.missing.get(method)) {
                (Some(reason), _) => (CellStatus::Failed, Some(reason.clone())),
                (_, Some(reason)) => (CellStatus::Unavailable, Some(reason.clone())),
                _ => (CellStatus::Measured, None),
            };
            for &way in ways {
                let fits =
                    |row: &&Row| status == CellStatus::Measured && row.method == *method && row.way == way;
                let rows: Vec<&Row> = all.iter().filter(fits).collect();
                self.jobs.push(Job {
                    scenario: of.scenario.to_owned(),
                    plane: LAYER_PLANE.to_owned(),
                    subject: subject.to_owned(),
                    size_bytes: of.size_bytes,
                    method: (*method).to_owned(),
                    description: description.clone(),
                    version: found.versions.get(method).cloned().unwrap_or_default(),
                    operation: match way {
                        Way::Seal => Operation::Seal,
                        Way::Open => Operation::Open,
                    },
                    status,
                    reason: reason.clone(),
                    verified: rows.len() == of.rounds as usize,
                    space: rows.first().map(|row| Space {
                        plain_bytes: row.plain_bytes,
                        stored_bytes: row.stored_bytes,
                    }),
                    metadata_bytes: rows.first().and_then(|row| row.metadata_bytes),
                    samples: rows.iter().map(|row| sample(row)).collect(),
                });
            }
        }
    }

    fn held<R>(&mut self, of: &Of<'_>, found: &Comparison<R>) {
        let held = found
            .versions
            .keys()
            .filter(|method| !found.failed.contains_key(*method) && !found.missing.contains_key(*method));
        let count = held.count();
        if count > 0 {
            let detail = format!(
                "the same, byte for byte, by {count} methods, {} times each",
                of.rounds
            );
            self.checks.push(of.check("opened", CellStatus::Measured, detail));
        }
    }
}

fn described(methods: &[Method]) -> Vec<(&'static str, String)> {
    methods
        .iter()
        .map(|method| (method.id(), method.description()))
        .collect()
}

/// The part of the stored bytes that a way had to transfer, on average.
fn transferred(way: StartWay, found: &Comparison) -> Option<String> {
    let rows: Vec<&Row> = found.rows.iter().filter(|row| row.method == way.id()).collect();
    let all: u64 = rows.iter().filter_map(|row| row.transferred_bytes).sum();
    let stored: u64 = rows.iter().map(|row| row.stored_bytes).sum();
    (stored > 0).then(|| format!("{} {:.1} %", way.id(), all as f64 / stored as f64 * 100.0))
}

fn sample(row: &Row) -> JobSample {
    JobSample {
        round: row.round,
        wall_seconds: row.wall_seconds,
        cpu_seconds: row.cpu_seconds,
        peak_bytes: row.peak_bytes,
        transferred_bytes: row.transferred_bytes,
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

fn whole(row: &Row) -> Option<Row> {
    Some(row.clone())
}
