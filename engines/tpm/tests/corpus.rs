//! The fuzz corpus of TPMs' answers.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::path::Path;

#[path = "../../../fuzz/checks/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/checks/refusal.rs"]
mod refusal;
#[path = "../../../fuzz/checks/tpm_response.rs"]
mod tpm_response;

#[test]
fn what_a_tpm_answers_is_a_number_that_never_goes_back_or_is_refused() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    corpus::hold(
        root,
        "tpm_response",
        &["accepted-", "refused-"],
        tpm_response::check,
    );
}
