//! Checkpoints to be sealed: made by the real CRIU from real programs, or made up, and what people do with them today.
//!
//! [`Criu::find`] looks for a CRIU that works on this kernel. [`Criu::dump`] starts a [`Subject`], waits until its memory
//! is filled, and dumps it; [`Frozen::restore`] has it live again, from that set or a copy of it, and
//! [`Thawed::goes_on`] makes sure that it does. All of it happens in PID and mount namespaces of its own, which end with
//! what is in them, however the caller ends. A machine that cannot do this is told by [`Unavailable`].
//!
//! [`ImageSet`] makes sets up, of any size and on any machine; [`golden_set`] is one that was dumped elsewhere.

mod copy;
mod criu;
mod error;
mod frozen;
mod golden;
mod mixture;
pub mod peers;
mod privilege;
mod set;
mod stage;
mod subject;

pub use criu::Criu;
pub use error::{CriuError, Unavailable};
pub use frozen::{Frozen, Progress, Thawed};
pub use golden::{GOLDEN_ORIGIN, golden_set};
pub use mixture::mixture;
pub use set::ImageSet;
pub use subject::{Program, Subject};
