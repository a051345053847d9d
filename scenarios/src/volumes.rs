//! Volumes under load: what a `volumes` block asks for.

mod cell;

use std::fmt;

use schemars::JsonSchema;
use sealab_memory::ByteSize;
use sealab_record::Operation;
use sealab_volume::format::{FORMATS, VolumeFormat};
use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

use crate::ScenarioError;
use crate::place::Place;
use crate::plan::Vocabulary;
use crate::selection::Selection;

pub(crate) use cell::{VolumeCell, verify};

/// The plane's identifier in records.
pub(crate) const VOLUME_PLANE: &str = "volume";

/// The least and the most bytes of a volume.
const SIZES: [u64; 2] = [1 << 20, 64 << 30];
/// The least and the most bytes of a request.
const BLOCKS: [u64; 2] = [4096, 4 << 20];
const MAX_DEPTH: u32 = 64;

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
    /// What is done on them.
    #[schemars(with = "Vec<BlockWorkload>", length(min = 1))]
    pub workloads: Spanned<Vec<Spanned<BlockWorkload>>>,
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

/// What is done on a volume, in the words of fio.
#[derive(Clone, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BlockWorkload {
    /// Which block comes next.
    pub pattern: BlockPattern,
    /// What is done with it.
    pub operation: BlockOperation,
    /// The bytes of a request.
    pub block: ByteSize,
    /// The requests at a time, 1 to 64; each has a thread.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 64))]
    pub depth: u32,
    /// A flush comes after every so many writes; none does without.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub flush_every: Option<u64>,
    /// How many of a hundred requests of `mixed` are read.
    #[serde(default = "seventy")]
    #[schemars(range(max = 100))]
    pub read_percent: u8,
}

fn one() -> u32 {
    1
}

fn seventy() -> u8 {
    70
}

/// Which block comes next.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockPattern {
    /// The one after the last.
    Sequential,
    /// Any.
    Random,
}

/// What is done with a block.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockOperation {
    /// It is read.
    Read,
    /// It is written.
    Write,
    /// Either, by chance.
    Mixed,
}

impl BlockOperation {
    pub(crate) fn recorded(self) -> Operation {
        match self {
            Self::Read => Operation::Read,
            Self::Write => Operation::Write,
            Self::Mixed => Operation::Mixed,
        }
    }
}

impl fmt::Display for BlockWorkload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.pattern {
            BlockPattern::Sequential => "sequential ",
            BlockPattern::Random => "random ",
        })?;
        match self.operation {
            BlockOperation::Read => f.write_str("read")?,
            BlockOperation::Write => f.write_str("write")?,
            BlockOperation::Mixed => write!(f, "mixed, {} % read", self.read_percent)?,
        }
        match self.flush_every {
            Some(every) => write!(f, ", flush every {every}"),
            None => Ok(()),
        }
    }
}

/// One engine × CPU profile × format × store × workload, not yet run.
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
    pub workload: BlockWorkload,
}

impl VolumeCellSpec {
    /// The workload with all its parameters but those that a cell has of its own.
    pub(crate) fn label(&self) -> String {
        let mebibytes = self.size >> 20;
        format!("{}, on {mebibytes} MiB of {}", self.workload, self.store)
    }
}

/// Cells that are measured in the same rounds: those of one workload on one kind of store.
pub(crate) fn groups(specs: &[VolumeCellSpec]) -> Vec<Vec<&VolumeCellSpec>> {
    let mut groups: Vec<Vec<&VolumeCellSpec>> = Vec::new();
    for spec in specs {
        let kin = |other: &VolumeCellSpec| {
            other.workload == spec.workload && other.store == spec.store && other.size == spec.size
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
        place.filled("workloads", &block.workloads.value, block.workloads.referenced)?;
        let size = block.size.value.bytes();
        if !(SIZES[0]..=SIZES[1]).contains(&size) {
            let message = format!("the size {} must be 1 MiB to 64 GiB", block.size.value);
            return Err(place.error(location, message));
        }
        for workload in &block.workloads.value {
            if let Some(message) = wrong(&workload.value, size) {
                return Err(place.error(workload.referenced, message));
            }
            for store in &block.stores.value {
                for format in &formats {
                    if workload.value.operation != BlockOperation::Read && !format.writable() {
                        continue;
                    }
                    for cpu_profile in &profiles {
                        specs.extend(engines.iter().map(|engine| VolumeCellSpec {
                            engine,
                            cpu_profile: cpu_profile.clone(),
                            format: format.id(),
                            store: *store,
                            size,
                            workload: workload.value.clone(),
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

/// Why a workload cannot be.
fn wrong(workload: &BlockWorkload, size: u64) -> Option<String> {
    let block = workload.block.bytes();
    if !(BLOCKS[0]..=BLOCKS[1]).contains(&block) || !block.is_multiple_of(BLOCKS[0]) {
        return Some(format!(
            "the block of {} must be 4 KiB to 4 MiB and a multiple of 4 KiB",
            workload.block
        ));
    }
    if block > size {
        return Some(format!(
            "the block of {} is larger than the volume",
            workload.block
        ));
    }
    if !(1..=MAX_DEPTH).contains(&workload.depth) {
        return Some(format!(
            "depth is {}; it must be 1 to {MAX_DEPTH}",
            workload.depth
        ));
    }
    if workload.flush_every == Some(0) {
        return Some("flush_every is 0; it must be at least 1".to_owned());
    }
    if workload.read_percent > 100 {
        return Some(format!(
            "read_percent is {}; it must be 0 to 100",
            workload.read_percent
        ));
    }
    None
}
