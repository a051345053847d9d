//! The layer encryption of ocicrypt, `AES_256_CTR_HMAC_SHA256`, as containers/ocicrypt and ocicrypt-rs have it.
//!
//! A layer's blob is its ciphertext alone, as long as the plaintext. Key and nonce are in the private options, which are
//! wrapped for each recipient; the code is in the public options, an annotation that nothing authenticates. The code is
//! HMAC-SHA-256 over the ciphertext under the cipher's own key: it covers neither nonce nor any name.
//!
//! Two things differ from those implementations, on purpose. They let a nonce in the public options win over the sealed
//! one, which gives other plaintext under a code that holds; here that is refused. And they give plaintext out before
//! the code is checked; here nothing is decrypted before.

mod cipher;
mod options;

use sealab_engine::EngineError;

pub use cipher::{CODE_BYTES, LayerCipher, LayerKey, NONCE_BYTES, Verified};
pub use options::{CIPHER, LayerOptions, MAX_OPTIONS_BYTES};

pub(crate) use options::named_cipher;

/// Why a layer was not sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The engine reported an error.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The options of a layer are not as they must be.
    #[error("the {options} options of the layer: {problem}")]
    Options {
        /// `private` or `public`.
        options: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// The code does not hold: the layer was changed or cut, or its key is another.
    #[error("the layer is not authentic: its HMAC does not hold")]
    Unauthentic,
}
