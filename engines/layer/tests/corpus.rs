//! The fuzz corpora of encrypted layers' options, packets, chunk tables and files.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::path::Path;

#[path = "../../../fuzz/checks/chunk_table.rs"]
mod chunk_table;
#[path = "../../../fuzz/checks/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/checks/layer_files.rs"]
mod layer_files;
#[path = "../../../fuzz/checks/layer_options.rs"]
mod layer_options;
#[path = "../../../fuzz/checks/layer_recipients.rs"]
mod layer_recipients;
#[path = "../../../fuzz/checks/refusal.rs"]
mod refusal;
#[allow(dead_code, reason = "layers are opened here, not sealed")]
#[path = "../../../fuzz/checks/transparent.rs"]
mod transparent;

const KINDS: [&str; 2] = ["accepted-", "refused-"];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn options_are_read_and_written_again_or_refused() {
    corpus::hold(root(), "layer_options", &KINDS, layer_options::check);
}

#[test]
fn packets_say_whom_they_are_for_or_are_refused() {
    corpus::hold(root(), "layer_recipients", &KINDS, layer_recipients::check);
}

#[test]
fn chunk_tables_are_read_and_written_again_or_refused() {
    corpus::hold(root(), "chunk_table", &KINDS, chunk_table::check);
}

#[test]
fn files_are_listed_and_read_or_refused() {
    corpus::hold(root(), "layer_files", &KINDS, layer_files::check);
}
