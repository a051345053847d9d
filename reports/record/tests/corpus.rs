//! The fuzz corpora of run records, read.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::path::Path;

#[path = "../../../fuzz/checks/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/checks/record.rs"]
mod record;
#[path = "../../../fuzz/checks/refusal.rs"]
mod refusal;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn records_are_read_or_refused_in_one_line() {
    corpus::hold(root(), "record", &["accepted-", "refused-"], record::check);
    corpus::hold(root(), "report", &["accepted-"], record::check);
}
