//! The AEADs of the format `chunked-aead`.

use sealab_engine::{AeadKey, Key, Nonce};

/// An AEAD of the format `chunked-aead`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StreamCipher {
    /// AES-256-GCM.
    Aes256Gcm,
    /// ChaCha20-Poly1305, for CPUs without AES instructions.
    ChaCha20Poly1305,
}

impl StreamCipher {
    pub(crate) const ALL: [Self; 2] = [Self::Aes256Gcm, Self::ChaCha20Poly1305];

    /// The cipher's name in the public options of a layer.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "SEALAB_STREAM_AES_256_GCM_64K",
            Self::ChaCha20Poly1305 => "SEALAB_STREAM_CHACHA20_POLY1305_64K",
        }
    }

    pub(super) fn key(self, key: Key<32>) -> AeadKey {
        match self {
            Self::Aes256Gcm => AeadKey::Aes256Gcm(key),
            Self::ChaCha20Poly1305 => AeadKey::ChaCha20Poly1305(key),
        }
    }
}

/// The nonce of a chunk: its number in 11 bytes, big-endian, and whether it is the last.
pub(super) fn nonce(chunk: u64, last: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&chunk.to_be_bytes());
    nonce[11] = u8::from(last);
    Nonce(nonce)
}
