//! Format `criu-pr2297`: the sealed image sets of CRIUsec, pull request 2297 of CRIU (head d4b1c376ac), byte for byte.
//!
//! `docs/formats/criu-pr2297.md` gives every byte. In short: a set has one 32-byte *token* and one 64-byte key for
//! pages, both random, wrapped with RSAES-PKCS1-v1_5 into `cipher.img`. Entries and what follows them are sealed with
//! ChaCha20-Poly1305 under the token; pages are encrypted with AES-256-XTS, and one digest of them all stands in
//! `cipher.img`.
//!
//! The format's faults are kept, since a set must be readable by, and from, its own program:
//! - every page has the same tweak, so equal pages, and equal 16-byte blocks at equal places of two pages, show;
//! - the process is left out of the digest (it is always 0), so pages of two processes at one address can be swapped;
//! - the digest is a XOR, so a page that comes twice at one address cancels out;
//! - a deleted file of 12,288 bytes or more stands in clear, as do the dumps of addresses, routes, rules and nftables,
//!   statistics, logs, and all sizes, names and numbers of entries;
//! - associated data is empty: entries of one type can be swapped, reordered, dropped and taken from elsewhere in the set;
//! - nothing authenticates `cipher.img` or the sender, and a set without it counts as a plain one;
//! - the token is the key of two algorithms; the keys are wrapped with a padding that is known for its oracles.
//!
//! Where this code is stricter than the pull request: [`open`] verifies the digest of all pages before it writes
//! anything (the other reader decrypts and maps pages, and compares at the end); a set without `cipher.img` is an error;
//! files that no pagemap describes are refused; what the pull request would lose or read wrongly (parents, compressed
//! pages, shared memory inside an entry) is refused.

mod error;
mod keys;
mod message;
mod open;
mod pages;
mod seal;
mod sealed;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use error::Error;
pub use keys::{CIPHER_FILE, Unwrap, Wrap, WrapError};
pub use message::{CHUNK_BYTES, TRAILER_BYTES, open_entry, open_raw, seal_entry, seal_raw};
pub use open::{Opener, open, open_image, verify};
pub use pages::{DIGEST_BYTES, PageKeys, open_pages, seal_pages};
pub use seal::seal;

use crate::image::{Fault, Kind};

/// The longest payload that is sealed as one message (a pipe, a packet, a BPF map), in bytes: it is held in memory.
pub const PAYLOAD_MOST: u64 = 64 << 20;

/// What was sealed, opened or verified.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// Files of the plain set.
    pub files: u64,
    /// Entries, those that the format leaves in clear included.
    pub entries: u64,
    /// Memory pages.
    pub pages: u64,
}

/// Whether entries of that kind stand in clear.
fn is_clear(kind: Kind) -> bool {
    matches!(kind, Kind::Cipher | Kind::Stats)
}

/// Whether the raw file is another tool's output that the format seals, in records.
fn holds_tool_output(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::TmpfsImg | Kind::TmpfsDev | Kind::Iptables | Kind::Ip6tables
    )
}

/// The pages file number `id`, which no other pagemap has named before.
fn pages_of(described: &mut BTreeSet<String>, id: u32, pagemap: &str) -> Result<String, Error> {
    let name = format!("pages-{id}.img");
    if described.insert(name.clone()) {
        return Ok(name);
    }
    Err(Error::Unsupported {
        file: pagemap.to_owned(),
        what: "a pages file that two pagemaps name",
    })
}

/// That a pages file of `bytes` bytes ends where its pagemap does.
fn check_pages_end(file: &str, bytes: u64, payload: u64) -> Result<(), Error> {
    if bytes == payload {
        return Ok(());
    }
    let fault = Fault::value(
        "the length of the file",
        bytes,
        format_args!("{payload}, as its pagemap says"),
    );
    Err(fault.at(file, payload.min(bytes)).into())
}
