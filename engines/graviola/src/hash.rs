//! SHA-256 and HMAC-SHA-256.

use graviola::hashing::hmac::Hmac;
use graviola::hashing::{self, Hash, HashContext};
use sealab_engine::{EngineError, MacKey};

type Context = <hashing::Sha256 as Hash>::Context;

pub(crate) struct Sha256(Context);

impl Sha256 {
    pub(crate) fn new() -> Self {
        Self(hashing::Sha256::new())
    }
}

impl sealab_engine::Sha256 for Sha256 {
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        HashContext::update(&mut self.0, bytes);
        Ok(())
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        let Self(message) = std::mem::replace(self, Self::new());
        let mut digest = [0; 32];
        digest.copy_from_slice(HashContext::finish(message).as_ref());
        Ok(digest)
    }
}

pub(crate) struct HmacSha256 {
    /// A state that has taken up the key, copied for each message.
    keyed: Hmac<hashing::Sha256>,
    message: Hmac<hashing::Sha256>,
}

impl HmacSha256 {
    pub(crate) fn new(key: &MacKey) -> Self {
        let keyed = Hmac::<hashing::Sha256>::new(key.expose());
        Self {
            message: keyed.clone(),
            keyed,
        }
    }
}

impl sealab_engine::HmacSha256 for HmacSha256 {
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        self.message.update(bytes);
        Ok(())
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        let message = std::mem::replace(&mut self.message, self.keyed.clone());
        let mut code = [0; 32];
        code.copy_from_slice(message.finish().as_ref());
        Ok(code)
    }
}
