//! XTS and the AEADs.

use std::ffi::{c_int, c_uint, c_void};
use std::ptr;

use sealab_engine::{
    Aead, AeadKey, DataUnits, EngineError, InOutBuf, Messages, Nonce, TAG_BYTES, TWEAK_BYTES, Tag, Tweak,
    Xts, XtsKey,
};

use super::api::{
    AES_128_GCM, AES_128_XTS, AES_256_GCM, AES_256_XTS, AeadCipher, Api, CHACHA20_POLY1305, Cipher, Datum,
    E_DECRYPTION_FAILED, IoVec,
};
use crate::batches::{each_unit, open_each, seal_each};

fn datum(bytes: &[u8]) -> Datum {
    Datum {
        data: bytes.as_ptr(),
        // Keys and tweaks: 64 bytes at most.
        size: bytes.len() as c_uint,
    }
}

pub(crate) struct Units {
    api: &'static Api,
    cipher: *mut Cipher,
}

// SAFETY: a handle has no ties to the thread that made it, and `&mut self` keeps its use to one thread at a time.
unsafe impl Send for Units {}

impl Drop for Units {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and is not used after this. Freeing it zeroizes the key schedules.
        unsafe { (self.api.gnutls_cipher_deinit)(self.cipher) }
    }
}

impl Units {
    pub(crate) fn new(api: &'static Api, key: &XtsKey) -> Result<Self, EngineError> {
        let algorithm = match key {
            XtsKey::Aes128(_) => AES_128_XTS,
            XtsKey::Aes256(_) => AES_256_XTS,
        };
        let (key, tweak) = (datum(key.expose()), datum(&[0; TWEAK_BYTES]));
        let mut cipher = ptr::null_mut();
        // SAFETY: key and tweak live through the call, which copies what it keeps; the handle is set on success.
        let result = unsafe { (api.gnutls_cipher_init)(&mut cipher, algorithm, &key, &tweak) };
        api.check("gnutls_cipher_init", result)?;
        Ok(Self { api, cipher })
    }

    /// The handle holds a schedule for either direction and both take the tweak.
    fn start(&mut self, tweak: &Tweak) {
        let mut tweak = tweak.0;
        // SAFETY: reads 16 bytes, XTS's IV length; the pointer is to mutable data for want of a `const`.
        unsafe { (self.api.gnutls_cipher_set_iv)(self.cipher, tweak.as_mut_ptr().cast(), tweak.len()) }
    }
}

impl Xts for Units {
    fn encrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        each_unit(units, data, |tweak, unit| {
            self.start(tweak);
            let length = unit.len();
            let (input, output) = unit.into_raw();
            // SAFETY: both pointers are good for `length` bytes and either equal or apart, as InOutBuf warrants.
            let result = unsafe {
                (self.api.gnutls_cipher_encrypt2)(self.cipher, input.cast(), length, output.cast(), length)
            };
            self.api.check("gnutls_cipher_encrypt2", result)
        })
    }

    fn decrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        each_unit(units, data, |tweak, unit| {
            self.start(tweak);
            let length = unit.len();
            let (input, output) = unit.into_raw();
            // SAFETY: as for encryption.
            let result = unsafe {
                (self.api.gnutls_cipher_decrypt2)(self.cipher, input.cast(), length, output.cast(), length)
            };
            self.api.check("gnutls_cipher_decrypt2", result)
        })
    }
}

/// An AEAD. The one interface of GnuTLS that keeps the tag apart and checks it works in place, so data that goes into a
/// buffer is copied there first.
pub(crate) struct Sealer {
    api: &'static Api,
    cipher: *mut AeadCipher,
}

// SAFETY: as for `Units`.
unsafe impl Send for Sealer {}

impl Drop for Sealer {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and is not used after this. Freeing it zeroizes the key schedule.
        unsafe { (self.api.gnutls_aead_cipher_deinit)(self.cipher) }
    }
}

impl Sealer {
    pub(crate) fn new(api: &'static Api, key: &AeadKey) -> Result<Self, EngineError> {
        let algorithm = match key {
            AeadKey::Aes128Gcm(_) => AES_128_GCM,
            AeadKey::Aes256Gcm(_) => AES_256_GCM,
            AeadKey::ChaCha20Poly1305(_) => CHACHA20_POLY1305,
        };
        let key = datum(key.expose());
        let mut cipher = ptr::null_mut();
        // SAFETY: the key lives through the call, which copies what it keeps; the handle is set on success.
        let result = unsafe { (api.gnutls_aead_cipher_init)(&mut cipher, algorithm, &key) };
        api.check("gnutls_aead_cipher_init", result)?;
        Ok(Self { api, cipher })
    }

    fn seal_one(
        &mut self,
        nonce: &Nonce,
        associated_data: &[u8],
        message: InOutBuf<'_, '_, u8>,
        tag: &mut Tag,
    ) -> Result<(), EngineError> {
        let message = message.into_out_with_copied_in();
        let (associated, in_place) = (read(associated_data), write(message));
        let mut tag_bytes = TAG_BYTES;
        // SAFETY: each vector has at most one part, good for its length; associated data is only read. The tag goes
        // into a buffer of the length that is given.
        let result = unsafe {
            (self.api.gnutls_aead_cipher_encryptv2)(
                self.cipher,
                nonce.0.as_ptr().cast(),
                nonce.0.len(),
                &associated,
                parts(&associated),
                &in_place,
                parts(&in_place),
                tag.0.as_mut_ptr().cast(),
                &mut tag_bytes,
            )
        };
        self.api.check("gnutls_aead_cipher_encryptv2", result)?;
        if tag_bytes != TAG_BYTES {
            return Err(EngineError::Library {
                call: "gnutls_aead_cipher_encryptv2",
                detail: format!("the tag has {tag_bytes} bytes, not {TAG_BYTES}"),
            });
        }
        Ok(())
    }

    fn open_one(
        &mut self,
        nonce: &Nonce,
        associated_data: &[u8],
        message: InOutBuf<'_, '_, u8>,
        tag: &Tag,
    ) -> Result<bool, EngineError> {
        let message = message.into_out_with_copied_in();
        let (associated, in_place) = (read(associated_data), write(message));
        let mut tag = *tag;
        // SAFETY: as for sealing; the tag is only read.
        let result = unsafe {
            (self.api.gnutls_aead_cipher_decryptv2)(
                self.cipher,
                nonce.0.as_ptr().cast(),
                nonce.0.len(),
                &associated,
                parts(&associated),
                &in_place,
                parts(&in_place),
                tag.0.as_mut_ptr().cast(),
                TAG_BYTES,
            )
        };
        if result == E_DECRYPTION_FAILED {
            return Ok(false);
        }
        self.api.check("gnutls_aead_cipher_decryptv2", result)?;
        Ok(true)
    }
}

/// For what the library only reads, though its type does not say so.
fn read(bytes: &[u8]) -> IoVec {
    IoVec {
        base: bytes.as_ptr().cast::<c_void>().cast_mut(),
        length: bytes.len(),
    }
}

fn write(bytes: &mut [u8]) -> IoVec {
    IoVec {
        base: bytes.as_mut_ptr().cast(),
        length: bytes.len(),
    }
}

/// How many parts a vector of this one part has: an empty part is none.
fn parts(vector: &IoVec) -> c_int {
    c_int::from(vector.length > 0)
}

impl Aead for Sealer {
    fn seal(
        &mut self,
        messages: Messages<'_>,
        data: InOutBuf<'_, '_, u8>,
        tags: &mut [Tag],
    ) -> Result<(), EngineError> {
        seal_each(messages, data, tags, |nonce, associated_data, message, tag| {
            self.seal_one(nonce, associated_data, message, tag)
        })
    }

    fn open(
        &mut self,
        messages: Messages<'_>,
        data: InOutBuf<'_, '_, u8>,
        tags: &[Tag],
    ) -> Result<(), EngineError> {
        open_each(messages, data, tags, |nonce, associated_data, message, tag| {
            self.open_one(nonce, associated_data, message, tag)
        })
    }
}
