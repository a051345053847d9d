//! Whole jobs, as a user sees them: programs with what they take, and steps that hold or do not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CellStatus, Operation, Space};

/// One way of doing a whole job, by programs that are started for it.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
pub struct Job {
    /// The scenario it belongs to.
    pub scenario: String,
    /// What is sealed: `checkpoint` or `layer`.
    #[serde(default = "checkpoint")]
    pub plane: String,
    /// What the job was done to, without its size: `memhog`.
    pub subject: String,
    /// The size that was asked for, in bytes.
    pub size_bytes: u64,
    /// The way: a format's identifier or a tool's.
    pub method: String,
    /// What the way is, in a line for people.
    pub description: String,
    /// What the program calls itself, with its version; empty if it is not there.
    pub version: String,
    /// Into the sealed form or back.
    pub operation: Operation,
    /// What became of it.
    pub status: CellStatus,
    /// Why there are no figures.
    pub reason: Option<String>,
    /// Whether what came back was held to the subject, byte for byte, in every round.
    pub verified: bool,
    /// Bytes before and after sealing.
    pub space: Option<Space>,
    /// Of the stored bytes, those of manifests, configurations and indexes, for images.
    #[serde(default)]
    pub metadata_bytes: Option<u64>,
    /// What each round took, in the order in which they ran.
    pub samples: Vec<JobSample>,
}

/// The plane of jobs on checkpoints; records of before name none.
pub const CHECKPOINT_PLANE: &str = "checkpoint";

fn checkpoint() -> String {
    CHECKPOINT_PLANE.to_owned()
}

/// What a job took once.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct JobSample {
    /// The round, from 0.
    pub round: u32,
    /// From the start to the end of all programs, in seconds.
    pub wall_seconds: f64,
    /// CPU time of all programs, in seconds.
    pub cpu_seconds: f64,
    /// Peak resident memory of all programs, added up, in bytes.
    pub peak_bytes: u64,
    /// Bytes that went to and from a registry, in both directions, with HTTP's own.
    #[serde(default)]
    pub transferred_bytes: Option<u64>,
}

/// A step of a scenario that holds or does not.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
pub struct Check {
    /// The scenario it belongs to.
    pub scenario: String,
    /// What was looked at: `redis-server 64 MiB`.
    pub subject: String,
    /// What was done, in a word or two: `dumped`, `restored`.
    pub step: String,
    /// `measured` where it held, `failed` where it did not, `unavailable` where this machine cannot do it.
    pub status: CellStatus,
    /// What was seen, or why not.
    pub detail: String,
}
