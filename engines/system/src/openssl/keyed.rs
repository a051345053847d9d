//! A cipher context: keyed once, given a new IV for each unit, message or stream.

use std::ffi::{CStr, c_int, c_void};
use std::ptr;

use sealab_engine::{EngineError, InOutBuf, TAG_BYTES, Tag};

use super::api::{Api, CipherCtx};

/// `EVP_CTRL_AEAD_GET_TAG`.
const GET_TAG: c_int = 0x10;
/// `EVP_CTRL_AEAD_SET_TAG`.
const SET_TAG: c_int = 0x11;
/// The most bytes of one update, whose length is a C int; a multiple of the block.
const UPDATE_BYTES: usize = 1 << 30;
const TAG_LENGTH: c_int = TAG_BYTES as c_int;

#[derive(Clone, Copy)]
pub(crate) enum Direction {
    Decrypt = 0,
    Encrypt = 1,
}

pub(crate) struct Keyed {
    api: &'static Api,
    ctx: ptr::NonNull<CipherCtx>,
}

// SAFETY: a context has no ties to the thread that made it, and `&mut self` keeps its use to one thread at a time.
unsafe impl Send for Keyed {}

impl Drop for Keyed {
    fn drop(&mut self) {
        // SAFETY: the context is ours and is not used after this. Freeing it cleanses the key schedule.
        unsafe { (self.api.EVP_CIPHER_CTX_free)(self.ctx.as_ptr()) }
    }
}

impl Keyed {
    /// A context of the algorithm `name` under `key`, whose length is the algorithm's.
    pub(crate) fn new(
        api: &'static Api,
        name: &CStr,
        direction: Direction,
        key: &[u8],
    ) -> Result<Self, EngineError> {
        // SAFETY: takes nothing.
        let ctx = unsafe { (api.EVP_CIPHER_CTX_new)() };
        let keyed = Self {
            api,
            ctx: api.non_null("EVP_CIPHER_CTX_new", ctx)?,
        };
        // SAFETY: the name is a C string; the default library context and properties are asked for.
        let cipher = unsafe { (api.EVP_CIPHER_fetch)(ptr::null_mut(), name.as_ptr(), ptr::null()) };
        let cipher = api.non_null("EVP_CIPHER_fetch", cipher)?;
        // SAFETY: all pointers are live; the key has the cipher's length, which the key's type warrants. The context
        // takes its own reference to the cipher, so ours is given back.
        let result = unsafe {
            let result = (api.EVP_CipherInit_ex2)(
                keyed.ctx.as_ptr(),
                cipher.as_ptr(),
                key.as_ptr(),
                ptr::null(),
                direction as c_int,
                ptr::null(),
            );
            (api.EVP_CIPHER_free)(cipher.as_ptr());
            result
        };
        api.check("EVP_CipherInit_ex2", result)?;
        Ok(keyed)
    }

    /// Turns padding off, for the block cipher alone.
    pub(crate) fn without_padding(self) -> Result<Self, EngineError> {
        // SAFETY: the context is live.
        let result = unsafe { (self.api.EVP_CIPHER_CTX_set_padding)(self.ctx.as_ptr(), 0) };
        self.api.check("EVP_CIPHER_CTX_set_padding", result)?;
        Ok(self)
    }

    /// Begins a unit, message or stream. `iv` has the length of the algorithm's IV: 16 bytes, or 12 for an AEAD.
    pub(crate) fn start(&mut self, iv: &[u8]) -> Result<(), EngineError> {
        // SAFETY: the context is live and keyed; it reads as many bytes of the IV as the algorithm has by default,
        // which the callers' types warrant.
        let result = unsafe {
            (self.api.EVP_CipherInit_ex2)(
                self.ctx.as_ptr(),
                ptr::null(),
                ptr::null(),
                iv.as_ptr(),
                -1,
                ptr::null(),
            )
        };
        self.api.check("EVP_CipherInit_ex2", result)
    }

    /// Takes in associated data.
    pub(crate) fn associate(&mut self, data: &[u8]) -> Result<(), EngineError> {
        for part in data.chunks(UPDATE_BYTES) {
            let mut taken = 0;
            // SAFETY: reads `part`; without an output pointer nothing is written but the count.
            let result = unsafe {
                (self.api.EVP_CipherUpdate)(
                    self.ctx.as_ptr(),
                    ptr::null_mut(),
                    &mut taken,
                    part.as_ptr(),
                    part.len() as c_int,
                )
            };
            self.api.check("EVP_CipherUpdate", result)?;
        }
        Ok(())
    }

    /// Encrypts or decrypts `data`, which continues what was given since [`Keyed::start`]. For XTS `data` is the whole
    /// data unit (at most 16 MiB, so one update).
    pub(crate) fn update(&mut self, mut data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        while !data.is_empty() {
            let length = data.len().min(UPDATE_BYTES);
            let (part, rest) = data.split_at(length);
            let (input, output) = part.into_raw();
            let mut written = 0;
            // SAFETY: both pointers are good for `length` bytes and either equal or apart, as InOutBuf warrants. None
            // of the algorithms here holds output back or writes more than it is given.
            let result = unsafe {
                (self.api.EVP_CipherUpdate)(self.ctx.as_ptr(), output, &mut written, input, length as c_int)
            };
            self.api.check("EVP_CipherUpdate", result)?;
            if usize::try_from(written) != Ok(length) {
                return Err(EngineError::Library {
                    call: "EVP_CipherUpdate",
                    detail: format!("{written} bytes were written, not {length}"),
                });
            }
            data = rest;
        }
        Ok(())
    }

    /// Ends a message that was sealed and gives its tag.
    pub(crate) fn tag(&mut self) -> Result<Tag, EngineError> {
        let result = self.finish();
        self.api.check("EVP_CipherFinal_ex", result)?;
        let mut tag = Tag([0; TAG_BYTES]);
        // SAFETY: the tag's bytes are written into a buffer of that length.
        let result = unsafe {
            (self.api.EVP_CIPHER_CTX_ctrl)(
                self.ctx.as_ptr(),
                GET_TAG,
                TAG_LENGTH,
                tag.0.as_mut_ptr().cast::<c_void>(),
            )
        };
        self.api.check("EVP_CIPHER_CTX_ctrl", result)?;
        Ok(tag)
    }

    /// Ends a message that was opened and says whether `tag` is its tag.
    pub(crate) fn verify(&mut self, tag: &Tag) -> Result<bool, EngineError> {
        let mut tag = *tag;
        // SAFETY: the tag's bytes are read; the pointer is to mutable data because one function does many things.
        let result = unsafe {
            (self.api.EVP_CIPHER_CTX_ctrl)(
                self.ctx.as_ptr(),
                SET_TAG,
                TAG_LENGTH,
                tag.0.as_mut_ptr().cast::<c_void>(),
            )
        };
        self.api.check("EVP_CIPHER_CTX_ctrl", result)?;
        let authentic = self.finish() == 1;
        if !authentic {
            // A wrong tag may leave an entry in the queue, which must not be taken for a later call's.
            // SAFETY: empties this thread's queue.
            unsafe { (self.api.ERR_clear_error)() }
        }
        Ok(authentic)
    }

    fn finish(&mut self) -> c_int {
        let mut spare = [0_u8; 16];
        let mut written = 0;
        // SAFETY: an AEAD writes nothing here, and any other cipher at most a block, for which there is room.
        unsafe { (self.api.EVP_CipherFinal_ex)(self.ctx.as_ptr(), spare.as_mut_ptr(), &mut written) }
    }
}
