//! What tells the cells of a scenario apart.

use std::collections::HashMap;

use sealab_record::{Cell, Operation, Run, Setting};

use crate::numbers::{counted, size};
use crate::printable::one_line;

/// One coordinate of a cell.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Dimension {
    Engine,
    CpuProfile,
    Plane,
    Format,
    Operation,
    Workload,
    UnitBytes,
    Threads,
    /// A setting that the scenario is about; cells of others have no value of it.
    Along(Setting),
}

/// What stands for never: after every number.
const NEVER: u64 = u64::MAX;

/// A cell's value in one dimension.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Value<'a> {
    Number(u64),
    Text(&'a str),
}

impl Dimension {
    pub(crate) const ALL: [Self; 12] = [
        Self::Engine,
        Self::CpuProfile,
        Self::Plane,
        Self::Format,
        Self::Operation,
        Self::Workload,
        Self::UnitBytes,
        Self::Threads,
        Self::Along(Setting::FillPercent),
        Self::Along(Setting::FlushEvery),
        Self::Along(Setting::UnflushedBlocks),
        Self::Along(Setting::VolumeBytes),
    ];

    /// The column heading.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::CpuProfile => "CPU profile",
            Self::Plane => "plane",
            Self::Format => "format",
            Self::Operation => "operation",
            Self::Workload => "workload",
            Self::UnitBytes => "unit",
            Self::Threads => "threads",
            Self::Along(Setting::FillPercent) => "full",
            Self::Along(Setting::FlushEvery) => "flush every",
            Self::Along(Setting::UnflushedBlocks) => "unflushed",
            Self::Along(Setting::VolumeBytes) => "volume",
        }
    }

    pub(crate) fn value(self, cell: &Cell) -> Value<'_> {
        match self {
            Self::Engine => Value::Text(&cell.engine),
            Self::CpuProfile => Value::Text(&cell.cpu_profile),
            Self::Plane => Value::Text(&cell.plane),
            Self::Format => Value::Text(&cell.format),
            Self::Operation => Value::Text(operation_word(cell.operation)),
            Self::Workload => Value::Text(
                cell.along
                    .as_ref()
                    .map_or(&cell.workload, |along| &along.workload),
            ),
            Self::UnitBytes => Value::Number(cell.unit_bytes),
            Self::Threads => Value::Number(cell.threads as u64),
            Self::Along(setting) => match cell.along.as_ref().filter(|along| along.setting == setting) {
                Some(along) if setting == Setting::FlushEvery && along.value == 0 => Value::Number(NEVER),
                Some(along) => Value::Number(along.value),
                None => Value::Text(""),
            },
        }
    }

    /// The value in words that stand alone: `4 KiB units`, `2 threads`, `seal`.
    pub(crate) fn phrase(self, value: Value<'_>) -> String {
        match (self, value) {
            (Self::UnitBytes, Value::Number(bytes)) => format!("{} units", size(bytes)),
            (Self::Threads, Value::Number(threads)) => counted(threads as usize, "thread", "threads"),
            (Self::Along(Setting::FillPercent), Value::Number(_)) => format!("{} full", self.short(value)),
            (Self::Along(Setting::FlushEvery), Value::Number(NEVER)) => "no flushes".to_owned(),
            (Self::Along(Setting::FlushEvery), Value::Number(every)) => format!("flush every {every}"),
            (Self::Along(Setting::UnflushedBlocks), Value::Number(blocks)) => {
                format!("{} unflushed", counted(blocks as usize, "block", "blocks"))
            }
            (Self::Along(Setting::VolumeBytes), Value::Number(bytes)) => format!("volume of {}", size(bytes)),
            _ => self.short(value),
        }
    }

    /// Where `value` stands on an axis that holds `values` too; nowhere if it is no number above zero. Never stands where
    /// the next number would.
    pub(crate) fn position(value: Value<'_>, values: &[Value<'_>]) -> Option<f64> {
        match value {
            Value::Number(NEVER) => {
                let largest = values.iter().filter_map(|value| match value {
                    Value::Number(number) if *number < NEVER => Some(*number),
                    _ => None,
                });
                Some(largest.max().unwrap_or(1).max(1) as f64 * 8.0)
            }
            Value::Number(number) if number > 0 => Some(number as f64),
            _ => None,
        }
    }

    /// The value under a heading that says the dimension.
    pub(crate) fn short(self, value: Value<'_>) -> String {
        match (self, value) {
            (Self::UnitBytes | Self::Along(Setting::VolumeBytes), Value::Number(bytes)) => size(bytes),
            (Self::Along(Setting::FillPercent), Value::Number(percent)) => format!("{percent} %"),
            (Self::Along(Setting::FlushEvery), Value::Number(NEVER)) => "never".to_owned(),
            (_, Value::Number(number)) => number.to_string(),
            (_, Value::Text(text)) => one_line(text),
        }
    }
}

/// `seal` or `open`.
pub(crate) fn operation_word(operation: Operation) -> &'static str {
    match operation {
        Operation::Mixed => "mixed",
        Operation::Open => "open",
        Operation::Read => "read",
        Operation::Seal => "seal",
        Operation::Write => "write",
    }
}

/// The order in which the values of a run are shown.
pub(crate) struct Order<'a> {
    engines: HashMap<&'a str, usize>,
    profiles: HashMap<&'a str, usize>,
}

impl<'a> Order<'a> {
    pub(crate) fn new(run: &'a Run) -> Self {
        let mut engines = HashMap::new();
        for engine in &run.engines {
            let next = engines.len();
            engines.entry(engine.id.as_str()).or_insert(next);
        }
        let mut profiles = HashMap::new();
        for profile in &run.cpu_profiles {
            let next = profiles.len();
            profiles.entry(profile.id.as_str()).or_insert(next);
        }
        Self { engines, profiles }
    }

    /// The distinct values among `cells`: numbers ascending, engines and CPU profiles as the record lists them, other
    /// texts as they first appear.
    pub(crate) fn values<'c>(&self, dimension: Dimension, cells: &[&'c Cell]) -> Vec<Value<'c>> {
        let mut seen: HashMap<Value<'c>, usize> = HashMap::new();
        for cell in cells {
            let next = seen.len();
            seen.entry(dimension.value(cell)).or_insert(next);
        }
        let known = match dimension {
            Dimension::Engine => Some(&self.engines),
            Dimension::CpuProfile => Some(&self.profiles),
            _ => None,
        };
        let mut values: Vec<(Value<'c>, usize)> = seen.into_iter().collect();
        values.sort_by_key(|(value, appeared)| match *value {
            Value::Number(number) => (number, 0),
            Value::Text(text) => {
                let listed = known.map_or(0, |known| known.get(text).copied().unwrap_or(usize::MAX));
                (listed as u64, *appeared)
            }
        });
        values.into_iter().map(|(value, _)| value).collect()
    }
}
