//! The run record (`run.json`) and the statistics over its samples.
//!
//! A record holds all that a report says; reports are made from records alone, so that a record can be reported
//! again years later. Its JSON Schema is generated from these types and versioned by [`SCHEMA`].

mod conformance;
mod file;
mod job;
mod record;
mod schema;
mod statistics;
mod usage;

pub use conformance::{
    CONFORMANCE_SCHEMA, Conformance, ConformanceSuite, Difference, Implementation, Remark, SuiteOutcome,
    Tally, Verdict,
};
pub use file::{RecordError, brief, parse, read, write, write_aside, write_aside_with};
pub use job::{CHECKPOINT_PLANE, Check, Job, JobSample};
pub use record::{
    Along, Cell, CellStatus, CpuProfileRecord, EngineRecord, Figure, Machine, Memory, Operation, Rate, Run,
    SampleConditions, ScenarioRecord, Setting, Space, Traffic, TransactionKind, Transactions,
};
pub use schema::{SCHEMA, json_schema};
pub use statistics::{Interval, median, median_interval, ratio_interval};
pub use usage::{Evidence, UseRecord};
