//! The chunk cipher of Nydus's encrypted images, AES-128-XTS, byte for byte and with its faults; a format to compare with.
//!
//! Every chunk of a blob is one data unit, and all have the same key and the same tweak, so equal blocks at equal places
//! of chunks are equal in ciphertext. Nothing authenticates them. A chunk under 16 bytes is padded, and what undoes that
//! takes some chunks of 18 bytes for padded ones. No image should be sealed with it. Written down, with what is left out
//! of Nydus's images, in `docs/formats/nydus.md`.

mod cipher;
mod key;
#[cfg(test)]
mod tests;

use sealab_engine::EngineError;

pub use cipher::{ChunkCipher, MAX_CHUNK_BYTES, PADDED_BYTES, stored_bytes};
pub use key::{BlobKey, KEY_BYTES, TWEAK_BYTES};

/// Why a chunk was not sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum NydusError {
    /// The engine reported an error.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The key is none for XTS.
    #[error(transparent)]
    Key(#[from] sealab_engine::KeyError),
    /// A chunk of a length that none has.
    #[error("a chunk has {found} bytes; it must have {expected}")]
    Length {
        /// Its length, in bytes.
        found: usize,
        /// Which it may have.
        expected: &'static str,
    },
    /// The chunk ends as a padded one does, and says that it was padded by more bytes than that can be: it was changed, it
    /// was empty, or it never was padded.
    #[error("the chunk's padding is {0} bytes long; it must be 0 to 15")]
    Padding(u8),
}
