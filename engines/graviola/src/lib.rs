//! Sealab engine over graviola.
//!
//! graviola panics on a CPU without the features that it is written for, so opening it looks for them first. It works
//! in place only: what goes into a buffer of its own is copied there message by message, while it is in the cache. It
//! implements neither XTS nor bare AES. It overwrites its AES and ChaCha20 keys when it drops them, but neither the
//! tables that it derives for GHASH nor the states of HMAC.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod aead;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod engine;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod features;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod hash;

use sealab_engine::Candidate;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use sealab_engine::{Engine, EngineError};

/// graviola, which is compiled in where it supports the architecture and opens where the CPU has what it requires.
pub const CANDIDATE: Candidate = Candidate {
    id: ID,
    library: "graviola",
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    open: engine::open,
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    open: unsupported_architecture,
};

const ID: &str = "graviola";

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn unsupported_architecture() -> Result<Box<dyn Engine>, EngineError> {
    Err(EngineError::Unavailable {
        reason: format!(
            "graviola supports x86_64 and aarch64, not {}",
            std::env::consts::ARCH
        ),
    })
}
