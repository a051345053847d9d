//! Sealab engine over the RustCrypto crates, with batched XTS.
//!
//! RustCrypto has no XTS of its own; [`Aes128Xts`] and [`Aes256Xts`] drive the `aes` crate's parallel blocks with
//! tweaks that are computed for many units at once. Every other primitive is the library's own.

mod aead;
mod block;
mod code_path;
mod ctr;
mod engine;
mod hash;
mod xts;

pub use engine::CANDIDATE;
pub use xts::{Aes128Xts, Aes256Xts};
