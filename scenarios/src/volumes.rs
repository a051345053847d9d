//! Volumes under load: what a `volumes` block asks for.

mod blocks;
mod cell;
mod content;
mod opening;
mod task;
mod traces;

use std::fmt;

use schemars::JsonSchema;
use sealab_memory::ByteSize;
use sealab_record::{Along, Setting};
use sealab_volume::format::{FORMATS, VolumeFormat};
use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

use crate::ScenarioError;
use crate::place::Place;
use crate::plan::Vocabulary;
use crate::selection::Selection;

pub use blocks::{BlockOperation, BlockPattern, BlockWorkload};
pub(crate) use cell::{VolumeCell, make_store};
pub(crate) use content::verify;
pub use opening::Opening;
pub use task::VolumeTask;
pub use traces::TraceFile;

/// The plane's identifier in records.
pub(crate) const VOLUME_PLANE: &str = "volume";

/// The least and the most bytes of a volume.
const SIZES: [u64; 2] = [1 << 20, 1 << 40];

/// One block of volumes: every combination of its lists is a cell.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VolumeBlock {
    /// Engines by identifier, or `all`.
    #[serde(default)]
    pub engines: Selection<String>,
    /// CPU profiles by identifier, or `all`.
    pub cpu_profiles: Selection<String>,
    /// Formats of volumes by identifier, or `all`.
    #[serde(default)]
    pub formats: Selection<String>,
    /// What the volumes lie on.
    #[serde(default = "default_stores")]
    #[schemars(with = "Vec<StoreKind>", length(min = 1))]
    pub stores: Spanned<Vec<StoreKind>>,
    /// The size of each volume.
    #[schemars(with = "ByteSize")]
    pub size: Spanned<ByteSize>,
    /// What is done on them. At least one, unless there are traces or openings.
    #[serde(default)]
    #[schemars(with = "Vec<BlockWorkload>")]
    pub workloads: Vec<Spanned<BlockWorkload>>,
    /// Block traces that are replayed on them: `database`, which is shipped, or the path of a file, from the scenario's
    /// folder on.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub traces: Vec<Spanned<String>>,
    /// What is opened that a process left which ended without closing it.
    #[serde(default)]
    #[schemars(with = "Vec<Opening>")]
    pub openings: Vec<Spanned<Opening>>,
    /// What the plots run along; the cells differ in it and are alike in all else.
    #[serde(default)]
    pub along: Option<Setting>,
    /// Whether each cell has a process of its own, whose peak of memory is then its figure beside the speed.
    #[serde(default)]
    pub alone: bool,
}

fn default_stores() -> Spanned<Vec<StoreKind>> {
    crate::file::spanned(vec![StoreKind::Memory])
}

/// What a volume lies on.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreKind {
    /// Memory of the process.
    Memory,
    /// A file in the folder for temporary files, through the page cache.
    File,
    /// The same with O_DIRECT.
    DirectFile,
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::File => "a file",
            Self::DirectFile => "a file with O_DIRECT",
        })
    }
}

/// One engine × CPU profile × format × store × task, not yet run.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct VolumeCellSpec {
    /// The engine's identifier.
    pub engine: &'static str,
    /// The CPU profile's identifier.
    pub cpu_profile: String,
    /// The format's identifier.
    pub format: &'static str,
    /// What the volume lies on.
    pub store: StoreKind,
    /// The volume's size, in bytes.
    pub size: u64,
    /// What is done on it.
    pub task: VolumeTask,
    /// What the plots run along.
    pub along: Option<Setting>,
    /// Whether it has a process of its own.
    pub alone: bool,
}

impl VolumeCellSpec {
    /// The workload with all its parameters but those that a cell has of its own.
    pub(crate) fn label(&self) -> String {
        self.labelled(None)
    }

    /// Where the cell stands along the setting that the plots run along.
    pub(crate) fn along(&self) -> Option<Along> {
        let setting = self.along?;
        let value = match setting {
            Setting::VolumeBytes => self.size,
            _ => self.task.setting(setting)?,
        };
        Some(Along {
            setting,
            value,
            workload: self.labelled(Some(setting)),
        })
    }

    /// The label without what stands elsewhere.
    fn labelled(&self, without: Option<Setting>) -> String {
        let (task, store) = (self.task.label(without), self.store);
        match without {
            Some(Setting::VolumeBytes) => format!("{task}, on {store}"),
            _ if self.size >= 1 << 30 => format!("{task}, on {} GiB of {store}", self.size >> 30),
            _ => format!("{task}, on {} MiB of {store}", self.size >> 20),
        }
    }
}

/// Cells that are measured in the same rounds: those of one task on one kind of store, or one that is alone.
pub(crate) fn groups(specs: &[VolumeCellSpec]) -> Vec<Vec<&VolumeCellSpec>> {
    let mut groups: Vec<Vec<&VolumeCellSpec>> = Vec::new();
    for spec in specs {
        let kin = |other: &VolumeCellSpec| {
            other.task == spec.task
                && other.store == spec.store
                && other.size == spec.size
                && !other.alone
                && !spec.alone
        };
        match groups
            .iter_mut()
            .find(|group| group.first().is_some_and(|first| kin(first)))
        {
            Some(group) => group.push(spec),
            None => groups.push(vec![spec]),
        }
    }
    groups
}

/// Multiplies the blocks out.
pub(crate) fn plan_volumes(
    blocks: &[VolumeBlock],
    words: &Vocabulary,
    place: &Place<'_>,
) -> Result<Vec<VolumeCellSpec>, ScenarioError> {
    let mut specs: Vec<VolumeCellSpec> = Vec::new();
    for block in blocks {
        let location = block.size.referenced;
        let engines = place.selected("engine", &block.engines, &words.engines, location)?;
        let profiles = place.selected("CPU profile", &block.cpu_profiles, &words.cpu_profiles, location)?;
        let ids: Vec<&str> = FORMATS.iter().map(|format| format.id()).collect();
        let chosen = place.selected("format", &block.formats, &ids, location)?;
        let formats: Vec<&dyn VolumeFormat> = chosen
            .into_iter()
            .filter_map(sealab_volume::format::format)
            .collect();
        place.filled("stores", &block.stores.value, block.stores.referenced)?;
        let size = block.size.value.bytes();
        if !(SIZES[0]..=SIZES[1]).contains(&size) {
            let message = format!("the size {} must be 1 MiB to 1 TiB", block.size.value);
            return Err(place.error(location, message));
        }
        for task in tasks(block, size, place)? {
            for store in &block.stores.value {
                for format in formats
                    .iter()
                    .filter(|format| format.writable() || !task.writes())
                {
                    for cpu_profile in &profiles {
                        specs.extend(engines.iter().map(|engine| VolumeCellSpec {
                            engine,
                            cpu_profile: cpu_profile.clone(),
                            format: format.id(),
                            store: *store,
                            size,
                            task: task.clone(),
                            along: block.along,
                            alone: block.alone,
                        }));
                    }
                }
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    specs.retain(|spec| seen.insert(spec.clone()));
    Ok(specs)
}

/// What a block has done on its volumes of `size` bytes.
fn tasks(block: &VolumeBlock, size: u64, place: &Place<'_>) -> Result<Vec<VolumeTask>, ScenarioError> {
    let mut tasks = Vec::new();
    for workload in &block.workloads {
        if let Some(message) = workload.value.wrong(size) {
            return Err(place.error(workload.referenced, message));
        }
        tasks.push(VolumeTask::Blocks(workload.value.clone()));
    }
    for name in &block.traces {
        let trace = TraceFile::check(&name.value, place.file, size);
        let trace = trace.map_err(|message| place.error(name.referenced, message))?;
        tasks.push(VolumeTask::Trace(trace));
    }
    for opening in &block.openings {
        if let Some(message) = opening.value.wrong(size) {
            return Err(place.error(opening.referenced, message));
        }
        tasks.push(VolumeTask::Opening(opening.value));
    }
    if let Some(setting) = block.along
        && let Some(task) = tasks
            .iter()
            .find(|task| setting != Setting::VolumeBytes && task.setting(setting).is_none())
    {
        let message = format!("along names a setting that {:?} does not have", task.label(None));
        return Err(place.error(block.size.referenced, message));
    }
    if tasks.is_empty() {
        let message = "workloads, traces and openings are all empty; one needs an entry".to_owned();
        return Err(place.error(block.size.referenced, message));
    }
    Ok(tasks)
}
