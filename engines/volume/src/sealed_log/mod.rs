//! The format `sealed-log`: a volume with all the guarantees, in a log that is never written in place.
//!
//! Confidentiality and integrity come from AES-256-GCM over each block, its associated data bound to the block's number and
//! place; consistency and atomicity from commits that are there whole or not at all; freshness from an index in which each
//! entry vouches for what it leads to, up to a root whose commit a [`TrustedCounter`](crate::counter::TrustedCounter)
//! counts; anonymity from the log, in which blocks lie in the order in which they were written. `docs/formats/sealed-log.md`
//! has every byte and the reasons.

mod addresses;
mod batch;
mod budget;
mod cache;
mod commit;
mod counted;
mod entry;
mod error;
mod geometry;
mod header;
mod index;
mod journal;
mod keyslots;
mod layout;
mod map;
mod open;
mod recent;
mod replay;
mod seal;
mod space;
mod state;
mod superblock;
mod tidy;
mod volume;
mod walk;

use std::sync::{Condvar, Mutex};

use counted::Counted;
pub use error::SealedLogError;
pub use geometry::BLOCK_BYTES;
pub use keyslots::{add_keyslot, remove_keyslot};
pub use layout::{Layout, parse_layout};
pub use open::{create, open};
pub use state::Statistics;
use state::{Core, State};

use crate::luks::Argon2Cost;

/// What a new log is like.
#[derive(Clone, Debug, Default)]
pub struct CreateOptions {
    /// What deriving a key from the passphrase costs, with Argon2id.
    pub cost: Argon2Cost,
}

/// How a log is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Nothing is written, not even a session begun.
    pub read_only: bool,
    /// Opens a log whose commits are counted, without its counter: an older state of all of it is not noticed then.
    pub without_counter: bool,
    /// How much memory the index may take, in bytes: what was written since it was last written, what is needed to write it,
    /// a cache of its nodes, what is given up with the next commit, and a bit for each block of the log. Some 3 MiB beside
    /// these bits are taken in any case.
    pub index_memory: usize,
    /// Where the log is too full for what was written since the last flush, or the memory for what that gives up, commits
    /// it early; otherwise refuses what does not fit with [`VolumeError::NoSpace`](crate::VolumeError::NoSpace), so that
    /// what is between two flushes is never divided.
    pub early_commits: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            read_only: false,
            without_counter: false,
            index_memory: 64 << 20,
            early_commits: true,
        }
    }
}

/// How large a store holds a log with a volume of at least `bytes` bytes; `None` where no store can be so large.
pub fn store_bytes(bytes: u64) -> Option<u64> {
    geometry::Geometry::store_bytes(bytes)
}

/// An open log.
pub struct SealedLog {
    core: Core,
    state: Mutex<State>,
    /// Told when a commit ends.
    changed: Condvar,
    counter: Option<Counted>,
    early_commits: bool,
}

impl SealedLog {
    /// What the log did since it was opened.
    pub fn statistics(&self) -> Statistics {
        commit::lock(&self.state).statistics
    }
}
