//! SHA-256 and HMAC-SHA-256.

use hmac::{KeyInit, Mac};
use sealab_engine::{EngineError, HmacSha256, MacKey, Sha256};
use sha2::Digest as _;

/// SHA-256.
#[derive(Default)]
pub(crate) struct Digest(sha2::Sha256);

impl Sha256 for Digest {
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        self.0.update(bytes);
        Ok(())
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        Ok(self.0.finalize_reset().into())
    }
}

/// HMAC-SHA-256.
pub(crate) struct Hmac {
    /// With the key's two blocks already absorbed.
    keyed: hmac::Hmac<sha2::Sha256>,
    /// The message at hand.
    message: hmac::Hmac<sha2::Sha256>,
}

impl Hmac {
    pub(crate) fn new(key: &MacKey) -> Result<Self, EngineError> {
        // The trait allows for keys of a wrong length, of which HMAC has none.
        let keyed: hmac::Hmac<sha2::Sha256> =
            hmac::Hmac::new_from_slice(key.expose()).map_err(|error| EngineError::Library {
                call: "Hmac::new_from_slice",
                detail: error.to_string(),
            })?;
        Ok(Self {
            message: keyed.clone(),
            keyed,
        })
    }
}

impl HmacSha256 for Hmac {
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        self.message.update(bytes);
        Ok(())
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        let message = std::mem::replace(&mut self.message, self.keyed.clone());
        Ok(message.finalize().into_bytes().into())
    }
}
