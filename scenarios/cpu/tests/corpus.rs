//! The fuzz corpus of CPU profile files.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::path::Path;

#[path = "../../../fuzz/checks/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/checks/cpu_profiles.rs"]
mod cpu_profiles;
#[path = "../../../fuzz/checks/place.rs"]
mod place;
#[path = "../../../fuzz/checks/refusal.rs"]
mod refusal;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn profile_files_are_read_or_refused_with_their_place() {
    corpus::hold(
        root(),
        "cpu_profiles",
        &["accepted-", "refused-"],
        cpu_profiles::check,
    );
}
