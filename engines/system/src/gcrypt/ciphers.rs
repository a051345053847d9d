//! XTS, the AEADs, counter mode and the block cipher.

use std::ffi::{c_int, c_uint, c_void};
use std::ptr;

use sealab_engine::{
    Aead, AeadKey, BlockCipher, BlockKey, Ctr, CtrKey, DataUnits, EngineError, InOutBuf, Messages, Tag, Xts,
    XtsKey,
};

use super::api::{Api, Cipher};
use crate::batches::{each_unit, open_each, seal_each, whole_blocks};

// enum gcry_cipher_algos
const AES128: c_int = 7;
const AES256: c_int = 9;
const CHACHA20: c_int = 316;

// enum gcry_cipher_modes
const ECB: c_int = 1;
const CTR: c_int = 6;
const GCM: c_int = 9;
const POLY1305: c_int = 10;
const XTS: c_int = 13;

/// A keyed handle, good for both directions.
pub(crate) struct Keyed {
    api: &'static Api,
    cipher: *mut Cipher,
}

// SAFETY: a handle has no ties to the thread that made it, and `&mut self` keeps its use to one thread at a time.
unsafe impl Send for Keyed {}

impl Drop for Keyed {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and is not used after this. Closing it wipes the key schedule.
        unsafe { (self.api.gcry_cipher_close)(self.cipher) }
    }
}

/// A function that encrypts or decrypts.
type Crypt = unsafe extern "C" fn(*mut Cipher, *mut c_void, usize, *const c_void, usize) -> c_uint;

impl Keyed {
    fn new(api: &'static Api, algorithm: c_int, mode: c_int, key: &[u8]) -> Result<Self, EngineError> {
        let mut cipher = ptr::null_mut();
        // SAFETY: the handle is set on success.
        let error = unsafe { (api.gcry_cipher_open)(&mut cipher, algorithm, mode, 0) };
        api.check("gcry_cipher_open", error)?;
        let keyed = Self { api, cipher };
        // SAFETY: reads the key.
        let error = unsafe { (api.gcry_cipher_setkey)(cipher, key.as_ptr().cast(), key.len()) };
        api.check("gcry_cipher_setkey", error)?;
        Ok(keyed)
    }

    pub(crate) fn xts(api: &'static Api, key: &XtsKey) -> Result<Self, EngineError> {
        let algorithm = match key {
            XtsKey::Aes128(_) => AES128,
            XtsKey::Aes256(_) => AES256,
        };
        Self::new(api, algorithm, XTS, key.expose())
    }

    pub(crate) fn aead(api: &'static Api, key: &AeadKey) -> Result<Self, EngineError> {
        let (algorithm, mode) = match key {
            AeadKey::Aes128Gcm(_) => (AES128, GCM),
            AeadKey::Aes256Gcm(_) => (AES256, GCM),
            AeadKey::ChaCha20Poly1305(_) => (CHACHA20, POLY1305),
        };
        Self::new(api, algorithm, mode, key.expose())
    }

    pub(crate) fn ctr(api: &'static Api, key: &CtrKey) -> Result<Self, EngineError> {
        Self::new(api, AES256, CTR, key.0.expose())
    }

    pub(crate) fn block(api: &'static Api, key: &BlockKey) -> Result<Self, EngineError> {
        Self::new(api, AES256, ECB, key.0.expose())
    }

    /// Begins a data unit or message.
    fn start(&mut self, iv: &[u8]) -> Result<(), EngineError> {
        // SAFETY: reads the IV.
        let error = unsafe { (self.api.gcry_cipher_setiv)(self.cipher, iv.as_ptr().cast(), iv.len()) };
        self.api.check("gcry_cipher_setiv", error)
    }

    fn associate(&mut self, data: &[u8]) -> Result<(), EngineError> {
        if data.is_empty() {
            return Ok(());
        }
        // SAFETY: reads the data.
        let error =
            unsafe { (self.api.gcry_cipher_authenticate)(self.cipher, data.as_ptr().cast(), data.len()) };
        self.api.check("gcry_cipher_authenticate", error)
    }

    fn crypt(
        &mut self,
        call: &'static str,
        crypt: Crypt,
        data: InOutBuf<'_, '_, u8>,
    ) -> Result<(), EngineError> {
        let length = data.len();
        if length == 0 {
            return Ok(());
        }
        let (input, output) = data.into_raw();
        // SAFETY: both pointers are good for `length` bytes and either equal or apart, as InOutBuf warrants.
        let error = unsafe { crypt(self.cipher, output.cast(), length, input.cast(), length) };
        self.api.check(call, error)
    }

    fn encrypt(&mut self, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        self.crypt("gcry_cipher_encrypt", self.api.gcry_cipher_encrypt, data)
    }

    fn decrypt(&mut self, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        self.crypt("gcry_cipher_decrypt", self.api.gcry_cipher_decrypt, data)
    }
}

impl Xts for Keyed {
    fn encrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        each_unit(units, data, |tweak, unit| {
            self.start(&tweak.0)?;
            self.encrypt(unit)
        })
    }

    fn decrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        each_unit(units, data, |tweak, unit| {
            self.start(&tweak.0)?;
            self.decrypt(unit)
        })
    }
}

impl Aead for Keyed {
    fn seal(
        &mut self,
        messages: Messages<'_>,
        data: InOutBuf<'_, '_, u8>,
        tags: &mut [Tag],
    ) -> Result<(), EngineError> {
        seal_each(messages, data, tags, |nonce, associated_data, message, tag| {
            self.start(&nonce.0)?;
            self.associate(associated_data)?;
            self.encrypt(message)?;
            // SAFETY: writes the tag into a buffer of the length that is given.
            let error =
                unsafe { (self.api.gcry_cipher_gettag)(self.cipher, tag.0.as_mut_ptr().cast(), tag.0.len()) };
            self.api.check("gcry_cipher_gettag", error)
        })
    }

    fn open(
        &mut self,
        messages: Messages<'_>,
        data: InOutBuf<'_, '_, u8>,
        tags: &[Tag],
    ) -> Result<(), EngineError> {
        open_each(messages, data, tags, |nonce, associated_data, message, tag| {
            self.start(&nonce.0)?;
            self.associate(associated_data)?;
            self.decrypt(message)?;
            // SAFETY: reads the tag.
            let error =
                unsafe { (self.api.gcry_cipher_checktag)(self.cipher, tag.0.as_ptr().cast(), tag.0.len()) };
            self.api.verified(error)
        })
    }
}

impl Ctr for Keyed {
    fn apply(&mut self, initial: &[u8; 16], data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        // SAFETY: reads the counter block.
        let error =
            unsafe { (self.api.gcry_cipher_setctr)(self.cipher, initial.as_ptr().cast(), initial.len()) };
        self.api.check("gcry_cipher_setctr", error)?;
        self.encrypt(data)
    }
}

impl BlockCipher for Keyed {
    fn encrypt_blocks(&mut self, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        whole_blocks(&data)?;
        self.encrypt(data)
    }

    fn decrypt_blocks(&mut self, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        whole_blocks(&data)?;
        self.decrypt(data)
    }
}
