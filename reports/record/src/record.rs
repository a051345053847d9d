//! What a run record holds. Field names are the JSON names and are kept stable.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One run: the machine, what was asked for, and every cell.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
pub struct Run {
    /// The version of this format, [`crate::SCHEMA`].
    pub schema: String,
    /// Sealab's own version.
    pub sealab_version: String,
    /// When the run began, RFC 3339 in UTC.
    pub started: String,
    /// When the run ended, RFC 3339 in UTC.
    pub finished: String,
    /// The command line that makes the run again.
    pub command: Vec<String>,
    /// Where it ran.
    pub machine: Machine,
    /// The scenarios, in the order they were given.
    pub scenarios: Vec<ScenarioRecord>,
    /// The CPU profiles that were asked for, and how each came about.
    pub cpu_profiles: Vec<CpuProfileRecord>,
    /// Every engine under every CPU profile that was asked for.
    pub engines: Vec<EngineRecord>,
    /// The cells.
    pub cells: Vec<Cell>,
    /// Whole jobs by programs.
    #[serde(default)]
    pub jobs: Vec<crate::Job>,
    /// Steps that hold or do not.
    #[serde(default)]
    pub checks: Vec<crate::Check>,
    /// What volumes are used for.
    #[serde(default)]
    pub uses: Vec<crate::UseRecord>,
    /// What attacks showed of the formats that were measured.
    #[serde(default)]
    pub evidence: Vec<crate::Evidence>,
}

/// The machine of a run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
pub struct Machine {
    /// The CPU's marketing name.
    pub cpu_model: String,
    /// `x86_64`, `aarch64`, …
    pub architecture: String,
    /// The CPU features that bear on the figures, as the kernel names them.
    pub cpu_features: Vec<String>,
    /// Logical CPUs that the run could use.
    pub cpus: usize,
    /// Cache sizes in bytes by name (`L1d`, `L2`, `L3`), one instance each.
    pub caches: BTreeMap<String, u64>,
    /// Main memory, in bytes.
    pub memory_bytes: u64,
    /// Kernel name and release.
    pub kernel: String,
    /// The distribution's own name.
    pub operating_system: String,
    /// The hypervisor if the kernel knows of one.
    pub hypervisor: Option<String>,
    /// State of the CPU vulnerabilities' mitigations, by vulnerability.
    pub mitigations: BTreeMap<String, String>,
    /// The frequency governor, where the machine has one.
    pub governor: Option<String>,
    /// The one-minute load average at the beginning and at the end.
    pub load_average: [f64; 2],
    /// Share of CPU time that the hypervisor gave to others during the run, 0 to 1.
    pub steal_share: Option<f64>,
}

/// One scenario of a run.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
pub struct ScenarioRecord {
    /// Its name, unique within the run.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// What it asks, and what to look for.
    pub description: String,
    /// SHA-256 of the scenario file, hexadecimal.
    pub sha256: String,
    /// Engine of the baseline for ratios, if the scenario names one.
    pub baseline_engine: Option<String>,
    /// CPU profile of the baseline for ratios.
    pub baseline_cpu_profile: Option<String>,
    /// The command that runs this scenario alone.
    pub command: String,
    /// What a reader should know of how its workloads were had, a sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// One CPU profile of a run.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
pub struct CpuProfileRecord {
    /// Its identifier: `native`, `aes-ni`, `no-aes`, `baseline`.
    pub id: String,
    /// One line for people.
    pub description: String,
    /// The features hidden from the process, as the kernel names them.
    pub hides: Vec<String>,
}

/// One engine under one CPU profile, as its own process told it.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
pub struct EngineRecord {
    /// The engine's identifier.
    pub id: String,
    /// The library's name.
    pub library: String,
    /// The library's version; empty if it could not be opened.
    pub version: String,
    /// The CPU profile.
    pub cpu_profile: String,
    /// How the profile was imposed: `none`, `cpuid-faulting`, `cpuid-trap`, `library-switches`; empty if not at all.
    pub mechanism: String,
    /// The code path that the library says it takes; empty if it could not be opened.
    pub code_path: String,
    /// Whether that path uses the CPU's AES instructions.
    pub hardware_aes: bool,
    /// What the process saw that proves the profile, one finding a line.
    pub evidence: Vec<String>,
    /// What the engine implements.
    pub primitives: Vec<String>,
    /// Whether the engine could be used under the profile.
    pub available: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// What became of a cell.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CellStatus {
    /// Verification or the measurement failed; there is no figure.
    Failed,
    /// Verified and measured.
    Measured,
    /// Measured, but the figure contradicts the CPU profile.
    Suspect,
    /// The engine, profile or workload cannot be had on this machine.
    Unavailable,
    /// The engine does not implement what the format needs.
    Unsupported,
}

/// What is timed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Blocks of a volume, read or written by chance.
    Mixed,
    /// Sealed bytes to plain bytes, authenticated where the format can.
    Open,
    /// Blocks of a volume, read.
    Read,
    /// Plain bytes to sealed bytes.
    Seal,
    /// Blocks of a volume, written.
    Write,
}

/// One engine × CPU profile × format × workload × unit × threads.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
pub struct Cell {
    /// The scenario it belongs to.
    pub scenario: String,
    /// The engine's identifier.
    pub engine: String,
    /// The CPU profile's identifier.
    pub cpu_profile: String,
    /// `page`, `protobuf`, `raw`, …
    pub plane: String,
    /// The format's identifier.
    pub format: String,
    /// What is timed.
    pub operation: Operation,
    /// The workload, in words that tell all its parameters.
    pub workload: String,
    /// The length of a unit (page, sector, chunk) in bytes; where messages differ in length, their rounded mean.
    pub unit_bytes: u64,
    /// Threads that worked at once.
    pub threads: usize,
    /// What became of it.
    pub status: CellStatus,
    /// Why there is no figure, or why it is suspect.
    pub reason: Option<String>,
    /// Whether golden vectors, round trip and the scan for plaintext all held before it was timed.
    pub verified: bool,
    /// Plain bytes a second; absent without a figure and where `rate` stands.
    pub throughput_bytes_per_s: Option<Figure>,
    /// What is counted in place of bytes.
    pub rate: Option<Rate>,
    /// Raw samples, in bytes a second or in the unit of `rate`, in the order they were taken.
    pub samples: Vec<f64>,
    /// What the machine did during each sample, in the same order.
    pub sample_conditions: Vec<SampleConditions>,
    /// Bytes before and after sealing.
    pub space: Option<Space>,
    /// What reached the store beneath a volume, over all samples.
    #[serde(default)]
    pub traffic: Option<Traffic>,
    /// Where it stands along what its scenario is about.
    #[serde(default)]
    pub along: Option<Along>,
    /// The memory of the process that did this cell and no other.
    #[serde(default)]
    pub memory: Option<Memory>,
    /// What a database on a volume did, over all samples.
    #[serde(default)]
    pub transactions: Option<Transactions>,
}

/// What a database did under a workload like TPC-C; counted, exact.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Transactions {
    /// The database, its version and what makes its commits durable.
    pub database: String,
    /// All that were committed.
    pub all: TransactionKind,
    /// Those of each kind.
    pub kinds: Vec<TransactionKind>,
    /// New orders that were rolled back, as one in a hundred is to be.
    pub rollbacks: u64,
    /// Lines of orders.
    pub order_lines: u64,
    /// Those supplied by another warehouse.
    pub remote_order_lines: u64,
    /// Payments.
    pub payments: u64,
    /// Those of another warehouse's customer.
    pub remote_payments: u64,
    /// Attempts that lost against another transaction and were made again.
    pub retries: u64,
    /// How long all samples took, in seconds.
    pub seconds: f64,
    /// CPU time of the worker and of the database's own processes, in seconds.
    pub cpu_seconds: f64,
    /// Consistency conditions that were asked for after the last sample; all of them held.
    pub conditions_held: u64,
}

/// Transactions of one kind.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct TransactionKind {
    /// `new-order`, `payment`, `order-status`, `delivery`, `stock-level`, or `all`.
    pub id: String,
    /// How many were committed.
    pub committed: u64,
    /// Half of them took no longer, in seconds.
    pub p50_seconds: f64,
    /// 95 of a hundred took no longer, in seconds.
    pub p95_seconds: f64,
    /// 99 of a hundred took no longer, in seconds.
    pub p99_seconds: f64,
}

/// Where a cell stands along a setting of its workload.
#[derive(Clone, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
pub struct Along {
    /// Which setting.
    pub setting: Setting,
    /// Its value, 0 where that means never.
    pub value: u64,
    /// The workload in words, without the setting: equal for all cells along it.
    pub workload: String,
}

/// A setting of a workload on volumes that cells are compared along.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Setting {
    /// How many of a hundred blocks are written.
    FillPercent,
    /// Writes from one flush to the next; 0 is never.
    FlushEvery,
    /// Blocks written since the last flush.
    UnflushedBlocks,
    /// The size of the volume, in bytes.
    VolumeBytes,
}

/// What a process took of the machine's memory.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Memory {
    /// Resident before the volume was made, in bytes.
    pub before_bytes: u64,
    /// The most that was ever resident, in bytes.
    pub peak_bytes: u64,
}

/// A median with the interval that holds it at 95 % confidence (percentile bootstrap).
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Figure {
    /// The median of the samples.
    pub median: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

/// A figure that counts something else than bytes.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
pub struct Rate {
    /// What is counted, a second: `transactions/s`, `requests/s`, …
    pub unit: String,
    /// The median and its interval.
    #[serde(flatten)]
    pub figure: Figure,
}

/// The circumstances of one sample.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
pub struct SampleConditions {
    /// The round it was taken in, from 0.
    pub round: u32,
    /// Wall-clock time, in seconds.
    pub seconds: f64,
    /// CPU time of the working threads between start and end, all together, in seconds.
    pub cpu_seconds: f64,
    /// How often the scheduler took the CPU away.
    pub involuntary_switches: u64,
}

/// Bytes before and after sealing, exact.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Space {
    /// Plain bytes.
    pub plain_bytes: u64,
    /// Bytes stored, with nonces, tags and framing.
    pub stored_bytes: u64,
}

/// What was asked of a volume, and what reached the store beneath it; counted, exact.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Traffic {
    /// Bytes read from the volume.
    pub user_read: u64,
    /// Bytes written to the volume.
    pub user_written: u64,
    /// Flushes of the volume.
    pub flushes: u64,
    /// Bytes read from the store.
    pub store_read: u64,
    /// Bytes written to the store.
    pub store_written: u64,
    /// Syncs of the store.
    pub syncs: u64,
}

impl std::ops::AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        self.user_read += other.user_read;
        self.user_written += other.user_written;
        self.flushes += other.flushes;
        self.store_read += other.store_read;
        self.store_written += other.store_written;
        self.syncs += other.syncs;
    }
}
