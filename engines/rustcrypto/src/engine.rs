//! The engine itself: which object serves which primitive.

use aes_gcm::{Aes128Gcm, Aes256Gcm};
use chacha20poly1305::ChaCha20Poly1305;
use sealab_engine::{
    Aead, AeadKey, BlockCipher, BlockKey, Candidate, CodePath, Ctr, CtrKey, Engine, EngineError, HmacSha256,
    MacKey, Primitive, Sha256, Xts, XtsKey,
};

use crate::{
    aead::Keyed, block::Aes256Block, code_path, ctr::Aes256Ctr, hash, xts::Aes128Xts, xts::Aes256Xts,
};

/// RustCrypto, which is compiled in and runs on every CPU.
pub const CANDIDATE: Candidate = Candidate {
    id: ID,
    library: "RustCrypto",
    open: || Ok(Box::new(RustCrypto)),
};

const ID: &str = "rustcrypto";

struct RustCrypto;

impl Engine for RustCrypto {
    fn id(&self) -> &'static str {
        ID
    }

    /// From the lock file at build time: the crates tell no version at run time.
    fn version(&self) -> String {
        env!("LIBRARY_VERSIONS").to_owned()
    }

    fn code_path(&self) -> CodePath {
        code_path::current()
    }

    fn primitives(&self) -> &'static [Primitive] {
        &Primitive::ALL
    }

    fn writes_ciphertext_only(&self) -> bool {
        true
    }

    fn xts(&self, key: &XtsKey) -> Result<Box<dyn Xts>, EngineError> {
        Ok(match key {
            XtsKey::Aes128(key) => Box::new(Aes128Xts::new(key)),
            XtsKey::Aes256(key) => Box::new(Aes256Xts::new(key)),
        })
    }

    fn aead(&self, key: &AeadKey) -> Result<Box<dyn Aead>, EngineError> {
        Ok(match key {
            AeadKey::Aes128Gcm(key) => Box::new(Keyed::<Aes128Gcm>::new(key.expose())),
            AeadKey::Aes256Gcm(key) => Box::new(Keyed::<Aes256Gcm>::new(key.expose())),
            AeadKey::ChaCha20Poly1305(key) => Box::new(Keyed::<ChaCha20Poly1305>::new(key.expose())),
        })
    }

    fn ctr(&self, key: &CtrKey) -> Result<Box<dyn Ctr>, EngineError> {
        Ok(Box::new(Aes256Ctr::new(key)))
    }

    fn hmac_sha256(&self, key: &MacKey) -> Result<Box<dyn HmacSha256>, EngineError> {
        Ok(Box::new(hash::Hmac::new(key)?))
    }

    fn sha256(&self) -> Result<Box<dyn Sha256>, EngineError> {
        Ok(Box::new(hash::Digest::default()))
    }

    fn block_cipher(&self, key: &BlockKey) -> Result<Box<dyn BlockCipher>, EngineError> {
        Ok(Box::new(Aes256Block::new(key)))
    }
}
