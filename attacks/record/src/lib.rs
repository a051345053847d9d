//! What the attack bench finds, apart from the bench, so that reports need no format.
//!
//! An [`Act`] is one thing that an adversary does, against one [`Guarantee`]; a [`Finding`] is the [`Verdict`] on it for
//! one format. `docs/attacks.md` says what each of them means.

mod act;
mod finding;
mod guarantee;
mod matrix;
mod run;
mod verdict;

pub use act::Act;
pub use finding::Finding;
pub use guarantee::Guarantee;
pub use matrix::{Entry, Matrix};
pub use run::{AttackRun, FormatUnderAttack};
pub use verdict::Verdict;
