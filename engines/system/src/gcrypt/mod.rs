//! libgcrypt.

mod api;
mod ciphers;
mod engine;
mod hashes;

pub(crate) use engine::CANDIDATE;
