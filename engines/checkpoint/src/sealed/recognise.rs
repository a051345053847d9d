//! What a thing is that is no sealed checkpoint, for the error that says so.

use std::path::Path;

use crate::image::{COMMON_MAGIC, SERVICE_MAGIC};
use crate::pr2297::CIPHER_FILE;

/// What the folder without a sealed file is.
pub(super) fn folder(path: &Path) -> &'static str {
    if path.join(CIPHER_FILE).exists() {
        "a set sealed as criu-pr2297"
    } else if path.join("inventory.img").exists() {
        "a plain CRIU image set"
    } else {
        "a folder without checkpoint.sealed"
    }
}

/// What the content that starts with `start` is.
pub(super) fn content(start: &[u8]) -> &'static str {
    let word = start.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    if start.is_empty() {
        "an empty file"
    } else if matches!(word, Some(COMMON_MAGIC | SERVICE_MAGIC)) {
        "a CRIU image"
    } else if start.starts_with(b"age-encr") {
        "a file of age"
    } else if start.starts_with(b"Salted__") {
        "a file of openssl enc"
    } else if start.starts_with(b"-----BEG") {
        "PEM text"
    } else if start.starts_with(&[0x1f, 0x8b]) {
        "a gzip file"
    } else {
        "something else"
    }
}
