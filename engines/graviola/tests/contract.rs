//! Behaviour that the golden vectors do not reach.

#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

use sealab_engine_graviola::CANDIDATE;

#[path = "../../contract/every_engine.rs"]
mod every_engine;
#[path = "../../contract/no_block_modes.rs"]
mod no_block_modes;
