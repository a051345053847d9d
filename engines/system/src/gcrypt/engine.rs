//! The engine over libgcrypt.

use sealab_engine::{
    Aead, AeadKey, BlockCipher, BlockKey, Candidate, CodePath, Ctr, CtrKey, Engine, EngineError, HmacSha256,
    MacKey, Primitive, Sha256, Xts, XtsKey,
};

use super::api::Api;
use super::ciphers::Keyed;
use super::hashes::Digest;
use crate::code_path;

const ID: &str = "libgcrypt";

/// `libgcrypt.so.20` of the distribution.
pub(crate) const CANDIDATE: Candidate = Candidate {
    id: ID,
    library: "libgcrypt",
    open: || Ok(Box::new(Gcrypt { api: Api::get()? })),
};

struct Gcrypt {
    api: &'static Api,
}

impl Engine for Gcrypt {
    fn id(&self) -> &'static str {
        ID
    }

    fn version(&self) -> String {
        self.api.version()
    }

    fn code_path(&self) -> CodePath {
        code_path::gcrypt(&self.api.features())
    }

    fn primitives(&self) -> &'static [Primitive] {
        &Primitive::ALL
    }

    fn xts(&self, key: &XtsKey) -> Result<Box<dyn Xts>, EngineError> {
        Ok(Box::new(Keyed::xts(self.api, key)?))
    }

    fn aead(&self, key: &AeadKey) -> Result<Box<dyn Aead>, EngineError> {
        Ok(Box::new(Keyed::aead(self.api, key)?))
    }

    fn ctr(&self, key: &CtrKey) -> Result<Box<dyn Ctr>, EngineError> {
        Ok(Box::new(Keyed::ctr(self.api, key)?))
    }

    fn hmac_sha256(&self, key: &MacKey) -> Result<Box<dyn HmacSha256>, EngineError> {
        Ok(Box::new(Digest::hmac(self.api, key)?))
    }

    fn sha256(&self) -> Result<Box<dyn Sha256>, EngineError> {
        Ok(Box::new(Digest::sha256(self.api)?))
    }

    fn block_cipher(&self, key: &BlockKey) -> Result<Box<dyn BlockCipher>, EngineError> {
        Ok(Box::new(Keyed::block(self.api, key)?))
    }
}
