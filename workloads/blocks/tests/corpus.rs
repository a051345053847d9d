//! The fuzz corpus of block traces.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::path::Path;

#[path = "../../../fuzz/checks/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/checks/refusal.rs"]
mod refusal;
#[path = "../../../fuzz/checks/trace.rs"]
mod trace;

#[test]
fn traces_are_read_and_written_again_or_refused_with_their_line() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    corpus::hold(root, "trace", &["accepted-", "refused-"], trace::check);
}
