//! The one list of engines. A new engine is one folder under engines/ and one line here.

use sealab_engine::Candidate;

/// Every engine, in the order in which reports show them.
pub(crate) const CANDIDATES: &[Candidate] = &[
    sealab_engine_rustcrypto::CANDIDATE,
    sealab_engine_xts_mode::CANDIDATE,
    #[cfg(feature = "openssl")]
    sealab_engine_openssl::CANDIDATE,
    sealab_engine_aws_lc::CANDIDATE,
    sealab_engine_ring::CANDIDATE,
    sealab_engine_graviola::CANDIDATE,
    sealab_engine_system::CANDIDATES[0],
    sealab_engine_system::CANDIDATES[1],
    sealab_engine_system::CANDIDATES[2],
];

/// What a conformance run has beside the engines: the lab's own key wrapping.
pub(crate) const KEYS: &str = "keys";

/// The candidate of that identifier.
pub(crate) fn candidate(id: &str) -> Option<&'static Candidate> {
    CANDIDATES.iter().find(|candidate| candidate.id == id)
}
