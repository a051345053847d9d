//! The files of an image, sealed or not, read without fetching more of it than they need.
//!
//! Written down in `docs/formats/layer-files.md`.

mod blobs;
mod cache;
mod collect;
mod entry;
mod image;
mod index;
mod node;
mod open;
mod path;
mod pax;
mod pick;
mod scan;
mod sealed;
mod source;
mod tree;

pub use blobs::Blobs;
pub use image::{FilesOptions, ImageFiles};
pub use node::{FileNode, NodeId, NodeKind};
pub use pick::pick_manifest;

pub(crate) use collect::Scan;
pub(crate) use index::{FileIndex, Frame};
pub(crate) use sealed::{MAX_SEALED_BYTES, seal};
