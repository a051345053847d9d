//! dm-verity superblocks, and volumes with trees of hashes.

#![no_main]

#[path = "../checks/refusal.rs"]
mod refusal;
#[path = "../checks/transparent.rs"]
mod transparent;
#[path = "../checks/verity.rs"]
mod verity;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    verity::check(data);
});
