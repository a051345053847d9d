//! The fuzz corpus of run records, reported.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::path::Path;

#[path = "../../fuzz/checks/corpus.rs"]
mod corpus;
#[path = "../../fuzz/checks/report.rs"]
mod report;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[test]
fn every_record_has_reports_and_stays_in_its_place() {
    corpus::hold(root(), "report", &["accepted-"], report::check);
}
