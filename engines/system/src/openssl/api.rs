//! The functions of `libcrypto.so.3` that are used here, as its headers declare them.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr;

use sealab_engine::EngineError;

use crate::shared::{Once, Shared, functions, once};

/// `EVP_CIPHER`.
pub(crate) enum Cipher {}
/// `EVP_CIPHER_CTX`.
pub(crate) enum CipherCtx {}
/// `EVP_MD`.
pub(crate) enum Md {}
/// `EVP_MD_CTX`.
pub(crate) enum MdCtx {}
/// `EVP_MAC`.
pub(crate) enum Mac {}
/// `EVP_MAC_CTX`.
pub(crate) enum MacCtx {}

/// `OSSL_PARAM` of `openssl/core.h`.
#[repr(C)]
pub(crate) struct Param {
    pub(crate) key: *const c_char,
    pub(crate) data_type: c_uint,
    pub(crate) data: *mut c_void,
    pub(crate) data_size: usize,
    pub(crate) return_size: usize,
}

impl Param {
    /// The mark at the end of a list.
    pub(crate) const END: Self = Self {
        key: ptr::null(),
        data_type: 0,
        data: ptr::null_mut(),
        data_size: 0,
        return_size: 0,
    };
}

/// `OPENSSL_INIT_NO_ATEXIT`: the process has other copies of OpenSSL, so this one does not clean up at exit.
const INIT_NO_ATEXIT: u64 = 0x0008_0000;
/// `OPENSSL_INFO_CPU_SETTINGS`.
const INFO_CPU_SETTINGS: c_int = 1008;
/// `OPENSSL_FULL_VERSION_STRING`.
const FULL_VERSION_STRING: c_int = 7;

functions! {
    /// OpenSSL 3.
    struct Api {
        ERR_clear_error: unsafe extern "C" fn(),
        ERR_error_string_n: unsafe extern "C" fn(u64, *mut c_char, usize),
        ERR_get_error: unsafe extern "C" fn() -> u64,
        EVP_CIPHER_CTX_ctrl: unsafe extern "C" fn(*mut CipherCtx, c_int, c_int, *mut c_void) -> c_int,
        EVP_CIPHER_CTX_free: unsafe extern "C" fn(*mut CipherCtx),
        EVP_CIPHER_CTX_new: unsafe extern "C" fn() -> *mut CipherCtx,
        EVP_CIPHER_CTX_set_padding: unsafe extern "C" fn(*mut CipherCtx, c_int) -> c_int,
        EVP_CIPHER_fetch: unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char) -> *mut Cipher,
        EVP_CIPHER_free: unsafe extern "C" fn(*mut Cipher),
        EVP_CipherFinal_ex: unsafe extern "C" fn(*mut CipherCtx, *mut u8, *mut c_int) -> c_int,
        EVP_CipherInit_ex2:
            unsafe extern "C" fn(*mut CipherCtx, *const Cipher, *const u8, *const u8, c_int, *const Param) -> c_int,
        EVP_CipherUpdate: unsafe extern "C" fn(*mut CipherCtx, *mut u8, *mut c_int, *const u8, c_int) -> c_int,
        EVP_DigestFinal_ex: unsafe extern "C" fn(*mut MdCtx, *mut u8, *mut c_uint) -> c_int,
        EVP_DigestInit_ex2: unsafe extern "C" fn(*mut MdCtx, *const Md, *const Param) -> c_int,
        EVP_DigestUpdate: unsafe extern "C" fn(*mut MdCtx, *const c_void, usize) -> c_int,
        EVP_MAC_CTX_free: unsafe extern "C" fn(*mut MacCtx),
        EVP_MAC_CTX_new: unsafe extern "C" fn(*mut Mac) -> *mut MacCtx,
        EVP_MAC_fetch: unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char) -> *mut Mac,
        EVP_MAC_final: unsafe extern "C" fn(*mut MacCtx, *mut u8, *mut usize, usize) -> c_int,
        EVP_MAC_free: unsafe extern "C" fn(*mut Mac),
        EVP_MAC_init: unsafe extern "C" fn(*mut MacCtx, *const u8, usize, *const Param) -> c_int,
        EVP_MAC_update: unsafe extern "C" fn(*mut MacCtx, *const u8, usize) -> c_int,
        EVP_MD_CTX_free: unsafe extern "C" fn(*mut MdCtx),
        EVP_MD_CTX_new: unsafe extern "C" fn() -> *mut MdCtx,
        EVP_MD_fetch: unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char) -> *mut Md,
        EVP_MD_free: unsafe extern "C" fn(*mut Md),
        OPENSSL_info: unsafe extern "C" fn(c_int) -> *const c_char,
        OPENSSL_init_crypto: unsafe extern "C" fn(u64, *const c_void) -> c_int,
        OpenSSL_version: unsafe extern "C" fn(c_int) -> *const c_char,
    }
}

static API: Once<Api> = Once::new();

impl Api {
    /// The library, opened and set up once a process.
    pub(crate) fn get() -> Result<&'static Self, EngineError> {
        once(&API, || {
            let shared = Shared {
                soname: "libcrypto.so.3",
                package: "Debian package libssl3",
            };
            let api = Self::load(&shared)?;
            // SAFETY: takes options and, here, no settings; may be called at any time.
            match unsafe { (api.OPENSSL_init_crypto)(INIT_NO_ATEXIT, ptr::null()) } {
                1 => Ok(api),
                _ => Err("libcrypto.so.3 failed to initialise".to_owned()),
            }
        })
    }

    /// The version, like "3.0.19".
    pub(crate) fn version(&self) -> String {
        // SAFETY: every number is allowed; the result is a C string of static lifetime.
        let version = unsafe { CStr::from_ptr((self.OpenSSL_version)(FULL_VERSION_STRING)) };
        version.to_string_lossy().into_owned()
    }

    /// The capabilities that the library goes by, like "OPENSSL_ia32cap=0x…:0x… env:…"; empty where it tells none.
    pub(crate) fn cpu_settings(&self) -> String {
        // SAFETY: every number is allowed; the result is null or a C string that lives as long as the process.
        let settings = unsafe {
            let settings = (self.OPENSSL_info)(INFO_CPU_SETTINGS);
            (!settings.is_null()).then(|| CStr::from_ptr(settings))
        };
        settings.unwrap_or_default().to_string_lossy().into_owned()
    }

    /// That `call` returned 1, else the newest entry of the error queue, which is emptied.
    pub(crate) fn check(&self, call: &'static str, result: c_int) -> Result<(), EngineError> {
        if result == 1 {
            Ok(())
        } else {
            Err(self.failed(call))
        }
    }

    /// The pointer that `call` returned, unless it is null.
    pub(crate) fn non_null<T>(
        &self,
        call: &'static str,
        pointer: *mut T,
    ) -> Result<ptr::NonNull<T>, EngineError> {
        ptr::NonNull::new(pointer).ok_or_else(|| self.failed(call))
    }

    fn failed(&self, call: &'static str) -> EngineError {
        let mut text = [0_u8; 256];
        // SAFETY: the error queue belongs to this thread; the text is written with its end into a buffer of that size.
        let code = unsafe {
            let code = (self.ERR_get_error)();
            (self.ERR_error_string_n)(code, text.as_mut_ptr().cast(), text.len());
            (self.ERR_clear_error)();
            code
        };
        let detail = match CStr::from_bytes_until_nul(&text) {
            Ok(text) if code != 0 => text.to_string_lossy().into_owned(),
            _ => "no reason given".to_owned(),
        };
        EngineError::Library { call, detail }
    }
}
