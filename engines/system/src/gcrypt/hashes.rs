//! HMAC-SHA-256 and SHA-256.

use std::ptr;

use sealab_engine::{EngineError, HmacSha256, MacKey, Sha256};

use super::api::{Api, MD_FLAG_HMAC, MD_SHA256, Md};

/// A digest, or an HMAC under one key.
pub(crate) struct Digest {
    api: &'static Api,
    md: *mut Md,
}

// SAFETY: a handle has no ties to the thread that made it, and `&mut self` keeps its use to one thread at a time.
unsafe impl Send for Digest {}

impl Drop for Digest {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and is not used after this. Closing it wipes the key.
        unsafe { (self.api.gcry_md_close)(self.md) }
    }
}

impl Digest {
    pub(crate) fn sha256(api: &'static Api) -> Result<Self, EngineError> {
        Self::new(api, 0)
    }

    pub(crate) fn hmac(api: &'static Api, key: &MacKey) -> Result<Self, EngineError> {
        let digest = Self::new(api, MD_FLAG_HMAC)?;
        let key = key.expose();
        // SAFETY: reads the key.
        let error = unsafe { (api.gcry_md_setkey)(digest.md, key.as_ptr().cast(), key.len()) };
        api.check("gcry_md_setkey", error)?;
        Ok(digest)
    }

    fn new(api: &'static Api, flags: u32) -> Result<Self, EngineError> {
        let mut md = ptr::null_mut();
        // SAFETY: the handle is set on success.
        let error = unsafe { (api.gcry_md_open)(&mut md, MD_SHA256, flags) };
        api.check("gcry_md_open", error)?;
        Ok(Self { api, md })
    }

    fn write(&mut self, bytes: &[u8]) {
        // SAFETY: reads `bytes`.
        unsafe { (self.api.gcry_md_write)(self.md, bytes.as_ptr().cast(), bytes.len()) }
    }

    fn read(&mut self) -> Result<[u8; 32], EngineError> {
        // SAFETY: ends the digest; the result is null or points at its 32 bytes inside the handle, read at once.
        let digest = unsafe {
            let digest = (self.api.gcry_md_read)(self.md, MD_SHA256).cast::<[u8; 32]>();
            digest.as_ref().copied()
        };
        // SAFETY: starts over; an HMAC keeps its key.
        unsafe { (self.api.gcry_md_reset)(self.md) }
        digest.ok_or_else(|| EngineError::Library {
            call: "gcry_md_read",
            detail: "no digest".to_owned(),
        })
    }
}

impl HmacSha256 for Digest {
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        self.write(bytes);
        Ok(())
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        self.read()
    }
}

impl Sha256 for Digest {
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        self.write(bytes);
        Ok(())
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        self.read()
    }
}
