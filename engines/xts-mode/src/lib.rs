//! Sealab engine over the `xts-mode` crate as published.
//!
//! It stands beside the RustCrypto engine, whose XTS is our own batching over the same `aes` crate, and shows what the
//! crate gives when it is used as its documentation shows: one sector a call.

mod engine;
mod xts;

pub use engine::CANDIDATE;
