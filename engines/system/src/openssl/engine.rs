//! The engine over the distribution's OpenSSL.

use sealab_engine::{
    Aead, AeadKey, BlockCipher, BlockKey, Candidate, CodePath, Ctr, CtrKey, Engine, EngineError, HmacSha256,
    MacKey, Primitive, Sha256, Xts, XtsKey,
};

use super::api::Api;
use super::ciphers::{BothWays, Stream};
use super::hashes::{Digest, Hmac};
use crate::code_path;

const ID: &str = "system-openssl";

/// `libcrypto.so.3` of the distribution.
pub(crate) const CANDIDATE: Candidate = Candidate {
    id: ID,
    library: "OpenSSL (of the system)",
    open: || Ok(Box::new(OpenSsl { api: Api::get()? })),
};

struct OpenSsl {
    api: &'static Api,
}

impl Engine for OpenSsl {
    fn id(&self) -> &'static str {
        ID
    }

    fn version(&self) -> String {
        self.api.version()
    }

    fn code_path(&self) -> CodePath {
        code_path::openssl(&self.api.cpu_settings(), &self.api.version())
    }

    fn primitives(&self) -> &'static [Primitive] {
        &Primitive::ALL
    }

    fn xts(&self, key: &XtsKey) -> Result<Box<dyn Xts>, EngineError> {
        Ok(Box::new(BothWays::xts(self.api, key)?))
    }

    fn aead(&self, key: &AeadKey) -> Result<Box<dyn Aead>, EngineError> {
        Ok(Box::new(BothWays::aead(self.api, key)?))
    }

    fn ctr(&self, key: &CtrKey) -> Result<Box<dyn Ctr>, EngineError> {
        Ok(Box::new(Stream::new(self.api, key)?))
    }

    fn hmac_sha256(&self, key: &MacKey) -> Result<Box<dyn HmacSha256>, EngineError> {
        Ok(Box::new(Hmac::new(self.api, key)?))
    }

    fn sha256(&self) -> Result<Box<dyn Sha256>, EngineError> {
        Ok(Box::new(Digest::new(self.api)?))
    }

    fn block_cipher(&self, key: &BlockKey) -> Result<Box<dyn BlockCipher>, EngineError> {
        Ok(Box::new(BothWays::block(self.api, key)?))
    }
}
