//! SHA-256 and HMAC-SHA-256.

use graviola::hashing::hmac::Hmac;
use graviola::hashing::{self, Hash, HashContext};
use sealab_engine::{EngineError, MacKey};

pub(crate) struct Sha256;

impl sealab_engine::Sha256 for Sha256 {
    fn digest(&mut self, parts: &[&[u8]]) -> Result<[u8; 32], EngineError> {
        let mut context = hashing::Sha256::new();
        for part in parts {
            HashContext::update(&mut context, part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(HashContext::finish(context).as_ref());
        Ok(digest)
    }
}

/// A state that has taken up the key, copied for each code.
pub(crate) struct HmacSha256(Hmac<hashing::Sha256>);

impl HmacSha256 {
    pub(crate) fn new(key: &MacKey) -> Self {
        Self(Hmac::new(key.expose()))
    }
}

impl sealab_engine::HmacSha256 for HmacSha256 {
    fn compute(&mut self, parts: &[&[u8]]) -> Result<[u8; 32], EngineError> {
        let mut state = self.0.clone();
        for part in parts {
            state.update(part);
        }
        let mut code = [0; 32];
        code.copy_from_slice(state.finish().as_ref());
        Ok(code)
    }
}
