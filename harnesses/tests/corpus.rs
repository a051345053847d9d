//! The fuzz corpus of requests.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::path::Path;

#[path = "../../fuzz/checks/corpus.rs"]
mod corpus;
#[path = "../../fuzz/checks/request.rs"]
mod request;

#[test]
fn every_line_is_answered_by_one_line() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    corpus::hold(root, "request", &["accepted-", "refused-"], request::check);
}
