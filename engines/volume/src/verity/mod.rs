//! dm-verity: blocks for reading only, held to one root hash.
//!
//! A tree of hashes stands behind the data or on a store of its own: the digests of the data blocks fill the blocks of
//! level 0, their digests those of level 1, and so on up to one block, whose digest is the root hash. Byte for byte what
//! `veritysetup format` writes and Linux verifies.
//!
//! [`create`] makes a tree, [`Verity::open`] opens a volume with one.

mod cache;
mod create;
mod error;
mod hash;
mod room;
mod root;
mod superblock;
mod tree;
mod volume;

pub use crate::superblock::SuperblockError;
pub use create::create;
pub use error::VerityError;
pub use hash::Algorithm;
pub use root::RootHash;
pub use superblock::{HashType, Parameters, SUPERBLOCK_BYTES, parse_superblock};
pub use tree::HashArea;
pub use volume::{Verity, open_parameters};
