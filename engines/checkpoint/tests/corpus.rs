//! The fuzz corpora of images, sealed files and archives.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::path::Path;

#[path = "../../../fuzz/checks/archive.rs"]
mod archive;
#[path = "../../../fuzz/checks/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/checks/image.rs"]
mod image;
#[path = "../../../fuzz/checks/named.rs"]
mod named;
#[path = "../../../fuzz/checks/pr2297.rs"]
mod pr2297;
#[path = "../../../fuzz/checks/refusal.rs"]
mod refusal;
#[path = "../../../fuzz/checks/sealed.rs"]
mod sealed;
#[path = "../../../fuzz/checks/transparent.rs"]
mod transparent;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn images_are_read_and_written_again_or_refused_with_their_place() {
    corpus::hold(root(), "image", &["accepted-", "refused-"], image::check);
}

#[test]
fn files_of_pr2297_open_to_images_or_are_refused_with_their_place() {
    corpus::hold(root(), "pr2297", &["accepted-", "refused-"], pr2297::check);
}

#[test]
fn sealed_files_indexes_and_manifests_are_read_or_refused() {
    corpus::hold(root(), "sealed", &["accepted-", "refused-"], sealed::check);
}

#[test]
fn archives_are_sealed_and_opened_or_refused() {
    corpus::hold(root(), "archive", &["accepted-", "refused-"], archive::check);
}
