//! SHA-256. Its context is a plain value, so it lives on the stack.

use std::mem::MaybeUninit;

use sealab_engine::EngineError;

use crate::error::succeeded;

pub(crate) struct Sha256;

impl sealab_engine::Sha256 for Sha256 {
    fn digest(&mut self, parts: &[&[u8]]) -> Result<[u8; 32], EngineError> {
        let mut context = MaybeUninit::uninit();
        // SAFETY: writes a whole context.
        let ok = unsafe { aws_lc_sys::SHA256_Init(context.as_mut_ptr()) };
        succeeded(ok, "SHA256_Init")?;
        for part in parts {
            // SAFETY: the context is initialised, and `part` readable at its length.
            let ok =
                unsafe { aws_lc_sys::SHA256_Update(context.as_mut_ptr(), part.as_ptr().cast(), part.len()) };
            succeeded(ok, "SHA256_Update")?;
        }
        let mut digest = [0; 32];
        // SAFETY: the context is initialised, and `digest` has the 32 bytes that are written.
        let ok = unsafe { aws_lc_sys::SHA256_Final(digest.as_mut_ptr(), context.as_mut_ptr()) };
        succeeded(ok, "SHA256_Final")?;
        Ok(digest)
    }
}
