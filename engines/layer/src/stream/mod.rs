//! Layers as streams of pieces, worked on by several threads in bounded memory.

mod hashing;
mod pipeline;

pub(crate) use hashing::Sha256;
pub(crate) use pipeline::{Pipeline, Side};
