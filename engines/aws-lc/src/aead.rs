//! AES-GCM and ChaCha20-Poly1305 with detached tags, through `EVP_AEAD`.

use std::ptr::{self, NonNull};

use aws_lc_sys::EVP_AEAD_CTX;
use sealab_engine::{AeadKey, EngineError, InOutBuf, Messages, NONCE_BYTES, Nonce, TAG_BYTES, Tag};

use crate::error::{failed, not_opened, succeeded};

/// A keyed context, which AWS-LC overwrites when it frees it.
pub(crate) struct Aead(NonNull<EVP_AEAD_CTX>);

// SAFETY: an EVP_AEAD_CTX is tied to no thread, and sealing and opening leave it unchanged.
unsafe impl Send for Aead {}

impl Aead {
    pub(crate) fn new(key: &AeadKey) -> Result<Self, EngineError> {
        // SAFETY: each returns a static that is set up on first use, under a lock of the library.
        let algorithm = unsafe {
            match key {
                AeadKey::Aes128Gcm(_) => aws_lc_sys::EVP_aead_aes_128_gcm(),
                AeadKey::Aes256Gcm(_) => aws_lc_sys::EVP_aead_aes_256_gcm(),
                AeadKey::ChaCha20Poly1305(_) => aws_lc_sys::EVP_aead_chacha20_poly1305(),
            }
        };
        let key = key.expose();
        // SAFETY: `key` is readable at its length, which AWS-LC checks against the algorithm.
        let context = unsafe { aws_lc_sys::EVP_AEAD_CTX_new(algorithm, key.as_ptr(), key.len(), TAG_BYTES) };
        NonNull::new(context)
            .map(Self)
            .ok_or_else(|| failed("EVP_AEAD_CTX_new"))
    }

    #[inline]
    fn seal_one(
        &mut self,
        nonce: &Nonce,
        associated_data: &[u8],
        message: InOutBuf<'_, '_, u8>,
        tag: &mut Tag,
    ) -> Result<(), EngineError> {
        let length = message.len();
        let (input, output) = message.into_raw();
        let mut tag_length = 0;
        // SAFETY: `message` holds `length` bytes to read and as many to write, equal or apart as EVP_AEAD allows;
        // every other pointer goes with the length of what it points to, and there is no extra input.
        let ok = unsafe {
            aws_lc_sys::EVP_AEAD_CTX_seal_scatter(
                self.0.as_ptr(),
                output,
                tag.0.as_mut_ptr(),
                &raw mut tag_length,
                TAG_BYTES,
                nonce.0.as_ptr(),
                NONCE_BYTES,
                input,
                length,
                ptr::null(),
                0,
                associated_data.as_ptr(),
                associated_data.len(),
            )
        };
        debug_assert_eq!(tag_length, if ok == 1 { TAG_BYTES } else { 0 });
        succeeded(ok, "EVP_AEAD_CTX_seal_scatter")
    }

    /// Whether the message was authentic and is now in the output; else AWS-LC's error queue says why not.
    #[inline]
    fn open_one(
        &mut self,
        nonce: &Nonce,
        associated_data: &[u8],
        message: InOutBuf<'_, '_, u8>,
        tag: &Tag,
    ) -> bool {
        let length = message.len();
        let (input, output) = message.into_raw();
        // SAFETY: as in `seal_one`.
        let ok = unsafe {
            aws_lc_sys::EVP_AEAD_CTX_open_gather(
                self.0.as_ptr(),
                output,
                nonce.0.as_ptr(),
                NONCE_BYTES,
                input,
                length,
                tag.0.as_ptr(),
                TAG_BYTES,
                associated_data.as_ptr(),
                associated_data.len(),
            )
        };
        ok == 1
    }

    fn open_each(
        &mut self,
        messages: Messages<'_>,
        mut data: InOutBuf<'_, '_, u8>,
        tags: &[Tag],
    ) -> Result<(), EngineError> {
        for (index, ((range, nonce, associated_data), tag)) in messages.iter().zip(tags).enumerate() {
            let (message, rest) = data.split_at(range.len());
            if !self.open_one(nonce, associated_data, message, tag) {
                return Err(not_opened(index));
            }
            data = rest;
        }
        Ok(())
    }
}

impl Drop for Aead {
    fn drop(&mut self) {
        // SAFETY: the context is live and owned by `self`.
        unsafe { aws_lc_sys::EVP_AEAD_CTX_free(self.0.as_ptr()) };
    }
}

impl sealab_engine::Aead for Aead {
    fn seal(
        &mut self,
        messages: Messages<'_>,
        mut data: InOutBuf<'_, '_, u8>,
        tags: &mut [Tag],
    ) -> Result<(), EngineError> {
        messages.check(&data, tags)?;
        for ((range, nonce, associated_data), tag) in messages.iter().zip(tags) {
            let (message, rest) = data.split_at(range.len());
            self.seal_one(nonce, associated_data, message, tag)?;
            data = rest;
        }
        Ok(())
    }

    fn open(
        &mut self,
        messages: Messages<'_>,
        mut data: InOutBuf<'_, '_, u8>,
        tags: &[Tag],
    ) -> Result<(), EngineError> {
        messages.check(&data, tags)?;
        let opened = self.open_each(messages, data.reborrow(), tags);
        if opened.is_err() {
            // AWS-LC clears the message that failed; those before it are ours to clear.
            data.get_out().fill(0);
        }
        opened
    }
}
