//! The harness protocol from both ends, and the conformance matrix.
//!
//! `docs/harness-protocol.md` is the protocol. [`conform`] starts one process for each [`Subject`] (an engine's worker
//! under a CPU profile, or a harness in another language), gives it the golden vectors and judges its answers; the
//! process is bounded in time, in output and in how often it may be started again. [`serve`] is the worker's end, over
//! any [`Implementation`]. The folders beside this crate are harnesses in other languages; [`Listed`] is what the list
//! of them says.

mod ask;
mod conform;
mod constructions;
mod emulated;
mod engine;
mod examination;
mod findings;
mod introduction;
mod judge;
mod keys;
mod list;
mod process;
mod serve;
mod subject;

pub use conform::{Plan, PlanError, conform};
pub use emulated::EmulatedCpu;
pub use engine::EngineImplementation;
pub use findings::Findings;
pub use keys::KeysImplementation;
pub use list::{ListError, Listed, named};
pub use serve::{Answer, Facts, Implementation, Request, serve};
pub use subject::{Subject, Unavailable};
