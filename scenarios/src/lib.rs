//! Scenario files: read into types, planned into cells, and run.
//!
//! A scenario is data ([`Scenario`]). [`plan`] multiplies its matrix out into [`CellSpec`]s. [`run`] starts one child
//! process for each engine under each CPU profile, has every cell verified before it is timed, takes the samples in
//! interleaved rounds and returns a run record. The child's side is [`work`]. A `criu` block has real programs dumped, and
//! their checkpoints sealed, opened and restored whole; an `images` block makes images of the host's own files, and has
//! programs and engines encrypt them.

mod bench;
mod cell;
mod checkpoints;
mod child;
mod clock;
mod databases;
mod error;
mod file;
mod images;
mod machine;
mod place;
mod plan;
mod progress;
mod protocol;
mod run;
mod selection;
mod shared;
mod shipped;
mod trial;
mod usage;
mod uses;
mod verdict;
mod verify;
mod volumes;
mod worker;
mod workplace;

pub use checkpoints::CheckpointSpec;
pub use databases::{DatabaseBlock, DatabaseCellSpec, DatabaseKind, TpccWorkload, WarehouseLoading};
pub use error::ScenarioError;
pub use file::{MAX_SCENARIO_BYTES, Scenario, UnitOperation, json_schema, parse, read};
pub use images::{
    DedupBlock, EncryptBlock, ImageBlock, ImageSpec, ImageTask, LayerCellSpec, LayersBlock, LazyStartBlock,
    SpaceBlock,
};
pub use machine::{cpus, load_average, machine};
pub use plan::{CellSpec, PlannedScenario, Vocabulary, plan};
pub use run::{Outcome, RunOptions, inspect, run};
pub use shipped::{SHIPPED, shipped};
pub use volumes::{
    BlockOperation, BlockPattern, BlockWorkload, Opening, StoreKind, TraceFile, VolumeCellSpec, VolumeTask,
};
pub use worker::{WORKER_COMMAND, work};

/// The command of the binary, not for people, that a dumped `mixture` runs: `sealab mixture BYTES FILE`, which calls
/// [`sealab_criu::mixture`].
pub const MIXTURE_COMMAND: &str = "mixture";
