//! SHA-256 and HMAC-SHA-256.

use ring::{digest, hmac};
use sealab_engine::{EngineError, MacKey};

pub(crate) struct Sha256(digest::Context);

impl Sha256 {
    pub(crate) fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }
}

impl sealab_engine::Sha256 for Sha256 {
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        self.0.update(bytes);
        Ok(())
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        let Self(message) = std::mem::replace(self, Self::new());
        let mut digest = [0; 32];
        digest.copy_from_slice(message.finish().as_ref());
        Ok(digest)
    }
}

pub(crate) struct HmacSha256 {
    key: hmac::Key,
    message: hmac::Context,
}

impl HmacSha256 {
    pub(crate) fn new(key: &MacKey) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
        Self {
            message: hmac::Context::with_key(&key),
            key,
        }
    }
}

impl sealab_engine::HmacSha256 for HmacSha256 {
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        self.message.update(bytes);
        Ok(())
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        let message = std::mem::replace(&mut self.message, hmac::Context::with_key(&self.key));
        let mut code = [0; 32];
        code.copy_from_slice(message.sign().as_ref());
        Ok(code)
    }
}
