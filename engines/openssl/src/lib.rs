//! Sealab engine over a vendored OpenSSL, through its EVP interface.
//!
//! Algorithms are fetched once, when the engine is opened; a key's schedule is made once, when an object is keyed;
//! a unit or message costs an IV, one update and, for the AEADs, a tag.

mod aead;
mod block;
mod code_path;
mod ctr;
mod engine;
mod hmac;
mod keyed;
mod sha256;
mod xts;

use std::ffi::c_int;

use openssl::error::ErrorStack;
use sealab_engine::{Candidate, EngineError};

/// The vendored OpenSSL. It is linked in, so opening it fails only where its default provider cannot be loaded.
pub const CANDIDATE: Candidate = Candidate {
    id: engine::ID,
    library: "OpenSSL",
    open: engine::open,
};

/// The library's failure of `call`, with what stands in its error queue.
fn failed(call: &'static str) -> impl FnOnce(ErrorStack) -> EngineError {
    move |stack| EngineError::Library {
        call,
        detail: stack.to_string(),
    }
}

/// The outcome of `call` by its return value. The error queue is emptied where it failed.
#[inline]
fn succeeded(returned: c_int, call: &'static str) -> Result<(), EngineError> {
    if returned == 1 { Ok(()) } else { Err(queued(call)) }
}

#[cold]
fn queued(call: &'static str) -> EngineError {
    failed(call)(ErrorStack::get())
}
