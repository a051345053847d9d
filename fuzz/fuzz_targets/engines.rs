//! One operation through every engine: the answers must be equal.

#![no_main]

#[path = "../checks/engines.rs"]
mod engines;

use std::sync::OnceLock;

use sealab_engine::{Candidate, Engine};

/// The engines of this machine. The vendored OpenSSL is left out, as the system's is there.
fn opened() -> &'static [Box<dyn Engine>] {
    static OPENED: OnceLock<Vec<Box<dyn Engine>>> = OnceLock::new();
    OPENED.get_or_init(|| {
        let linked: [Candidate; 5] = [
            sealab_engine_rustcrypto::CANDIDATE,
            sealab_engine_xts_mode::CANDIDATE,
            sealab_engine_aws_lc::CANDIDATE,
            sealab_engine_ring::CANDIDATE,
            sealab_engine_graviola::CANDIDATE,
        ];
        let candidates = linked.iter().chain(sealab_engine_system::CANDIDATES.iter());
        candidates
            .filter_map(|candidate| (candidate.open)().ok())
            .collect()
    })
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    engines::check(opened(), data);
});
