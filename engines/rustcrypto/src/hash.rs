//! SHA-256 and HMAC-SHA-256.

use hmac::{KeyInit, Mac};
use sealab_engine::{EngineError, HmacSha256, MacKey, Sha256};
use sha2::Digest as _;

/// SHA-256.
pub(crate) struct Digest;

impl Sha256 for Digest {
    fn digest(&mut self, parts: &[&[u8]]) -> Result<[u8; 32], EngineError> {
        let mut hash = sha2::Sha256::new();
        for part in parts {
            hash.update(part);
        }
        Ok(hash.finalize().into())
    }
}

/// HMAC-SHA-256 with the key's two blocks already absorbed.
pub(crate) struct Hmac(hmac::Hmac<sha2::Sha256>);

impl Hmac {
    pub(crate) fn new(key: &MacKey) -> Result<Self, EngineError> {
        // The trait allows for keys of a wrong length, of which HMAC has none.
        let mac = hmac::Hmac::new_from_slice(key.expose()).map_err(|error| EngineError::Library {
            call: "Hmac::new_from_slice",
            detail: error.to_string(),
        })?;
        Ok(Self(mac))
    }
}

impl HmacSha256 for Hmac {
    fn compute(&mut self, parts: &[&[u8]]) -> Result<[u8; 32], EngineError> {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        Ok(mac.finalize().into_bytes().into())
    }
}
