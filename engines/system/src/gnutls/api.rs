//! The functions of `libgnutls.so.30` that are used here, as its headers declare them.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr;

use sealab_engine::EngineError;

use crate::shared::{Once, Shared, functions, once};

/// What `gnutls_cipher_hd_t` points at.
pub(crate) enum Cipher {}
/// What `gnutls_aead_cipher_hd_t` points at.
pub(crate) enum AeadCipher {}
/// What `gnutls_hmac_hd_t` points at.
pub(crate) enum Hmac {}
/// What `gnutls_hash_hd_t` points at.
pub(crate) enum Hash {}

/// `gnutls_datum_t`.
#[repr(C)]
pub(crate) struct Datum {
    pub(crate) data: *const u8,
    pub(crate) size: c_uint,
}

/// `giovec_t`, which is `struct iovec`.
#[repr(C)]
pub(crate) struct IoVec {
    pub(crate) base: *mut c_void,
    pub(crate) length: usize,
}

/// `GNUTLS_CIPHER_AES_128_GCM`.
pub(crate) const AES_128_GCM: c_int = 10;
/// `GNUTLS_CIPHER_AES_256_GCM`.
pub(crate) const AES_256_GCM: c_int = 11;
/// `GNUTLS_CIPHER_CHACHA20_POLY1305`.
pub(crate) const CHACHA20_POLY1305: c_int = 23;
/// `GNUTLS_CIPHER_AES_128_XTS`.
pub(crate) const AES_128_XTS: c_int = 32;
/// `GNUTLS_CIPHER_AES_256_XTS`.
pub(crate) const AES_256_XTS: c_int = 33;
/// `GNUTLS_MAC_SHA256` and `GNUTLS_DIG_SHA256`.
pub(crate) const SHA256: c_int = 6;
/// `GNUTLS_E_DECRYPTION_FAILED`.
pub(crate) const E_DECRYPTION_FAILED: c_int = -24;

functions! {
    /// GnuTLS 3.6.10 or newer.
    struct Api {
        gnutls_aead_cipher_decryptv2: unsafe extern "C" fn(
            *mut AeadCipher, *const c_void, usize, *const IoVec, c_int, *const IoVec, c_int, *mut c_void, usize,
        ) -> c_int,
        gnutls_aead_cipher_deinit: unsafe extern "C" fn(*mut AeadCipher),
        gnutls_aead_cipher_encryptv2: unsafe extern "C" fn(
            *mut AeadCipher, *const c_void, usize, *const IoVec, c_int, *const IoVec, c_int, *mut c_void, *mut usize,
        ) -> c_int,
        gnutls_aead_cipher_init: unsafe extern "C" fn(*mut *mut AeadCipher, c_int, *const Datum) -> c_int,
        gnutls_check_version: unsafe extern "C" fn(*const c_char) -> *const c_char,
        gnutls_cipher_decrypt2: unsafe extern "C" fn(*mut Cipher, *const c_void, usize, *mut c_void, usize) -> c_int,
        gnutls_cipher_deinit: unsafe extern "C" fn(*mut Cipher),
        gnutls_cipher_encrypt2: unsafe extern "C" fn(*mut Cipher, *const c_void, usize, *mut c_void, usize) -> c_int,
        gnutls_cipher_init: unsafe extern "C" fn(*mut *mut Cipher, c_int, *const Datum, *const Datum) -> c_int,
        gnutls_cipher_set_iv: unsafe extern "C" fn(*mut Cipher, *mut c_void, usize),
        gnutls_global_init: unsafe extern "C" fn() -> c_int,
        gnutls_hash: unsafe extern "C" fn(*mut Hash, *const c_void, usize) -> c_int,
        gnutls_hash_deinit: unsafe extern "C" fn(*mut Hash, *mut c_void),
        gnutls_hash_init: unsafe extern "C" fn(*mut *mut Hash, c_int) -> c_int,
        gnutls_hash_output: unsafe extern "C" fn(*mut Hash, *mut c_void),
        gnutls_hmac: unsafe extern "C" fn(*mut Hmac, *const c_void, usize) -> c_int,
        gnutls_hmac_deinit: unsafe extern "C" fn(*mut Hmac, *mut c_void),
        gnutls_hmac_init: unsafe extern "C" fn(*mut *mut Hmac, c_int, *const c_void, usize) -> c_int,
        gnutls_hmac_output: unsafe extern "C" fn(*mut Hmac, *mut c_void),
        gnutls_strerror: unsafe extern "C" fn(c_int) -> *const c_char,
    }
}

static API: Once<Api> = Once::new();

impl Api {
    /// The library, opened and set up once a process.
    pub(crate) fn get() -> Result<&'static Self, EngineError> {
        once(&API, || {
            let shared = Shared {
                soname: "libgnutls.so.30",
                package: "Debian package libgnutls30",
            };
            let api = Self::load(&shared)?;
            // The library starts itself when it is opened, unless GNUTLS_NO_IMPLICIT_INIT is set.
            // SAFETY: may be called any number of times; `API` sees to one thread.
            let result = unsafe { (api.gnutls_global_init)() };
            if result < 0 {
                return Err(format!(
                    "libgnutls.so.30 failed to initialise: {}",
                    api.describe(result)
                ));
            }
            Ok(api)
        })
    }

    /// The version, like "3.7.9".
    pub(crate) fn version(&self) -> String {
        // SAFETY: without a required version the result is a C string of static lifetime.
        let version = unsafe { CStr::from_ptr((self.gnutls_check_version)(ptr::null())) };
        version.to_string_lossy().into_owned()
    }

    /// That `call` returned no error, which is a negative number.
    pub(crate) fn check(&self, call: &'static str, result: c_int) -> Result<(), EngineError> {
        if result >= 0 {
            return Ok(());
        }
        Err(EngineError::Library {
            call,
            detail: self.describe(result),
        })
    }

    fn describe(&self, result: c_int) -> String {
        // SAFETY: every number is allowed; the result is null or a C string of static lifetime.
        let text = unsafe {
            let text = (self.gnutls_strerror)(result);
            (!text.is_null()).then(|| CStr::from_ptr(text))
        };
        text.map_or_else(
            || format!("error {result}"),
            |text| text.to_string_lossy().into_owned(),
        )
    }
}
