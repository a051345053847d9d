//! The engine, and the objects that it keys.

use sealab_engine::{Aead, AeadKey, CodePath, Engine, EngineError, HmacSha256, MacKey, Primitive, Sha256};

pub(crate) const ID: &str = "ring";

struct Ring;

pub(crate) fn open() -> Result<Box<dyn Engine>, EngineError> {
    Ok(Box::new(Ring))
}

impl Engine for Ring {
    fn id(&self) -> &'static str {
        ID
    }

    fn version(&self) -> String {
        env!("LIBRARY_VERSION").to_owned()
    }

    fn code_path(&self) -> CodePath {
        crate::code_path::code_path()
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[
            Primitive::Aes128Gcm,
            Primitive::Aes256Gcm,
            Primitive::ChaCha20Poly1305,
            Primitive::HmacSha256,
            Primitive::Sha256,
        ]
    }

    fn aead(&self, key: &AeadKey) -> Result<Box<dyn Aead>, EngineError> {
        Ok(Box::new(crate::aead::Aead::new(key)?))
    }

    fn hmac_sha256(&self, key: &MacKey) -> Result<Box<dyn HmacSha256>, EngineError> {
        Ok(Box::new(crate::hash::HmacSha256::new(key)))
    }

    fn sha256(&self) -> Result<Box<dyn Sha256>, EngineError> {
        Ok(Box::new(crate::hash::Sha256::new()))
    }
}
