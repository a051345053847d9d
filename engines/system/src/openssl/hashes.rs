//! HMAC-SHA-256 and SHA-256.

use std::ffi::c_uint;
use std::ptr;

use sealab_engine::{EngineError, HmacSha256, MacKey, Sha256};

use super::api::{Api, MacCtx, Md, MdCtx, Param};

/// `OSSL_PARAM_UTF8_STRING`.
const UTF8_STRING: c_uint = 4;

pub(crate) struct Hmac {
    api: &'static Api,
    ctx: ptr::NonNull<MacCtx>,
}

// SAFETY: a context has no ties to the thread that made it, and `&mut self` keeps its use to one thread at a time.
unsafe impl Send for Hmac {}

impl Drop for Hmac {
    fn drop(&mut self) {
        // SAFETY: the context is ours and is not used after this. Freeing it cleanses the key.
        unsafe { (self.api.EVP_MAC_CTX_free)(self.ctx.as_ptr()) }
    }
}

impl Hmac {
    pub(crate) fn new(api: &'static Api, key: &MacKey) -> Result<Self, EngineError> {
        // SAFETY: the name is a C string; the default library context and properties are asked for.
        let mac = unsafe { (api.EVP_MAC_fetch)(ptr::null_mut(), c"HMAC".as_ptr(), ptr::null()) };
        let mac = api.non_null("EVP_MAC_fetch", mac)?;
        // SAFETY: the context takes its own reference to the algorithm, so ours is given back.
        let ctx = unsafe {
            let ctx = (api.EVP_MAC_CTX_new)(mac.as_ptr());
            (api.EVP_MAC_free)(mac.as_ptr());
            ctx
        };
        let hmac = Self {
            api,
            ctx: api.non_null("EVP_MAC_CTX_new", ctx)?,
        };
        let mut digest = *b"SHA256\0";
        let parameters = [
            Param {
                key: c"digest".as_ptr(),
                data_type: UTF8_STRING,
                data: digest.as_mut_ptr().cast(),
                data_size: digest.len() - 1,
                // `OSSL_PARAM_UNMODIFIED`.
                return_size: usize::MAX,
            },
            Param::END,
        ];
        let key = key.expose();
        // SAFETY: the parameters end with their mark and outlive the call, which copies what it keeps.
        let result =
            unsafe { (api.EVP_MAC_init)(hmac.ctx.as_ptr(), key.as_ptr(), key.len(), parameters.as_ptr()) };
        api.check("EVP_MAC_init", result)?;
        Ok(hmac)
    }
}

impl HmacSha256 for Hmac {
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        // SAFETY: reads `bytes`.
        let result = unsafe { (self.api.EVP_MAC_update)(self.ctx.as_ptr(), bytes.as_ptr(), bytes.len()) };
        self.api.check("EVP_MAC_update", result)
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        let mut code = [0; 32];
        let mut written = 0;
        // SAFETY: writes at most the length that it is told.
        let result = unsafe {
            (self.api.EVP_MAC_final)(self.ctx.as_ptr(), code.as_mut_ptr(), &mut written, code.len())
        };
        self.api.check("EVP_MAC_final", result)?;
        // SAFETY: without a key the context starts over under the key that it has.
        let result = unsafe { (self.api.EVP_MAC_init)(self.ctx.as_ptr(), ptr::null(), 0, ptr::null()) };
        self.api.check("EVP_MAC_init", result)?;
        Ok(code)
    }
}

pub(crate) struct Digest {
    api: &'static Api,
    ctx: ptr::NonNull<MdCtx>,
    md: ptr::NonNull<Md>,
}

// SAFETY: as for `Hmac`; the algorithm is immutable and counted.
unsafe impl Send for Digest {}

impl Drop for Digest {
    fn drop(&mut self) {
        // SAFETY: both are ours and are not used after this.
        unsafe {
            (self.api.EVP_MD_CTX_free)(self.ctx.as_ptr());
            (self.api.EVP_MD_free)(self.md.as_ptr());
        }
    }
}

impl Digest {
    pub(crate) fn new(api: &'static Api) -> Result<Self, EngineError> {
        // SAFETY: takes nothing.
        let ctx = unsafe { (api.EVP_MD_CTX_new)() };
        let ctx = api.non_null("EVP_MD_CTX_new", ctx)?;
        // SAFETY: the name is a C string; the default library context and properties are asked for.
        let md = unsafe { (api.EVP_MD_fetch)(ptr::null_mut(), c"SHA256".as_ptr(), ptr::null()) };
        match api.non_null("EVP_MD_fetch", md) {
            Ok(md) => {
                let mut digest = Self { api, ctx, md };
                digest.begin()?;
                Ok(digest)
            }
            Err(error) => {
                // SAFETY: the context is ours and is not used after this.
                unsafe { (api.EVP_MD_CTX_free)(ctx.as_ptr()) }
                Err(error)
            }
        }
    }

    /// Begins a message.
    fn begin(&mut self) -> Result<(), EngineError> {
        // SAFETY: context and algorithm are live.
        let result =
            unsafe { (self.api.EVP_DigestInit_ex2)(self.ctx.as_ptr(), self.md.as_ptr(), ptr::null()) };
        self.api.check("EVP_DigestInit_ex2", result)
    }
}

impl Sha256 for Digest {
    fn update(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        let ctx = self.ctx.as_ptr();
        // SAFETY: reads `bytes`.
        let result = unsafe { (self.api.EVP_DigestUpdate)(ctx, bytes.as_ptr().cast(), bytes.len()) };
        self.api.check("EVP_DigestUpdate", result)
    }

    fn finish(&mut self) -> Result<[u8; 32], EngineError> {
        let (api, ctx) = (self.api, self.ctx.as_ptr());
        let mut digest = [0; 32];
        // SAFETY: SHA-256 writes 32 bytes; the count may be left out.
        let result = unsafe { (api.EVP_DigestFinal_ex)(ctx, digest.as_mut_ptr(), ptr::null_mut()) };
        api.check("EVP_DigestFinal_ex", result)?;
        self.begin()?;
        Ok(digest)
    }
}
