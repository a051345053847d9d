//! dm-integrity: where the codes of authenticated sectors lie on a disk, and its journal.
//!
//! The layout is the one of Linux 6.1 (`drivers/md/dm-integrity.c`, superblock versions 1 to 5, metadata on the same
//! device), byte for byte. This layer keeps tags, it does not compute any: that is what a
//! [`SectorCipher`](crate::sector::SectorCipher) does.
//!
//! [`format()`] makes the layout, [`IntegrityStore::open`] opens it, in one of the [`Mode`]s.

mod bitmap;
mod disk;
mod error;
mod format;
mod layout;
mod ring;
mod scan;
mod section;
mod store;
mod superblock;
mod tags;

pub use crate::superblock::SuperblockError;
pub use error::IntegrityError;
pub use format::{FormatOptions, format};
pub use layout::Layout;
pub use store::{IntegrityStore, Mode, OpenOptions};
pub use superblock::{Superblock, parse_superblock};

/// What positions and sizes of this format count in, in bytes, whatever the size of a block.
const SECTOR_BYTES: usize = 512;
