//! Why a workload did not run to its end.

use sealab_volume::VolumeError;

/// Why a workload or a replay did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum BlocksError {
    /// It cannot run on this volume.
    #[error(transparent)]
    Workload(#[from] WorkloadError),
    /// The volume did not do what it was asked.
    #[error("{operation} of {bytes} bytes at {offset}: {source}")]
    Volume {
        /// What was asked: `read`, `write`, `flush`, `discard` or `write-zeroes`.
        operation: &'static str,
        /// Where it begins, in bytes.
        offset: u64,
        /// How many bytes it has.
        bytes: u64,
        /// What the volume said.
        source: VolumeError,
    },
    /// What the volume holds is not what was written.
    #[error(transparent)]
    Content(#[from] crate::written::Difference),
}

/// Why a workload cannot run on a volume.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkloadError {
    /// A block is not whole blocks of the volume.
    #[error("the block size {found} is not a multiple of {volume}, the volume's, up to {most}")]
    BlockSize {
        /// The workload's, in bytes.
        found: u32,
        /// The volume's, in bytes.
        volume: u32,
        /// The longest block, in bytes.
        most: u32,
    },
    /// The bytes to work on are not on the volume, or hold no block, or too many to keep account of.
    #[error(
        "{bytes} bytes from {start} on are not 1 to {most_blocks} blocks of {block_bytes} bytes within the volume's {size}, \
         from a multiple of a block on"
    )]
    Span {
        /// Where they begin.
        start: u64,
        /// How many there are.
        bytes: u64,
        /// The bytes of a block.
        block_bytes: u32,
        /// The blocks that a workload may work on.
        most_blocks: u64,
        /// The volume's size in bytes.
        size: u64,
    },
    /// No requests, or too many, at a time.
    #[error("{found} requests at a time: 1 to {most} are possible")]
    Depth {
        /// The number given.
        found: usize,
        /// The greatest.
        most: usize,
    },
    /// There are no such shares of reads.
    #[error("{found} % of reads: 0 to 100 are possible")]
    ReadPercent {
        /// The number given.
        found: u8,
    },
    /// A flush after every zero writes.
    #[error("a flush after every 0 writes: leave it out, or give at least 1")]
    FlushEvery,
    /// A request of a trace is not one that the volume takes.
    #[error(
        "request {number} of the trace, {bytes} bytes at {offset}: not whole blocks of {block_size} bytes within {size}"
    )]
    Trace {
        /// The request's number, 1 being the first.
        number: usize,
        /// Where it begins, in bytes.
        offset: u64,
        /// How many bytes it has.
        bytes: u64,
        /// The volume's block size in bytes.
        block_size: u32,
        /// The volume's size in bytes.
        size: u64,
    },
    /// The volume cannot be written.
    #[error("the volume is open for reading only, and the workload writes")]
    ReadOnly,
}
