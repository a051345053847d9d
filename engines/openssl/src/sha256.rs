//! SHA-256, with one digest context for all calls.

use std::ptr;
use std::sync::Arc;

use foreign_types::ForeignTypeRef;
use openssl::md::Md;
use openssl::md_ctx::MdCtx;
use sealab_engine::EngineError;

use crate::{failed, succeeded};

pub(crate) struct Sha256 {
    digest: Arc<Md>,
    context: MdCtx,
}

impl Sha256 {
    pub(crate) fn new(digest: Arc<Md>) -> Result<Self, EngineError> {
        let context = MdCtx::new().map_err(failed("EVP_MD_CTX_new"))?;
        let mut sha256 = Self { digest, context };
        sha256.begin()?;
        Ok(sha256)
    }

    /// Begins a message; the context is reset where it lies.
    fn begin(&mut self) -> Result<(), EngineError> {
        self.context
            .digest_init(&self.digest)
            .map_err(failed("EVP_DigestInit_ex"))
    }
}

impl sealab_engine::Sha256 for Sha256 {
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        self.context
            .digest_update(bytes)
            .map_err(failed("EVP_DigestUpdate"))
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        let mut digest = [0; 32];
        // MdCtx::digest_final would free the context's state, to be allocated again for the next digest.
        // SAFETY: the context is initialised with SHA-256, whose digest has the 32 bytes that `digest` has room for;
        // a null length is not written.
        let ok = unsafe {
            openssl_sys::EVP_DigestFinal_ex(self.context.as_ptr(), digest.as_mut_ptr(), ptr::null_mut())
        };
        succeeded(ok, "EVP_DigestFinal_ex")?;
        self.begin()?;
        Ok(digest)
    }
}
