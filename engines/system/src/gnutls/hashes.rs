//! HMAC-SHA-256 and SHA-256.

use std::ptr;

use sealab_engine::{EngineError, HmacSha256, MacKey, Sha256};

use super::api::{Api, Hash, Hmac, SHA256};

pub(crate) struct Mac {
    api: &'static Api,
    hmac: *mut Hmac,
}

// SAFETY: a handle has no ties to the thread that made it, and `&mut self` keeps its use to one thread at a time.
unsafe impl Send for Mac {}

impl Drop for Mac {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and is not used after this; no output is asked for. Freeing it zeroizes the key.
        unsafe { (self.api.gnutls_hmac_deinit)(self.hmac, ptr::null_mut()) }
    }
}

impl Mac {
    pub(crate) fn new(api: &'static Api, key: &MacKey) -> Result<Self, EngineError> {
        let key = key.expose();
        let mut hmac = ptr::null_mut();
        // SAFETY: reads the key; the handle is set on success.
        let result = unsafe { (api.gnutls_hmac_init)(&mut hmac, SHA256, key.as_ptr().cast(), key.len()) };
        api.check("gnutls_hmac_init", result)?;
        Ok(Self { api, hmac })
    }
}

impl HmacSha256 for Mac {
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        // SAFETY: reads `bytes`.
        let result = unsafe { (self.api.gnutls_hmac)(self.hmac, bytes.as_ptr().cast(), bytes.len()) };
        self.api.check("gnutls_hmac", result)
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        let mut code = [0; 32];
        // SAFETY: writes the 32 bytes of a SHA-256; the handle starts over.
        unsafe { (self.api.gnutls_hmac_output)(self.hmac, code.as_mut_ptr().cast()) }
        Ok(code)
    }
}

pub(crate) struct Digest {
    api: &'static Api,
    hash: *mut Hash,
}

// SAFETY: as for `Mac`.
unsafe impl Send for Digest {}

impl Drop for Digest {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and is not used after this; no output is asked for.
        unsafe { (self.api.gnutls_hash_deinit)(self.hash, ptr::null_mut()) }
    }
}

impl Digest {
    pub(crate) fn new(api: &'static Api) -> Result<Self, EngineError> {
        let mut hash = ptr::null_mut();
        // SAFETY: the handle is set on success.
        let result = unsafe { (api.gnutls_hash_init)(&mut hash, SHA256) };
        api.check("gnutls_hash_init", result)?;
        Ok(Self { api, hash })
    }
}

impl Sha256 for Digest {
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        // SAFETY: reads `bytes`.
        let result = unsafe { (self.api.gnutls_hash)(self.hash, bytes.as_ptr().cast(), bytes.len()) };
        self.api.check("gnutls_hash", result)
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        let mut digest = [0; 32];
        // SAFETY: writes the 32 bytes of a SHA-256; the handle starts over.
        unsafe { (self.api.gnutls_hash_output)(self.hash, digest.as_mut_ptr().cast()) }
        Ok(digest)
    }
}
