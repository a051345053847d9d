//! The fuzz corpus of vector files.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::path::Path;

#[path = "../../fuzz/checks/corpus.rs"]
mod corpus;
#[path = "../../fuzz/checks/refusal.rs"]
mod refusal;
#[path = "../../fuzz/checks/vectors.rs"]
mod vectors;

#[test]
fn vector_files_are_read_or_refused_with_their_place() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    corpus::hold(root, "vectors", &["accepted-", "refused-"], vectors::check);
}
