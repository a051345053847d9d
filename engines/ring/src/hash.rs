//! SHA-256 and HMAC-SHA-256.

use ring::{digest, hmac};
use sealab_engine::{EngineError, MacKey};

pub(crate) struct Sha256;

impl sealab_engine::Sha256 for Sha256 {
    fn digest(&mut self, parts: &[&[u8]]) -> Result<[u8; 32], EngineError> {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            context.update(part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        Ok(digest)
    }
}

pub(crate) struct HmacSha256(hmac::Key);

impl HmacSha256 {
    pub(crate) fn new(key: &MacKey) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.expose()))
    }
}

impl sealab_engine::HmacSha256 for HmacSha256 {
    fn compute(&mut self, parts: &[&[u8]]) -> Result<[u8; 32], EngineError> {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        let mut code = [0; 32];
        code.copy_from_slice(context.sign().as_ref());
        Ok(code)
    }
}
