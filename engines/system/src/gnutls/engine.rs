//! The engine over GnuTLS.

use sealab_engine::{
    Aead, AeadKey, Candidate, CodePath, Engine, EngineError, HmacSha256, MacKey, Primitive, Sha256, Xts,
    XtsKey,
};

use super::api::Api;
use super::ciphers::{Sealer, Units};
use super::hashes::{Digest, Mac};
use crate::code_path;

const ID: &str = "gnutls";

/// `libgnutls.so.30` of the distribution.
pub(crate) const CANDIDATE: Candidate = Candidate {
    id: ID,
    library: "GnuTLS",
    open: || Ok(Box::new(GnuTls { api: Api::get()? })),
};

struct GnuTls {
    api: &'static Api,
}

impl Engine for GnuTls {
    fn id(&self) -> &'static str {
        ID
    }

    fn version(&self) -> String {
        self.api.version()
    }

    fn code_path(&self) -> CodePath {
        code_path::gnutls()
    }

    /// GnuTLS has neither counter mode nor the block cipher alone.
    fn primitives(&self) -> &'static [Primitive] {
        &[
            Primitive::Aes128Gcm,
            Primitive::Aes128Xts,
            Primitive::Aes256Gcm,
            Primitive::Aes256Xts,
            Primitive::ChaCha20Poly1305,
            Primitive::HmacSha256,
            Primitive::Sha256,
        ]
    }

    fn xts(&self, key: &XtsKey) -> Result<Box<dyn Xts>, EngineError> {
        Ok(Box::new(Units::new(self.api, key)?))
    }

    fn aead(&self, key: &AeadKey) -> Result<Box<dyn Aead>, EngineError> {
        Ok(Box::new(Sealer::new(self.api, key)?))
    }

    fn hmac_sha256(&self, key: &MacKey) -> Result<Box<dyn HmacSha256>, EngineError> {
        Ok(Box::new(Mac::new(self.api, key)?))
    }

    fn sha256(&self) -> Result<Box<dyn Sha256>, EngineError> {
        Ok(Box::new(Digest::new(self.api)?))
    }
}
