//! The attack bench: what adversaries do to sealed data, and the verdict that each format earns.
//!
//! A [`Target`] is a format with the acts of its plane; [`attack`] tries acts on targets and holds each verdict against
//! [`Expectations`], which are data (`expected.yaml`). Verdicts come from running: an artifact is sealed, changed as an
//! adversary without the key could change it, and opened again by a real reader, whose output is held against the plain
//! original. Before that the unchanged artifact must open to exactly the original, or there is no verdict at all.
//! `docs/attacks.md` says what acts, verdicts and guarantees mean, and what the bench cannot see.
//!
//! Checkpoints are attacked in [`checkpoint`], volumes in [`volume`], images in [`layer`]; what a power cut can leave of a
//! volume is found in [`crash`].

mod bench;
mod canary;
pub mod checkpoint;
pub mod crash;
mod error;
mod expectations;
mod files;
mod judging;
pub mod layer;
mod numbers;
mod overlay;
mod repeats;
mod trials;
pub mod volume;

pub use bench::{Outcome, Target, attack};
pub use error::AttackError;
pub use expectations::Expectations;
pub use sealab_attack_record::{Act, AttackRun, Finding, FormatUnderAttack, Guarantee, Verdict};
