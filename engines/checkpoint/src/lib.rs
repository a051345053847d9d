//! How the bytes of a process checkpoint are sealed: formats over any engine.
//!
//! A checkpoint has three planes: memory pages, protobuf entries and raw payloads ([`Plane`]). Each is a run of units
//! ([`Units`]): equally long pages, sectors or chunks, or messages that differ in length. A [`Format`] says which
//! standard construction seals a unit; a [`Sealer`] is that construction under one [`Secret`].
//!
//! Unit lengths are kept, so a sealed unit lies where the plain one lay; what else must be stored (nonce, tag) is its
//! *trailer*. No format knows a library: all work goes through `&dyn Engine`.
//!
//! Those are constructions to be measured. Whole checkpoints are CRIU's image sets, which [`image`] reads and [`show`]
//! shows; [`sealed`] seals and opens them, and [`pr2297`] does as CRIU's own pull request does.

mod aead;
mod aside;
mod batches;
mod block;
mod ctr_hmac;
#[cfg(test)]
mod fixtures;
mod format;
pub mod image;
mod plane;
pub mod pr2297;
pub mod sealed;
mod secret;
pub mod show;
mod units;
mod xts;

pub use format::{FORMATS, Format, Protection, Sealer, format};
pub use plane::Plane;
pub use secret::{SECRET_BYTES, Secret};
pub use units::Units;
