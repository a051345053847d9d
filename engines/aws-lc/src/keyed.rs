//! One `EVP_CIPHER_CTX` under one key and in one direction: the key schedule is made once, the IV set for each unit.

use std::fmt::Display;
use std::ptr::{self, NonNull};

use aws_lc_sys::{EVP_CIPHER, EVP_CIPHER_CTX};
use sealab_engine::{EngineError, InOutBuf};

use crate::error::{failed, succeeded};

/// The AES-256 ciphers that this crate keys.
#[derive(Clone, Copy)]
pub(crate) enum Cipher {
    Ctr,
    Ecb,
    Xts,
}

#[derive(Clone, Copy)]
pub(crate) enum Direction {
    Decrypt = 0,
    Encrypt = 1,
}

/// A keyed context. AWS-LC overwrites the key schedule when it frees the context.
pub(crate) struct Keyed {
    context: NonNull<EVP_CIPHER_CTX>,
    cipher: Cipher,
}

// SAFETY: an EVP_CIPHER_CTX is tied to no thread; `&mut self` keeps it to one at a time.
unsafe impl Send for Keyed {}

impl Cipher {
    fn as_ptr(self) -> *const EVP_CIPHER {
        // SAFETY: each returns a static that is set up on first use, under a lock of the library.
        unsafe {
            match self {
                Self::Ctr => aws_lc_sys::EVP_aes_256_ctr(),
                Self::Ecb => aws_lc_sys::EVP_aes_256_ecb(),
                Self::Xts => aws_lc_sys::EVP_aes_256_xts(),
            }
        }
    }

    fn key_bytes(self) -> usize {
        match self {
            Self::Ctr | Self::Ecb => 32,
            Self::Xts => 64,
        }
    }

    /// What a call's length must be a multiple of.
    fn block_bytes(self) -> usize {
        match self {
            Self::Ctr | Self::Xts => 1,
            Self::Ecb => 16,
        }
    }
}

impl Keyed {
    pub(crate) fn new(cipher: Cipher, direction: Direction, key: &[u8]) -> Result<Self, EngineError> {
        if key.len() != cipher.key_bytes() {
            return Err(wrong_length("the key", key.len(), cipher.key_bytes()));
        }
        // SAFETY: takes nothing; returns a context of ours, or null.
        let context = unsafe { aws_lc_sys::EVP_CIPHER_CTX_new() };
        let context = NonNull::new(context).ok_or_else(|| failed("EVP_CIPHER_CTX_new"))?;
        let keyed = Self { context, cipher };
        // SAFETY: the context is new, and `key` has the cipher's length; the IV comes with each unit.
        let ok = unsafe {
            aws_lc_sys::EVP_CipherInit_ex(
                keyed.context.as_ptr(),
                cipher.as_ptr(),
                ptr::null_mut(),
                key.as_ptr(),
                ptr::null(),
                direction as i32,
            )
        };
        succeeded(ok, "EVP_CipherInit_ex")?;
        Ok(keyed)
    }

    /// Starts a new unit.
    pub(crate) fn start(&mut self, iv: &[u8; 16]) -> Result<(), EngineError> {
        // SAFETY: the context has its cipher and key since `new`; null leaves both and -1 the direction as they are.
        // The ciphers read an IV of 16 bytes or none.
        let ok = unsafe {
            aws_lc_sys::EVP_CipherInit_ex(
                self.context.as_ptr(),
                ptr::null(),
                ptr::null_mut(),
                ptr::null(),
                iv.as_ptr(),
                -1,
            )
        };
        succeeded(ok, "EVP_CipherInit_ex")
    }

    /// Encrypts or decrypts the next bytes; for XTS, one whole unit.
    pub(crate) fn update(&mut self, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        let length = data.len();
        if !length.is_multiple_of(self.cipher.block_bytes()) {
            return Err(wrong_length(
                "the data of a block cipher",
                length,
                format_args!("a multiple of {}", self.cipher.block_bytes()),
            ));
        }
        if length == 0 {
            return Ok(());
        }
        let (input, output) = data.into_raw();
        // SAFETY: `data` holds `length` bytes to read and as many to write, equal or apart as EVP allows; EVP_Cipher
        // neither pads nor holds bytes back, so it writes as much as it reads.
        let ok = unsafe { aws_lc_sys::EVP_Cipher(self.context.as_ptr(), output, input, length) };
        succeeded(ok, "EVP_Cipher")
    }
}

impl Drop for Keyed {
    fn drop(&mut self) {
        // SAFETY: the context is live and owned by `self`.
        unsafe { aws_lc_sys::EVP_CIPHER_CTX_free(self.context.as_ptr()) };
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
