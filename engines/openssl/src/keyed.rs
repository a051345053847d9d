//! One `EVP_CIPHER_CTX` under one key and in one direction: the key schedule is made once, the IV set for each unit.
//!
//! A short unit takes tens of nanoseconds, so what is done for each counts: lengths are known to the compiler, and
//! errors are made out of line.

use std::ffi::c_int;
use std::fmt::Display;
use std::ptr;

use foreign_types::ForeignTypeRef;
use openssl::cipher::CipherRef;
use openssl::cipher_ctx::CipherCtx;
use sealab_engine::{EngineError, InOutBuf, TAG_BYTES, Tag};

use crate::{failed, succeeded};

/// The most bytes that one update takes: a multiple of every block length that an `int` can hold.
const MAX_UPDATE: usize = 1 << 30;

#[derive(Clone, Copy)]
pub(crate) enum Direction {
    Decrypt,
    Encrypt,
}

/// A keyed context of a cipher with IVs of `IV` bytes, fed in multiples of `BLOCK` bytes (1 for streams and XTS).
/// OpenSSL overwrites the key schedule when the context is dropped.
pub(crate) struct Keyed<const IV: usize, const BLOCK: usize = 1>(CipherCtx);

impl<const IV: usize, const BLOCK: usize> Keyed<IV, BLOCK> {
    pub(crate) fn new(cipher: &CipherRef, direction: Direction, key: &[u8]) -> Result<Self, EngineError> {
        for (what, found, expected) in [
            ("the key", key.len(), cipher.key_length()),
            ("the IV", IV, cipher.iv_length()),
            ("a block", BLOCK, cipher.block_size()),
        ] {
            if found != expected {
                return Err(wrong_length(what, found, expected));
            }
        }
        let mut context = CipherCtx::new().map_err(failed("EVP_CIPHER_CTX_new"))?;
        match direction {
            Direction::Decrypt => context.decrypt_init(Some(cipher), Some(key), None),
            Direction::Encrypt => context.encrypt_init(Some(cipher), Some(key), None),
        }
        .map_err(failed("EVP_CipherInit_ex"))?;
        if BLOCK > 1 {
            // Not for the others, which do not pad: OpenSSL would set it again with every IV.
            context.set_padding(false);
        }
        Ok(Self(context))
    }

    /// Starts a new unit or message.
    #[inline]
    pub(crate) fn start(&mut self, iv: &[u8; IV]) -> Result<(), EngineError> {
        // SAFETY: the context has its cipher and key since `new`; null leaves both, the engine none and -1 the
        // direction as they are. The cipher reads `IV` bytes, as `new` has seen.
        let ok = unsafe {
            openssl_sys::EVP_CipherInit_ex(
                self.0.as_ptr(),
                ptr::null(),
                ptr::null_mut(),
                ptr::null(),
                iv.as_ptr(),
                -1,
            )
        };
        succeeded(ok, "EVP_CipherInit_ex")
    }

    /// Adds associated data to the message that was started.
    pub(crate) fn associated_data(&mut self, mut data: &[u8]) -> Result<(), EngineError> {
        while !data.is_empty() {
            let (part, rest) = data.split_at(data.len().min(MAX_UPDATE));
            self.0
                .cipher_update(part, None)
                .map_err(failed("EVP_CipherUpdate"))?;
            data = rest;
        }
        Ok(())
    }

    /// Encrypts or decrypts the next bytes, a multiple of `BLOCK`; for XTS, one whole unit.
    #[inline]
    pub(crate) fn update(&mut self, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        if !data.len().is_multiple_of(BLOCK) {
            return Err(wrong_length(
                "the data of a block cipher",
                data.len(),
                format_args!("a multiple of {BLOCK}"),
            ));
        }
        if data.len() <= MAX_UPDATE {
            self.update_once(data)
        } else {
            self.update_in_parts(data)
        }
    }

    #[cold]
    fn update_in_parts(&mut self, mut data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        while !data.is_empty() {
            let length = data.len().min(MAX_UPDATE);
            let (part, rest) = data.split_at(length);
            self.update_once(part)?;
            data = rest;
        }
        Ok(())
    }

    /// `data` is whole blocks, and `MAX_UPDATE` bytes at most.
    #[inline]
    fn update_once(&mut self, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        let length = data.len();
        if length == 0 {
            return Ok(());
        }
        let (input, output) = data.into_raw();
        let mut written: c_int = 0;
        // SAFETY: `data` holds `length` bytes to read and as many to write, equal or apart as EVP allows. The cipher
        // writes no more than it reads: padding is off and each update is whole blocks, so none are held back.
        // `length` fits an int, being at most `MAX_UPDATE`.
        let ok = unsafe {
            openssl_sys::EVP_CipherUpdate(self.0.as_ptr(), output, &raw mut written, input, length as c_int)
        };
        debug_assert!(ok != 1 || written as usize == length);
        succeeded(ok, "EVP_CipherUpdate")
    }

    /// Ends the message. When decrypting with an expected tag, an error means that the tag does not match.
    pub(crate) fn finish(&mut self) -> Result<(), EngineError> {
        let mut rest = [0; TAG_BYTES];
        let mut written: c_int = 0;
        // SAFETY: `rest` has room for a block, the most that a cipher writes at its end.
        let ok =
            unsafe { openssl_sys::EVP_CipherFinal(self.0.as_ptr(), rest.as_mut_ptr(), &raw mut written) };
        succeeded(ok, "EVP_CipherFinal")
    }

    /// Writes the tag of the message that was encrypted and ended.
    pub(crate) fn tag(&self, tag: &mut Tag) -> Result<(), EngineError> {
        self.0.tag(&mut tag.0).map_err(failed("EVP_CTRL_AEAD_GET_TAG"))
    }

    /// Sets the tag that the message being decrypted must have.
    pub(crate) fn expect_tag(&mut self, tag: &Tag) -> Result<(), EngineError> {
        self.0.set_tag(&tag.0).map_err(failed("EVP_CTRL_AEAD_SET_TAG"))
    }
}

#[cold]
fn wrong_length(what: &'static str, found: usize, expected: impl Display) -> EngineError {
    EngineError::Length {
        what,
        found,
        expected: expected.to_string(),
    }
}
