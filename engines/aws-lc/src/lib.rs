//! Sealab engine over AWS-LC, through its EVP interfaces.
//!
//! A key's schedule is made once, when an object is keyed; a unit costs an IV and one call, a message one call.
//! AWS-LC has no AES-128-XTS.

mod aead;
mod block;
mod code_path;
mod ctr;
mod engine;
mod error;
mod hmac;
mod keyed;
mod sha256;
mod xts;

use sealab_engine::Candidate;

/// AWS-LC, which is linked in and always opens.
pub const CANDIDATE: Candidate = Candidate {
    id: engine::ID,
    library: "AWS-LC",
    open: engine::open,
};
