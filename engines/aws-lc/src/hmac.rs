//! HMAC-SHA-256, keyed once and started anew for each code.

use std::ptr::{self, NonNull};

use aws_lc_sys::HMAC_CTX;
use sealab_engine::{EngineError, MacKey};

use crate::error::{failed, succeeded};

/// A keyed context, which AWS-LC overwrites when it frees it.
pub(crate) struct HmacSha256(NonNull<HMAC_CTX>);

// SAFETY: an HMAC_CTX is tied to no thread; `&mut self` keeps it to one at a time.
unsafe impl Send for HmacSha256 {}

impl HmacSha256 {
    pub(crate) fn new(key: &MacKey) -> Result<Self, EngineError> {
        // SAFETY: takes nothing; returns a context of ours, or null.
        let context = unsafe { aws_lc_sys::HMAC_CTX_new() };
        let mac = Self(NonNull::new(context).ok_or_else(|| failed("HMAC_CTX_new"))?);
        let key = key.expose();
        // SAFETY: the context is live, and `key` readable at its length and not null even where it is empty.
        let ok = unsafe {
            aws_lc_sys::HMAC_Init_ex(
                mac.0.as_ptr(),
                key.as_ptr().cast(),
                key.len(),
                aws_lc_sys::EVP_sha256(),
                ptr::null_mut(),
            )
        };
        succeeded(ok, "HMAC_Init_ex")?;
        Ok(mac)
    }
}

impl Drop for HmacSha256 {
    fn drop(&mut self) {
        // SAFETY: the context is live and owned by `self`.
        unsafe { aws_lc_sys::HMAC_CTX_free(self.0.as_ptr()) };
    }
}

impl sealab_engine::HmacSha256 for HmacSha256 {
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        // SAFETY: the context is initialised, and `bytes` readable at its length.
        let ok = unsafe { aws_lc_sys::HMAC_Update(self.0.as_ptr(), bytes.as_ptr(), bytes.len()) };
        succeeded(ok, "HMAC_Update")
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        let mut code = [0; 32];
        let mut written = 0;
        // SAFETY: a code over SHA-256 has the 32 bytes that `code` has room for.
        let ok = unsafe { aws_lc_sys::HMAC_Final(self.0.as_ptr(), code.as_mut_ptr(), &raw mut written) };
        succeeded(ok, "HMAC_Final")?;
        // SAFETY: the context has its key since `new`; no key and no digest start anew under the same key.
        let ok = unsafe {
            aws_lc_sys::HMAC_Init_ex(self.0.as_ptr(), ptr::null(), 0, ptr::null(), ptr::null_mut())
        };
        succeeded(ok, "HMAC_Init_ex")?;
        Ok(code)
    }
}
