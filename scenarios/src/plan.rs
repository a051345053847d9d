//! From a scenario to its cells: every name is checked and every list multiplied out before anything runs.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use sealab_checkpoint::{FORMATS, Format, Plane};
use sealab_memory::Workload;
use serde_saphyr::{Location, Spanned};

use crate::checkpoints::{CheckpointSpec, plan_checkpoints};
use crate::databases::{DatabaseCellSpec, plan_databases};
use crate::file::{Block, Scenario, UnitOperation};
use crate::images::{ImageSpec, LayerCellSpec, plan_images};
use crate::place::Place;
use crate::selection::Selection;
use crate::uses::check_uses;
use crate::volumes::{VolumeCellSpec, plan_volumes};
use crate::{ScenarioError, cpus};

const MAX_CELLS: usize = 10_000;
/// Fewer samples have no interval of the median at 95 %, since 1 - 2 / 2^n must reach it.
const MIN_ROUNDS: u32 = 6;
const MAX_ROUNDS: u32 = 1000;
const MAX_SAMPLE_MILLISECONDS: u32 = 10_000;
const UNIT_BYTES: RangeInclusive<u32> = 16..=16 << 20;
const MAX_THREADS: u32 = 256;

/// The words that a scenario may use for what is not in this crate.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    /// Identifiers of the engines.
    pub engines: Vec<&'static str>,
    /// Identifiers of the CPU profiles.
    pub cpu_profiles: Vec<String>,
}

/// A scenario with its cells.
#[derive(Clone, Debug)]
pub struct PlannedScenario {
    /// The scenario as it was read.
    pub scenario: Scenario,
    /// Samples for each cell.
    pub rounds: u32,
    /// The command that runs this scenario alone.
    pub command: String,
    /// How long one sample should last.
    pub sample: Duration,
    /// The workloads that its cells name by index.
    pub workloads: Vec<Workload>,
    /// The cells.
    pub cells: Vec<CellSpec>,
    /// The checkpoints that are sealed whole.
    pub checkpoints: Vec<CheckpointSpec>,
    /// The cells that are on volumes.
    pub volumes: Vec<VolumeCellSpec>,
    /// The cells that are databases on volumes.
    pub databases: Vec<DatabaseCellSpec>,
    /// The images that programs work on.
    pub images: Vec<ImageSpec>,
    /// The cells that are layers of images.
    pub layers: Vec<LayerCellSpec>,
}

/// One engine × CPU profile × format × workload × unit × threads, not yet run.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct CellSpec {
    /// The engine's identifier.
    pub engine: &'static str,
    /// The CPU profile's identifier.
    pub cpu_profile: String,
    /// What is sealed.
    pub plane: Plane,
    /// The format's identifier.
    pub format: &'static str,
    /// What is timed.
    pub operation: UnitOperation,
    /// Index into [`PlannedScenario::workloads`].
    pub workload: usize,
    /// The length of a unit in bytes; `None` where the workload has messages of its own.
    pub unit_bytes: Option<u32>,
    /// Threads at once.
    pub threads: u32,
}

/// Multiplies `scenario` out; `file` names it in errors.
pub fn plan(scenario: Scenario, file: &str, words: &Vocabulary) -> Result<PlannedScenario, ScenarioError> {
    let place = Place { file };
    place.name(&scenario.name)?;
    let rounds = place.range("rounds", &scenario.rounds, MIN_ROUNDS..=MAX_ROUNDS)?;
    let milliseconds = place.range(
        "sample_milliseconds",
        &scenario.sample_milliseconds,
        1..=MAX_SAMPLE_MILLISECONDS,
    )?;
    if let Some(baseline) = &scenario.baseline {
        if let Some(engine) = &baseline.engine {
            place.known("engine", engine, &words.engines)?;
        }
        if let Some(profile) = &baseline.cpu_profile {
            place.known("CPU profile", profile, &words.cpu_profiles)?;
        }
    }
    let checkpoints = plan_checkpoints(&scenario.criu, &place)?;
    let volumes = plan_volumes(&scenario.volumes, words, &place)?;
    let databases = plan_databases(&scenario.databases, words, &place)?;
    let (images, layers) = plan_images(&scenario.images, words, &place)?;
    check_uses(&scenario.uses, &volumes, &place)?;
    let others = checkpoints.len() + volumes.len() + databases.len() + images.len() + layers.len();
    if others == 0 {
        place.filled("matrix", &scenario.matrix.value, scenario.matrix.referenced)?;
    }

    let mut workloads = Vec::new();
    let mut cells = Vec::new();
    let mut seen = HashSet::new();
    for block in &scenario.matrix.value {
        for cell in place.block(block, words, &mut workloads)? {
            if cells.len() == MAX_CELLS {
                let message = format!("the matrix has more than {MAX_CELLS} cells");
                return Err(place.error(scenario.matrix.referenced, message));
            }
            // Blocks may overlap; a cell is measured once.
            let key = CellSpec {
                workload: 0,
                ..cell.clone()
            };
            if seen.insert((key, workloads[cell.workload].to_string())) {
                cells.push(cell);
            }
        }
    }
    Ok(PlannedScenario {
        rounds,
        command: format!("sealab run {}", quoted(file)),
        sample: Duration::from_millis(milliseconds.into()),
        scenario,
        workloads,
        cells,
        checkpoints,
        volumes,
        databases,
        images,
        layers,
    })
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// What a block of the matrix says.
impl Place<'_> {
    fn formats(&self, block: &Block, plane: Plane) -> Result<Vec<&'static dyn Format>, ScenarioError> {
        let ids: Vec<_> = FORMATS.iter().map(|format| format.id()).collect();
        let named = matches!(block.formats, Selection::These(_));
        let chosen = self.selected("format", &block.formats, &ids, block.plane.referenced)?;
        let mut formats = Vec::new();
        for id in chosen {
            let Some(format) = sealab_checkpoint::format(id) else {
                continue;
            };
            if format.planes().contains(&plane) {
                formats.push(format);
            } else if named {
                let planes: Vec<_> = format.planes().iter().map(|plane| plane.id()).collect();
                let message = format!(
                    "format {id:?} cannot seal the plane {plane}, only {}",
                    planes.join(", ")
                );
                return Err(self.error(block.plane.referenced, message));
            }
        }
        Ok(formats)
    }

    fn unit_bytes(
        &self,
        block: &Block,
        plane: Plane,
        workload: &Spanned<Workload>,
    ) -> Result<Vec<Option<u32>>, ScenarioError> {
        if let Err(error) = workload.value.validate() {
            return Err(self.error(workload.referenced, error.to_string()));
        }
        let messages = matches!(workload.value, Workload::Messages(_));
        if messages != (plane == Plane::Protobuf) {
            let message = format!(
                "the plane {plane} needs a workload that {} messages of its own; {:?} {} them",
                if messages { "has no" } else { "has" },
                workload.value.to_string(),
                if messages { "has" } else { "lacks" },
            );
            return Err(self.error(workload.referenced, message));
        }
        match &block.unit_bytes {
            Some(list) if messages => {
                let message =
                    "unit_bytes has no meaning for messages, which have lengths of their own".to_owned();
                Err(self.error(list.referenced, message))
            }
            Some(list) => {
                self.filled("unit_bytes", &list.value, list.referenced)?;
                self.distinct("unit_bytes", &list.value)?;
                list.value
                    .iter()
                    .map(|length| self.unit(length).map(Some))
                    .collect()
            }
            None if messages => Ok(vec![None]),
            None => Ok(vec![Some(if plane == Plane::Page { 4096 } else { 65536 })]),
        }
    }

    fn unit(&self, length: &Spanned<i64>) -> Result<u32, ScenarioError> {
        let fits = self.range("unit_bytes", length, UNIT_BYTES)?;
        if fits.is_multiple_of(16) {
            return Ok(fits);
        }
        let message = format!("unit_bytes is {fits}; it must be a multiple of 16");
        Err(self.error(length.referenced, message))
    }

    /// The numbers of threads that are asked for; `location` is the block's.
    pub(crate) fn threads(
        &self,
        threads: &Selection<i64>,
        location: Location,
    ) -> Result<Vec<u32>, ScenarioError> {
        match threads {
            Selection::All => {
                let most = u32::try_from(cpus()).unwrap_or(MAX_THREADS).min(MAX_THREADS);
                let mut counts: Vec<u32> = (0..).map(|power| 1 << power).take_while(|n| *n < most).collect();
                counts.push(most);
                Ok(counts)
            }
            Selection::These(list) => {
                self.filled("threads", list, location)?;
                self.distinct("threads", list)?;
                list.iter()
                    .map(|count| self.range("threads", count, 1..=MAX_THREADS))
                    .collect()
            }
        }
    }

    fn block(
        &self,
        block: &Block,
        words: &Vocabulary,
        workloads: &mut Vec<Workload>,
    ) -> Result<Vec<CellSpec>, ScenarioError> {
        let planes = Plane::ALL.map(Plane::id);
        self.known("plane", &block.plane, &planes)?;
        let plane = Plane::from_id(&block.plane.value).unwrap_or(Plane::Page);
        let engines = self.selected("engine", &block.engines, &words.engines, block.plane.referenced)?;
        let profiles = self.selected(
            "CPU profile",
            &block.cpu_profiles,
            &words.cpu_profiles,
            block.plane.referenced,
        )?;
        let formats = self.formats(block, plane)?;
        let threads = self.threads(&block.threads, block.plane.referenced)?;
        self.filled("operations", &block.operations.value, block.operations.referenced)?;
        self.filled("workloads", &block.workloads.value, block.workloads.referenced)?;

        let mut cells = Vec::new();
        for workload in &block.workloads.value {
            let units = self.unit_bytes(block, plane, workload)?;
            let label = workload.value.to_string();
            let index = workloads
                .iter()
                .position(|known| known.to_string() == label)
                .unwrap_or(workloads.len());
            if index == workloads.len() {
                workloads.push(workload.value.clone());
            }
            for format in &formats {
                for unit_bytes in &units {
                    for operation in &block.operations.value {
                        for threads in &threads {
                            for cpu_profile in &profiles {
                                cells.extend(engines.iter().map(|engine| CellSpec {
                                    engine,
                                    cpu_profile: cpu_profile.clone(),
                                    plane,
                                    format: format.id(),
                                    operation: *operation,
                                    workload: index,
                                    unit_bytes: *unit_bytes,
                                    threads: *threads,
                                }));
                            }
                        }
                    }
                }
            }
            if cells.len() > MAX_CELLS {
                break;
            }
        }
        Ok(cells)
    }
}
