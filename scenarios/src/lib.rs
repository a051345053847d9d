//! Scenario files: read into types, planned into cells, and run.
//!
//! A scenario is data ([`Scenario`]). [`plan`] multiplies its matrix out into [`CellSpec`]s. [`run`] starts one child
//! process for each engine under each CPU profile, has every cell verified before it is timed, takes the samples in
//! interleaved rounds and returns a run record. The child's side is [`work`].

mod bench;
mod cell;
mod child;
mod clock;
mod error;
mod file;
mod machine;
mod plan;
mod progress;
mod protocol;
mod run;
mod selection;
mod shared;
mod shipped;
mod trial;
mod verdict;
mod verify;
mod worker;

pub use error::ScenarioError;
pub use file::{MAX_SCENARIO_BYTES, Scenario, json_schema, parse, read};
pub use machine::{cpus, load_average, machine};
pub use plan::{CellSpec, PlannedScenario, Vocabulary, plan};
pub use run::{Outcome, RunOptions, inspect, run};
pub use shipped::{SHIPPED, shipped};
pub use worker::{WORKER_COMMAND, work};
