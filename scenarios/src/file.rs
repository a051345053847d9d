//! The scenario file: YAML, unknown keys refused, every error with its place.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use schemars::JsonSchema;
use sealab_criu::Program;
use sealab_memory::{ByteSize, Workload};
use sealab_record::{Operation, brief};
use serde::{Deserialize, Serialize};
use serde_saphyr::{Location, Spanned};

use crate::ScenarioError;
use crate::databases::DatabaseBlock;
use crate::images::ImageBlock;
use crate::selection::Selection;
use crate::uses::UseBlock;
use crate::volumes::VolumeBlock;

/// A larger file is refused before it is parsed.
pub const MAX_SCENARIO_BYTES: u64 = 1 << 20;

const MAX_DEPTH: usize = 32;
const MAX_EVENTS: usize = 100_000;

/// A scenario: a question to the machine, as a matrix of cells.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Sealab scenario")]
pub struct Scenario {
    /// A short name in lower case, unique within a run.
    #[schemars(with = "String", regex(pattern = r"^[a-z0-9][a-z0-9-]{0,63}$"))]
    pub name: Spanned<String>,
    /// One line for people.
    pub title: String,
    /// What the scenario asks, and what to look for in its figures.
    pub description: String,
    /// What ratios are taken against.
    #[serde(default)]
    pub baseline: Option<Baseline>,
    /// How many samples each cell gets, in interleaved rounds; at least 6, the fewest that give an interval.
    #[serde(default = "default_rounds")]
    #[schemars(with = "u32", range(min = 6, max = 1000))]
    pub rounds: Spanned<i64>,
    /// How long one sample should last, in milliseconds.
    #[serde(default = "default_sample")]
    #[schemars(with = "u32", range(min = 1, max = 10000))]
    pub sample_milliseconds: Spanned<i64>,
    /// Blocks of cells; each is multiplied out on its own. At least one, unless there are checkpoints.
    #[serde(default = "default_matrix")]
    #[schemars(with = "Vec<Block>")]
    pub matrix: Spanned<Vec<Block>>,
    /// Real programs that the real CRIU dumps, and what is done with their checkpoints.
    #[serde(default)]
    pub criu: Vec<CriuBlock>,
    /// Volumes under load; each block is multiplied out on its own.
    #[serde(default)]
    pub volumes: Vec<VolumeBlock>,
    /// Databases on volumes; each block is multiplied out on its own.
    #[serde(default)]
    pub databases: Vec<DatabaseBlock>,
    /// Container images of the host's own files, and what is done with them.
    #[serde(default)]
    pub images: Vec<ImageBlock>,
    /// What volumes are used for; the formats that are measured are attacked, to see which use each is fit for.
    #[serde(default)]
    pub uses: Vec<UseBlock>,
}

/// Every program with every size is dumped by CRIU; its checkpoint is sealed and opened by every method in turn, and
/// held to what it was.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CriuBlock {
    /// The programs.
    #[schemars(with = "Vec<Program>", length(min = 1))]
    pub programs: Spanned<Vec<Program>>,
    /// How much memory each fills.
    #[schemars(with = "Vec<ByteSize>", length(min = 1))]
    pub sizes: Spanned<Vec<ByteSize>>,
    /// What the checkpoints are sealed with: the lab's formats, and what people do after a dump.
    #[serde(default)]
    pub methods: Selection<String>,
    /// How often each method seals and opens.
    #[serde(default = "default_job_rounds")]
    #[schemars(with = "u32", range(min = 1, max = 100))]
    pub rounds: Spanned<i64>,
    /// Whether CRIU is to restore what the sealed format gives back, and the program to go on.
    #[serde(default)]
    pub restore: bool,
}

/// What ratios are taken against: the cell that differs in these alone.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// The engine's identifier.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub engine: Option<Spanned<String>>,
    /// The CPU profile's identifier.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub cpu_profile: Option<Spanned<String>>,
}

/// One block of the matrix: every combination of its lists is a cell.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// What is sealed: `page`, `protobuf` or `raw`.
    #[schemars(with = "String")]
    pub plane: Spanned<String>,
    /// Engines by identifier, or `all`.
    #[serde(default)]
    pub engines: Selection<String>,
    /// CPU profiles by identifier, or `all`.
    pub cpu_profiles: Selection<String>,
    /// Formats by identifier, or `all` that can seal the plane.
    pub formats: Selection<String>,
    /// What is timed.
    #[serde(default = "default_operations")]
    #[schemars(with = "Vec<UnitOperation>", length(min = 1))]
    pub operations: Spanned<Vec<UnitOperation>>,
    /// The data that is sealed.
    #[schemars(with = "Vec<Workload>", length(min = 1))]
    pub workloads: Spanned<Vec<Spanned<Workload>>>,
    /// Lengths of a unit in bytes. Absent for workloads that have messages of their own.
    #[serde(default)]
    #[schemars(with = "Option<Vec<u32>>", length(min = 1))]
    pub unit_bytes: Option<Spanned<Vec<Spanned<i64>>>>,
    /// Numbers of threads, or `all`: 1, 2, 4, … up to the machine's CPUs.
    #[serde(default = "default_threads")]
    #[schemars(with = "Selection<u32>")]
    pub threads: Selection<i64>,
}

/// What is done with units.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitOperation {
    /// Sealed bytes to plain bytes, authenticated where the format can.
    Open,
    /// Plain bytes to sealed bytes.
    Seal,
}

impl UnitOperation {
    pub(crate) fn recorded(self) -> Operation {
        match self {
            Self::Open => Operation::Open,
            Self::Seal => Operation::Seal,
        }
    }
}

pub(crate) fn spanned<T>(value: T) -> Spanned<T> {
    Spanned {
        value,
        referenced: Location::UNKNOWN,
        defined: Location::UNKNOWN,
    }
}

fn default_matrix() -> Spanned<Vec<Block>> {
    spanned(Vec::new())
}

pub(crate) fn default_job_rounds() -> Spanned<i64> {
    spanned(3)
}

fn default_rounds() -> Spanned<i64> {
    spanned(10)
}

fn default_sample() -> Spanned<i64> {
    spanned(10)
}

pub(crate) fn default_operations() -> Spanned<Vec<UnitOperation>> {
    spanned(vec![UnitOperation::Seal])
}

pub(crate) fn default_threads() -> Selection<i64> {
    Selection::These(vec![spanned(1)])
}

/// Reads and parses the scenario file at `path`; returns its text too, for the record's digest.
pub fn read(path: &Path) -> Result<(Scenario, String), ScenarioError> {
    let failed = |source| ScenarioError::Read {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_SCENARIO_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    let name = path.display().to_string();
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let lines: Vec<_> = valid.split(|byte| *byte == b'\n').collect();
        ScenarioError::Invalid {
            file: name.clone(),
            line: lines.len() as u64,
            column: lines.last().map_or(0, |line| line.len()) as u64 + 1,
            message: "a byte that is not UTF-8; a scenario is YAML in UTF-8".to_owned(),
        }
    })?;
    Ok((parse(&text, &name)?, text))
}

/// Parses the text of a scenario; `file` names it in errors.
pub fn parse(text: &str, file: &str) -> Result<Scenario, ScenarioError> {
    if text.len() as u64 > MAX_SCENARIO_BYTES {
        let message = format!(
            "the file is larger than {} KiB, the limit of a scenario",
            MAX_SCENARIO_BYTES >> 10
        );
        return Err(ScenarioError::Invalid {
            file: file.to_owned(),
            line: 1,
            column: 1,
            message,
        });
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_events: MAX_EVENTS },
        with_snippet: false,
        strict_booleans: true,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let location = error.location().unwrap_or(Location::UNKNOWN);
        ScenarioError::Invalid {
            file: file.to_owned(),
            line: location.line().max(1),
            column: location.column().max(1),
            message: brief(&first_line(&error.to_string())),
        }
    })
}

/// The parser's message without the place that the caller prints anyway.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    match line.rfind(" at line ") {
        Some(place) if line[place..].len() < 40 => line[..place].to_owned(),
        _ => line.to_owned(),
    }
}

/// The JSON Schema (draft 2020-12) of a scenario file, for editors.
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Scenario).to_value()
}
