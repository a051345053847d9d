//! The fuzz corpus of what clients send.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::path::Path;

#[path = "../../../fuzz/checks/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/checks/nbd.rs"]
mod nbd;
#[path = "../../../fuzz/checks/refusal.rs"]
mod refusal;

#[test]
fn what_clients_send_is_answered_in_whole_replies_or_ends_the_connection() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    corpus::hold(root, "nbd", &["accepted-", "refused-"], nbd::check);
}
