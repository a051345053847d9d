//! Why a tree of hashes was not made or opened.

use std::io;

use sealab_engine::EngineError;

use crate::superblock::SuperblockError;

/// Why a tree was not made or opened.
#[derive(Debug, thiserror::Error)]
pub enum VerityError {
    /// The superblock, or the parameters given in its place, were refused.
    #[error("{store}: the dm-verity superblock at {offset}: {source}")]
    Superblock {
        /// The store's name.
        store: String,
        /// Where the superblock is, in bytes.
        offset: u64,
        /// What is wrong with it.
        source: SuperblockError,
    },
    /// A store ends before the data or the tree do, or has them at a place where they cannot be.
    #[error("{store}: {what} takes the bytes {start} to {end}, but {limit}")]
    Area {
        /// The store's name.
        store: String,
        /// What does not fit.
        what: &'static str,
        /// Where it begins, in bytes.
        start: u64,
        /// Where it ends, in bytes.
        end: u128,
        /// What is in its way.
        limit: String,
    },
    /// The root hash is no such.
    #[error("the root hash: found {found}; it must be {expected}")]
    RootHash {
        /// What was given.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// What lies beneath failed.
    #[error("{place}: {source}")]
    Store {
        /// What was done to what, with its name and offset.
        place: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The tree's topmost block does not have the root hash: another root hash, another salt, or a changed tree.
    #[error("{store}: the root hash does not hold for the block at {offset}")]
    Unauthentic {
        /// The store's name.
        store: String,
        /// Where the topmost block is, in bytes.
        offset: u64,
    },
    /// An engine reported an error.
    #[error(transparent)]
    Engine(#[from] EngineError),
}
