//! Format `sealed-checkpoint`: a CRIU image set sealed end to end.
//!
//! `docs/formats/sealed-checkpoint.md` gives every byte and the reasons. In short: a sealed set is a folder with one file,
//! [`FILE_NAME`]. It starts with a header in clear that wraps one random key for each recipient; then come groups of up
//! to 16 chunks of 64 KiB, each chunk sealed on its own; then the index, sealed too, which says where each byte of each
//! file is; then a short trailer. Nothing is given out before it is authenticated, and a set is whole or refused.
//!
//! [`seal`], [`open`] and [`verify`] work from and to folders and streams in bounded memory. [`SealedSet`] reads single
//! pages in place, through the sets that a set builds on. The engine does the bulk of the cryptography; keys are wrapped
//! and signatures made by `sealab-keys`.

mod archive;
mod checking;
mod chunks;
mod compression;
mod dedup;
mod error;
mod group;
mod header;
mod index;
mod index_codec;
mod index_stream;
mod keys;
mod manifest;
mod memory;
mod open;
mod outline;
mod pack;
mod parent;
mod pipeline;
mod plain;
mod recognise;
mod seal;
mod sender;
mod set;
mod sink;
mod source;
mod stored;
mod table;
#[cfg(test)]
mod tests;
mod trailer;

use std::sync::atomic::{AtomicBool, Ordering};

use sealab_engine::Engine;

pub use checking::{check_index, check_manifest, open_bytes};
pub use compression::Compression;
pub use error::Error;
pub use header::Cipher;
pub use index::{FileEntry, Parent};
pub use keys::{SET_KEY_BYTES, SetKey, Unlock};
pub use memory::SealedMemory;
pub use open::{OpenOptions, Output, SealedSource, open, verify};
pub use outline::{Outline, OutlineRecipient};
pub use parent::Commitment;
pub use seal::{Destination, PlainSource, SealOptions, seal};
pub use set::SealedSet;

/// The one file of a sealed set.
pub const FILE_NAME: &str = "checkpoint.sealed";

/// Bytes of a chunk's plaintext: what is read and authenticated for one page.
pub const CHUNK_BYTES: usize = 64 << 10;

/// Bytes of a group's content: [`CHUNK_BYTES`] times 16.
pub const GROUP_BYTES: usize = 1 << 20;

/// What long work runs with.
pub struct Work<'a> {
    /// The cryptographic library.
    pub engine: &'a dyn Engine,
    /// Is told how far the work is, at least once a MiB of stored content.
    pub progress: &'a mut dyn FnMut(Progress),
    /// Whoever sets it ends the work with [`Error::Interrupted`], and nothing is left of it.
    pub interrupt: &'a AtomicBool,
}

impl Work<'_> {
    fn check_interrupt(&self) -> Result<(), Error> {
        if self.interrupt.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        Ok(())
    }
}

/// How far long work is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// Bytes that have been read.
    pub done: u64,
    /// Bytes there are to read, if that is known.
    pub total: Option<u64>,
}

/// What was sealed, opened or verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Summary {
    /// Files of the plain set.
    pub files: u64,
    /// Bytes of those files, holes included.
    pub plain_bytes: u64,
    /// Bytes of the sealed set.
    pub sealed_bytes: u64,
    /// The set's commitment.
    pub commitment: Commitment,
}
