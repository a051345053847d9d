//! HMAC-SHA-256 through `EVP_MAC`, which the openssl crate does not wrap.

use std::ffi::{CStr, c_uint};
use std::ptr::{self, NonNull};

use openssl::error::ErrorStack;
use openssl_sys::{EVP_MAC, EVP_MAC_CTX, OSSL_PARAM};
use sealab_engine::{EngineError, MacKey};

use crate::{failed, succeeded};

/// The digest under the HMAC.
const DIGEST: &CStr = c"SHA256";
/// `OSSL_PARAM_UTF8_STRING` of `openssl/core.h`.
const UTF8_STRING: c_uint = 4;

/// A keyed context, which OpenSSL overwrites when it is dropped.
pub(crate) struct HmacSha256(NonNull<EVP_MAC_CTX>);

// SAFETY: an EVP_MAC_CTX is tied to no thread; `&mut self` keeps it to one at a time.
unsafe impl Send for HmacSha256 {}

impl HmacSha256 {
    pub(crate) fn new(key: &MacKey) -> Result<Self, EngineError> {
        openssl_sys::init();
        // SAFETY: a null library context is the default one, null properties are none; the name is a C string.
        let mac = unsafe { openssl_sys::EVP_MAC_fetch(ptr::null_mut(), c"HMAC".as_ptr(), ptr::null()) };
        let mac = NonNull::new(mac).ok_or_else(|| failed("EVP_MAC_fetch")(ErrorStack::get()))?;
        let context = Self::with(mac);
        // SAFETY: `mac` was fetched above and is used no more; a context holds a reference of its own.
        unsafe { openssl_sys::EVP_MAC_free(mac.as_ptr()) };
        let mut context = context?;
        context.key(key)?;
        Ok(context)
    }

    fn with(mac: NonNull<EVP_MAC>) -> Result<Self, EngineError> {
        // SAFETY: `mac` is a fetched MAC.
        let context = unsafe { openssl_sys::EVP_MAC_CTX_new(mac.as_ptr()) };
        let context = NonNull::new(context);
        Ok(Self(
            context.ok_or_else(|| failed("EVP_MAC_CTX_new")(ErrorStack::get()))?,
        ))
    }

    fn key(&mut self, key: &MacKey) -> Result<(), EngineError> {
        let key = key.expose();
        let parameters = [
            OSSL_PARAM {
                key: c"digest".as_ptr(),
                data_type: UTF8_STRING,
                data: DIGEST.as_ptr().cast_mut().cast(),
                data_size: DIGEST.count_bytes(),
                return_size: 0,
            },
            // SAFETY: takes nothing and returns the end mark of a parameter list.
            unsafe { openssl_sys::OSSL_PARAM_construct_end() },
        ];
        // SAFETY: the context is live, `key` is readable at its length, and `parameters` has its end mark. OpenSSL
        // copies the key and only reads the parameters.
        let ok = unsafe {
            openssl_sys::EVP_MAC_init(self.0.as_ptr(), key.as_ptr(), key.len(), parameters.as_ptr())
        };
        succeeded(ok, "EVP_MAC_init")
    }
}

impl Drop for HmacSha256 {
    fn drop(&mut self) {
        // SAFETY: the context is live and owned by `self`.
        unsafe { openssl_sys::EVP_MAC_CTX_free(self.0.as_ptr()) };
    }
}

impl sealab_engine::HmacSha256 for HmacSha256 {
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        // SAFETY: the context is initialised, and `bytes` readable at its length.
        let ok = unsafe { openssl_sys::EVP_MAC_update(self.0.as_ptr(), bytes.as_ptr(), bytes.len()) };
        succeeded(ok, "EVP_MAC_update")
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        let mut code = [0; 32];
        let mut written = 0;
        // SAFETY: `code` is writable at the length that is given with it.
        let ok = unsafe {
            openssl_sys::EVP_MAC_final(self.0.as_ptr(), code.as_mut_ptr(), &raw mut written, code.len())
        };
        succeeded(ok, "EVP_MAC_final")?;
        // SAFETY: the context has its key since `new`; a null key and no parameters start anew under the same key.
        let ok = unsafe { openssl_sys::EVP_MAC_init(self.0.as_ptr(), ptr::null(), 0, ptr::null()) };
        succeeded(ok, "EVP_MAC_init")?;
        Ok(code)
    }
}
