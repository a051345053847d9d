//! Behaviour that the golden vectors do not reach.

use sealab_engine_ring::CANDIDATE;

#[path = "../../contract/every_engine.rs"]
mod every_engine;
#[path = "../../contract/no_block_modes.rs"]
mod no_block_modes;
