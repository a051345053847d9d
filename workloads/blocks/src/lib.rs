//! Block workloads as fio has them, and the replay of block traces, on any volume.

mod content;
mod error;
mod latency;
mod outcome;
mod plan;
mod run;
pub mod trace;
mod workload;
mod written;

pub use error::{BlocksError, WorkloadError};
pub use latency::{Latency, Times};
pub use outcome::{Done, Outcome};
pub use plan::{Plan, Step};
pub use run::{drive, run};
pub use workload::{Limit, Operation, Pattern, Workload};
pub use written::{Difference, Written};
