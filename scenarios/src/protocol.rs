//! What a run and its workers say to each other: one JSON object a line, a request on the worker's standard input,
//! one answer to each on its standard output.

use std::path::PathBuf;

use sealab_record::{CellStatus, Traffic, Transactions};
use serde::{Deserialize, Serialize};

use crate::databases::{DatabaseKind, TpccWorkload};
use crate::file::UnitOperation;
use crate::volumes::{StoreKind, VolumeTask};

/// The longest line that either side accepts, in bytes.
pub(crate) const MAX_LINE_BYTES: u64 = 64 << 20;

/// What the parent asks for.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", tag = "request")]
pub(crate) enum Request {
    /// Who are you? Always the first request.
    Hello,
    /// Map the shared files; the data of cells to come.
    Attach(Attach),
    /// Build and verify a cell, and find out how fast it is.
    Prepare(Prepare),
    /// Make and verify a volume, and find out how fast it is.
    PrepareVolume(PrepareVolume),
    /// Load a database on a volume, and verify it.
    PrepareDatabase(PrepareDatabase),
    /// Encrypt and decrypt the layer of an image, and verify it.
    PrepareLayer(PrepareLayer),
    /// Verify a database after its last sample, and end it.
    Conclude {
        /// The cell's number.
        cell: usize,
    },
    /// Time one sample of a prepared cell.
    Sample {
        /// The cell's number.
        cell: usize,
    },
}

/// The shared files of a workload.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Attach {
    pub(crate) plain: PathBuf,
    pub(crate) sealed: PathBuf,
    pub(crate) opened: PathBuf,
    /// Bytes of each.
    pub(crate) length: usize,
    /// Lengths of the workload's own messages, in order.
    pub(crate) messages: Option<Vec<u32>>,
    /// Bytes that must not be found in what is sealed.
    pub(crate) canaries: Vec<Vec<u8>>,
}

/// One cell, for a worker.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Prepare {
    /// The number by which samples ask for it.
    pub(crate) cell: usize,
    pub(crate) format: String,
    pub(crate) operation: UnitOperation,
    /// The unit's length in bytes; `None` for the workload's own messages.
    pub(crate) unit_bytes: Option<u32>,
    /// Whether what is left at the end is a shorter unit, as of a stream, or is left out, as of memory.
    pub(crate) short_last_unit: bool,
    pub(crate) threads: u32,
    /// How long a sample should last, in seconds.
    pub(crate) sample_seconds: f64,
}

/// One cell on a volume, for a worker.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct PrepareVolume {
    /// The number by which samples ask for it.
    pub(crate) cell: usize,
    /// Whether all cells of before are done with.
    pub(crate) fresh: bool,
    pub(crate) format: String,
    pub(crate) store: StoreKind,
    /// Bytes of the volume.
    pub(crate) size: u64,
    pub(crate) task: VolumeTask,
    /// How long a sample should last, in seconds.
    pub(crate) sample_seconds: f64,
}

/// One database on a volume, for a worker.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct PrepareDatabase {
    /// The number by which samples ask for it.
    pub(crate) cell: usize,
    /// Whether all cells of before are done with.
    pub(crate) fresh: bool,
    pub(crate) format: String,
    pub(crate) store: StoreKind,
    pub(crate) database: DatabaseKind,
    pub(crate) tpcc: TpccWorkload,
    /// How long a sample should last, in seconds.
    pub(crate) sample_seconds: f64,
}

/// One layer of an image, for a worker.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct PrepareLayer {
    /// The number by which samples ask for it.
    pub(crate) cell: usize,
    /// Whether all cells of before are done with.
    pub(crate) fresh: bool,
    pub(crate) format: String,
    pub(crate) operation: UnitOperation,
    /// The layout of the plain image, which has one layer.
    pub(crate) image: PathBuf,
    /// A folder for what comes of it.
    pub(crate) place: PathBuf,
    pub(crate) threads: u32,
}

/// What a worker answers.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", tag = "answer")]
pub(crate) enum Answer {
    Hello(Hello),
    Done,
    Prepared(Prepared),
    Sample(Sample),
    Concluded(Transactions),
    Refused(Refusal),
}

/// Why a request has no other answer.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Refusal {
    /// What becomes of the cell.
    pub(crate) status: CellStatus,
    pub(crate) reason: String,
}

impl Refusal {
    pub(crate) fn failed(reason: impl ToString) -> Self {
        Self {
            status: CellStatus::Failed,
            reason: reason.to_string(),
        }
    }

    pub(crate) fn unavailable(reason: impl ToString) -> Self {
        Self {
            status: CellStatus::Unavailable,
            reason: reason.to_string(),
        }
    }
}

/// The engine of a worker under its CPU profile.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Hello {
    /// What the engine is, or why it is not to be had.
    pub(crate) engine: Result<EngineFacts, String>,
    /// What the process saw of the CPU, one finding a line.
    pub(crate) evidence: Vec<String>,
    /// Hidden features that the process saw nonetheless; none if the profile is proven.
    pub(crate) contradictions: Vec<String>,
}

/// What an open engine says of itself.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct EngineFacts {
    pub(crate) version: String,
    pub(crate) code_path: String,
    pub(crate) hardware_aes: bool,
    pub(crate) primitives: Vec<String>,
}

/// A cell that held: golden vectors, round trip, no plaintext.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Prepared {
    pub(crate) plain_bytes: u64,
    pub(crate) stored_bytes: u64,
    /// What was resident of the worker before a volume was made, in bytes.
    #[serde(default)]
    pub(crate) resident_bytes: u64,
}

/// One timed sample.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Sample {
    /// Plain bytes sealed or opened, or what else the cell counts.
    pub(crate) bytes: u64,
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) involuntary_switches: u64,
    /// What reached the store, for cells on volumes.
    #[serde(default)]
    pub(crate) traffic: Option<Traffic>,
    /// The most that was ever resident of the worker, in bytes, for cells on volumes.
    #[serde(default)]
    pub(crate) peak_bytes: Option<u64>,
}
