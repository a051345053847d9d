//! Sealab engine over ring.
//!
//! ring works in place only: what goes into a buffer of its own is copied there message by message, while it is in
//! the cache. It implements neither XTS nor bare AES, and it does not overwrite its key schedules when it drops them.

mod aead;
mod code_path;
mod engine;
mod hash;

use sealab_engine::Candidate;

/// ring, which is compiled in and always opens.
pub const CANDIDATE: Candidate = Candidate {
    id: engine::ID,
    library: "ring",
    open: engine::open,
};
