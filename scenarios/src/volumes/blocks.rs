//! Workloads on blocks of a volume, in the words of fio.

use std::fmt;

use schemars::JsonSchema;
use sealab_memory::ByteSize;
use sealab_record::{Operation, Setting};
use serde::{Deserialize, Serialize};

/// The least and the most bytes of a request.
const BLOCKS: [u64; 2] = [4096, 4 << 20];
const MAX_DEPTH: u32 = 64;

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
    /// How many of a hundred blocks are written before anything is timed; only those are asked for then. With 0, nothing is
    /// written before, and all are asked for, which only writes can.
    #[serde(default = "all")]
    #[schemars(range(max = 100))]
    pub fill_percent: u8,
}

fn one() -> u32 {
    1
}

fn seventy() -> u8 {
    70
}

fn all() -> u8 {
    100
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

impl BlockWorkload {
    /// In words, with all parameters but the size of the block, the depth and what stands elsewhere.
    pub(super) fn label(&self, without: Option<Setting>) -> String {
        let pattern = match self.pattern {
            BlockPattern::Sequential => "sequential",
            BlockPattern::Random => "random",
        };
        let mut label = match self.operation {
            BlockOperation::Read => format!("{pattern} read"),
            BlockOperation::Write => format!("{pattern} write"),
            BlockOperation::Mixed => format!("{pattern} mixed, {} % read", self.read_percent),
        };
        if let Some(every) = self.flush_every
            && without != Some(Setting::FlushEvery)
        {
            label.push_str(&format!(", flush every {every}"));
        }
        match self.fill_percent {
            _ if without == Some(Setting::FillPercent) => {}
            100 => {}
            0 => label.push_str(", empty before"),
            percent => label.push_str(&format!(", {percent} % full")),
        }
        label
    }

    /// Why it cannot be on a volume of `size` bytes.
    pub(super) fn wrong(&self, size: u64) -> Option<String> {
        let block = self.block.bytes();
        if !(BLOCKS[0]..=BLOCKS[1]).contains(&block) || !block.is_multiple_of(BLOCKS[0]) {
            return Some(format!(
                "the block of {} must be 4 KiB to 4 MiB and a multiple of 4 KiB",
                self.block
            ));
        }
        if block > size {
            return Some(format!("the block of {} is larger than the volume", self.block));
        }
        if !(1..=MAX_DEPTH).contains(&self.depth) {
            return Some(format!("depth is {}; it must be 1 to {MAX_DEPTH}", self.depth));
        }
        if self.flush_every == Some(0) {
            return Some("flush_every is 0; it must be at least 1".to_owned());
        }
        if self.read_percent > 100 {
            return Some(format!(
                "read_percent is {}; it must be 0 to 100",
                self.read_percent
            ));
        }
        if self.fill_percent > 100 {
            return Some(format!(
                "fill_percent is {}; it must be 0 to 100",
                self.fill_percent
            ));
        }
        if self.fill_percent == 0 && self.operation != BlockOperation::Write {
            return Some("fill_percent is 0; what was never written can only be written".to_owned());
        }
        if self.span(size) < block {
            return Some(format!(
                "{} % of the volume are less than a block of {}",
                self.fill_percent, self.block
            ));
        }
        None
    }

    /// The bytes from the beginning of a volume of `size` bytes that are written before anything is timed.
    pub(super) fn filled(&self, size: u64) -> u64 {
        let block = self.block.bytes();
        let share = u128::from(size) * u128::from(self.fill_percent) / 100;
        // At most `size`.
        share as u64 / block * block
    }

    /// The bytes from the beginning of a volume of `size` bytes that are asked for.
    pub(super) fn span(&self, size: u64) -> u64 {
        match self.fill_percent {
            0 => size,
            _ => self.filled(size),
        }
    }
}

impl fmt::Display for BlockWorkload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label(None))
    }
}
