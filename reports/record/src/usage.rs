//! What volumes are used for, and what attacks showed of the formats.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Operation;

/// One use of volumes: what it needs, and the cells that tell its cost.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
pub struct UseRecord {
    /// The scenario it belongs to.
    pub scenario: String,
    /// Its name.
    pub name: String,
    /// What it is, and why it needs what it needs.
    pub description: String,
    /// The guarantees that it needs, by identifier.
    pub needs: Vec<String>,
    /// The workload of the cells that tell its cost.
    pub workload: String,
    /// Their operation.
    pub operation: Operation,
    /// Their bytes of a request.
    pub unit_bytes: u64,
    /// Their requests at a time.
    pub threads: usize,
}

/// How one attack on one format came out.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
pub struct Evidence {
    /// The scenario it belongs to.
    pub scenario: String,
    /// The format's identifier.
    pub format: String,
    /// The guarantee that was tested.
    pub guarantee: String,
    /// The act's identifier.
    pub attack: String,
    /// The verdict's identifier.
    pub verdict: String,
    /// Whether the guarantee held.
    pub holds: bool,
    /// Whether there was anything to try.
    pub applies: bool,
    /// What was tried, and what was seen.
    pub detail: String,
}
