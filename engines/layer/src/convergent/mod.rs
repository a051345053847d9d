//! The format `convergent`: chunks cut by content and encrypted under keys that follow from it and a secret salt, so that
//! equal chunks of images with the same salt are equal blobs, stored and transferred once.
//!
//! Written down, with what it leaks, in `docs/formats/convergent.md`.

mod chunk;
mod cutter;
mod index;
mod open;
mod salt;
mod seal;

pub use open::{ChunkSource, ConvergentReader};
pub use salt::{SALT_BYTES, Salt};

pub(crate) use chunk::ChunkOpener;
pub(crate) use index::ChunkIndex;
pub(crate) use open::{open_all, open_chunk, open_index};
pub(crate) use seal::{SealedLayer, Source, seal_layer};

/// The format's cipher, as the public options of a layer name it.
pub(crate) const CONVERGENT: &str = "SEALAB_CONVERGENT_AES_256_GCM";

/// The shortest chunk but a layer's last, in bytes.
pub const MIN_CHUNK_BYTES: usize = 32 << 10;
/// What a chunk has about, in bytes.
pub const AVERAGE_CHUNK_BYTES: usize = 128 << 10;
/// The longest chunk, in bytes.
pub const MAX_CHUNK_BYTES: usize = 512 << 10;
