//! Layers as streams of pieces, worked on by several threads in bounded memory.

mod hashing;
mod pipeline;

pub(crate) use hashing::{HmacSha256, Sha256};
pub(crate) use pipeline::{Pipeline, Side};
