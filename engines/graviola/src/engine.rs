//! The engine, and the objects that it keys.

use sealab_engine::{Aead, AeadKey, CodePath, Engine, EngineError, HmacSha256, MacKey, Primitive, Sha256};

use crate::{ID, aead, features, hash};

struct Graviola;

pub(crate) fn open() -> Result<Box<dyn Engine>, EngineError> {
    let missing = features::missing();
    if missing.is_empty() {
        Ok(Box::new(Graviola))
    } else {
        Err(EngineError::Unavailable {
            reason: format!(
                "graviola requires CPU features that this process does not see: {}",
                missing.join(", ")
            ),
        })
    }
}

impl Engine for Graviola {
    fn id(&self) -> &'static str {
        ID
    }

    fn version(&self) -> String {
        env!("LIBRARY_VERSION").to_owned()
    }

    fn code_path(&self) -> CodePath {
        CodePath {
            // It runs nowhere without.
            hardware_aes: true,
            description: format!(
                "{}, inferred from the CPU features that the process sees",
                features::aes_code()
            ),
        }
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
        Ok(aead::keyed(key))
    }

    fn hmac_sha256(&self, key: &MacKey) -> Result<Box<dyn HmacSha256>, EngineError> {
        Ok(Box::new(hash::HmacSha256::new(key)))
    }

    fn sha256(&self) -> Result<Box<dyn Sha256>, EngineError> {
        Ok(Box::new(hash::Sha256::new()))
    }
}
