//! The fuzz corpora of LUKS headers, dm-verity, dm-integrity and sealed logs.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::path::Path;

#[path = "../../../fuzz/checks/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/checks/integrity.rs"]
mod integrity;
#[path = "../../../fuzz/checks/luks.rs"]
mod luks;
#[path = "../../../fuzz/checks/refusal.rs"]
mod refusal;
#[path = "../../../fuzz/checks/sealed_log.rs"]
mod sealed_log;
#[path = "../../../fuzz/checks/transparent.rs"]
mod transparent;
#[path = "../../../fuzz/checks/verity.rs"]
mod verity;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn luks_headers_are_read_and_repaired_or_refused() {
    corpus::hold(root(), "luks", &["accepted-", "refused-"], luks::check);
}

#[test]
fn verity_volumes_are_read_as_far_as_they_are_authentic_or_refused() {
    corpus::hold(root(), "verity", &["accepted-", "refused-"], verity::check);
}

#[test]
fn integrity_layouts_read_the_same_in_every_mode_or_are_refused() {
    corpus::hold(root(), "integrity", &["accepted-", "refused-"], integrity::check);
}

#[test]
fn sealed_logs_are_read_and_written_or_refused() {
    corpus::hold(
        root(),
        "sealed_log",
        &["accepted-", "refused-"],
        sealed_log::check,
    );
}
