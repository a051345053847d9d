//! The fuzz corpora of scenario files and of the sizes in them.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::path::Path;

#[path = "../../fuzz/checks/corpus.rs"]
mod corpus;
#[path = "../../fuzz/checks/place.rs"]
mod place;
#[path = "../../fuzz/checks/refusal.rs"]
mod refusal;
#[path = "../../fuzz/checks/scenario.rs"]
mod scenario;
#[path = "../../fuzz/checks/sizes.rs"]
mod sizes;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[test]
fn scenarios_are_planned_or_refused_with_their_place() {
    corpus::hold(root(), "scenario", &["accepted-", "refused-"], scenario::check);
}

#[test]
fn sizes_times_and_shares_are_in_range_or_refused() {
    corpus::hold(root(), "sizes", &["accepted-", "refused-"], sizes::check);
}
