//! What is done on a volume, of every kind.

use sealab_record::{Operation, Setting};
use serde::{Deserialize, Serialize};

use super::{BlockOperation, BlockWorkload, Opening, TraceFile};

/// What is done on a volume.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VolumeTask {
    /// Blocks are read and written.
    Blocks(BlockWorkload),
    /// A trace is replayed, from its beginning to its end.
    Trace(TraceFile),
    /// It is opened.
    Opening(Opening),
}

impl VolumeTask {
    /// The workload on blocks, if it is one.
    pub(crate) fn blocks(&self) -> Option<&BlockWorkload> {
        match self {
            Self::Blocks(workload) => Some(workload),
            Self::Trace(_) | Self::Opening(_) => None,
        }
    }

    /// What is timed.
    pub fn operation(&self) -> Operation {
        match self {
            Self::Blocks(workload) => workload.operation.recorded(),
            Self::Trace(_) => Operation::Mixed,
            Self::Opening(_) => Operation::Open,
        }
    }

    /// The bytes of a request, on average for a trace.
    pub(crate) fn unit_bytes(&self) -> u64 {
        match self {
            Self::Blocks(workload) => workload.block.bytes(),
            Self::Trace(trace) => trace.request_bytes,
            Self::Opening(_) => Opening::BLOCK_BYTES,
        }
    }

    /// The requests at a time.
    pub(crate) fn depth(&self) -> u32 {
        match self {
            Self::Blocks(workload) => workload.depth,
            Self::Trace(_) => TraceFile::DEPTH,
            Self::Opening(_) => 1,
        }
    }

    /// What a sample counts in place of bytes.
    pub(crate) fn counted(&self) -> Option<&'static str> {
        match self {
            Self::Blocks(_) | Self::Trace(_) => None,
            Self::Opening(_) => Some("openings/s"),
        }
    }

    /// Whether it writes, or needs that it was written.
    pub(super) fn writes(&self) -> bool {
        match self {
            Self::Blocks(workload) => workload.operation != BlockOperation::Read,
            Self::Trace(_) => true,
            Self::Opening(opening) => opening.unflushed_blocks > 0,
        }
    }

    /// In words, without what stands elsewhere.
    pub(super) fn label(&self, without: Option<Setting>) -> String {
        match self {
            Self::Blocks(workload) => workload.label(without),
            Self::Trace(trace) => format!("trace {}", trace.name),
            Self::Opening(opening) => opening.label(without),
        }
    }

    /// Its value of `setting`, if it has one.
    pub(super) fn setting(&self, setting: Setting) -> Option<u64> {
        match (self, setting) {
            (Self::Blocks(workload), Setting::FlushEvery) => Some(workload.flush_every.unwrap_or(0)),
            (Self::Blocks(workload), Setting::FillPercent) => Some(workload.fill_percent.into()),
            (Self::Opening(opening), Setting::UnflushedBlocks) => Some(opening.unflushed_blocks),
            _ => None,
        }
    }
}
