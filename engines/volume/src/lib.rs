//! How volumes are sealed, over any engine.

pub mod counter;
pub mod format;
pub mod integrity;
pub mod luks;
pub mod plain;
pub mod sealed_log;
pub mod sector;
pub mod store;
mod stripes;
mod superblock;
pub mod verity;
mod volume;

pub use volume::{Volume, VolumeError, check_request};
