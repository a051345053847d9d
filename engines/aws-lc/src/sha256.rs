//! SHA-256. Its context is a plain value.

use std::mem::MaybeUninit;

use aws_lc_sys::SHA256_CTX;
use sealab_engine::EngineError;

use crate::error::succeeded;

pub(crate) struct Sha256(SHA256_CTX);

impl Sha256 {
    pub(crate) fn new() -> Result<Self, EngineError> {
        let mut context = MaybeUninit::uninit();
        // SAFETY: writes a whole context.
        let ok = unsafe { aws_lc_sys::SHA256_Init(context.as_mut_ptr()) };
        succeeded(ok, "SHA256_Init")?;
        // SAFETY: written by the call.
        Ok(Self(unsafe { context.assume_init() }))
    }
}

impl sealab_engine::Sha256 for Sha256 {
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        // SAFETY: the context is initialised, and `bytes` readable at its length.
        let ok = unsafe { aws_lc_sys::SHA256_Update(&raw mut self.0, bytes.as_ptr().cast(), bytes.len()) };
        succeeded(ok, "SHA256_Update")
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        let mut digest = [0; 32];
        // SAFETY: the context is initialised, and `digest` has the 32 bytes that are written.
        let ok = unsafe { aws_lc_sys::SHA256_Final(digest.as_mut_ptr(), &raw mut self.0) };
        succeeded(ok, "SHA256_Final")?;
        *self = Self::new()?;
        Ok(digest)
    }
}
