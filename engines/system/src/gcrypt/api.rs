//! The functions of `libgcrypt.so.20` that are used here, as its header declares them.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::ptr;

use sealab_engine::EngineError;

use crate::shared::{Once, Shared, functions, once};

/// What `gcry_cipher_hd_t` points at.
pub(crate) enum Cipher {}
/// `struct gcry_md_handle`, of which only the library's functions look inside.
pub(crate) enum Md {}

/// The environment variable that names the CPU features that libgcrypt is not to use, separated by commas; `all` is
/// allowed. libgcrypt itself has no such variable, only a file for the whole machine.
const DISABLE_HWF_VARIABLE: &str = "SEALAB_GCRYPT_DISABLE_HWF";

// enum gcry_ctl_cmds
const CTL_DISABLE_SECMEM: c_int = 37;
const CTL_INITIALIZATION_FINISHED: c_int = 38;
const CTL_INITIALIZATION_FINISHED_P: c_int = 39;
const CTL_DISABLE_HWF: c_int = 63;

/// `GPG_ERR_INV_NAME`.
const ERR_INV_NAME: c_uint = 88;
/// `GPG_ERR_CHECKSUM`.
const ERR_CHECKSUM: c_uint = 10;
/// `GPG_ERR_CODE_MASK`: the rest of an error says which library it comes from.
const ERR_CODE_MASK: c_uint = 0xffff;

/// `GCRY_MD_SHA256`.
pub(crate) const MD_SHA256: c_int = 8;
/// `GCRY_MD_FLAG_HMAC`.
pub(crate) const MD_FLAG_HMAC: c_uint = 2;

functions! {
    /// libgcrypt 1.8 or newer.
    struct Api {
        gcry_check_version: unsafe extern "C" fn(*const c_char) -> *const c_char,
        gcry_cipher_authenticate: unsafe extern "C" fn(*mut Cipher, *const c_void, usize) -> c_uint,
        gcry_cipher_checktag: unsafe extern "C" fn(*mut Cipher, *const c_void, usize) -> c_uint,
        gcry_cipher_close: unsafe extern "C" fn(*mut Cipher),
        gcry_cipher_decrypt:
            unsafe extern "C" fn(*mut Cipher, *mut c_void, usize, *const c_void, usize) -> c_uint,
        gcry_cipher_encrypt:
            unsafe extern "C" fn(*mut Cipher, *mut c_void, usize, *const c_void, usize) -> c_uint,
        gcry_cipher_gettag: unsafe extern "C" fn(*mut Cipher, *mut c_void, usize) -> c_uint,
        gcry_cipher_open: unsafe extern "C" fn(*mut *mut Cipher, c_int, c_int, c_uint) -> c_uint,
        gcry_cipher_setctr: unsafe extern "C" fn(*mut Cipher, *const c_void, usize) -> c_uint,
        gcry_cipher_setiv: unsafe extern "C" fn(*mut Cipher, *const c_void, usize) -> c_uint,
        gcry_cipher_setkey: unsafe extern "C" fn(*mut Cipher, *const c_void, usize) -> c_uint,
        gcry_control: unsafe extern "C" fn(c_int, ...) -> c_uint,
        gcry_free: unsafe extern "C" fn(*mut c_void),
        gcry_get_config: unsafe extern "C" fn(c_int, *const c_char) -> *mut c_char,
        gcry_md_close: unsafe extern "C" fn(*mut Md),
        gcry_md_open: unsafe extern "C" fn(*mut *mut Md, c_int, c_uint) -> c_uint,
        gcry_md_read: unsafe extern "C" fn(*mut Md, c_int) -> *mut u8,
        gcry_md_reset: unsafe extern "C" fn(*mut Md),
        gcry_md_setkey: unsafe extern "C" fn(*mut Md, *const c_void, usize) -> c_uint,
        gcry_md_write: unsafe extern "C" fn(*mut Md, *const c_void, usize),
        gcry_strerror: unsafe extern "C" fn(c_uint) -> *const c_char,
    }
}

static API: Once<Api> = Once::new();

impl Api {
    /// The library, opened and set up once a process, without the CPU features that [`DISABLE_HWF_VARIABLE`] names.
    pub(crate) fn get() -> Result<&'static Self, EngineError> {
        once(&API, || {
            let shared = Shared {
                soname: "libgcrypt.so.20",
                package: "Debian package libgcrypt20",
            };
            let api = Self::load(&shared)?;
            // SAFETY: a question without arguments, allowed before initialisation.
            let finished = unsafe { (api.gcry_control)(CTL_INITIALIZATION_FINISHED_P) } != 0;
            if finished {
                return Ok(api);
            }
            if let Ok(names) = std::env::var(DISABLE_HWF_VARIABLE) {
                api.disable(&names)?;
            }
            // The order that the manual prescribes: features, version, memory, done.
            // SAFETY: without a required version this only initialises; `API` sees to one thread.
            let version = unsafe { (api.gcry_check_version)(ptr::null()) };
            if version.is_null() {
                return Err("libgcrypt.so.20 failed to initialise".to_owned());
            }
            // SAFETY: both commands take one integer that they ignore. Secure memory is a locked pool for private
            // keys and needs a limit on locked memory that not every machine grants; the keys here are test keys.
            unsafe {
                (api.gcry_control)(CTL_DISABLE_SECMEM, 0 as c_int);
                (api.gcry_control)(CTL_INITIALIZATION_FINISHED, 0 as c_int);
            }
            Ok(api)
        })
    }

    /// Bars the library from the CPU features in `names`. A name that it does not know is of a feature that it does
    /// not use, as the wider ones are to an older version; [`Api::features`] tells what remains.
    fn disable(&self, names: &str) -> Result<(), String> {
        for name in names.split(',').filter(|name| !name.is_empty()) {
            let text = CString::new(name)
                .map_err(|_| format!("{DISABLE_HWF_VARIABLE} has a zero byte in {name:?}"))?;
            // SAFETY: before initialisation, as the command demands; it takes a C string and a null pointer.
            let error =
                unsafe { (self.gcry_control)(CTL_DISABLE_HWF, text.as_ptr(), ptr::null_mut::<c_void>()) };
            if !matches!(error & ERR_CODE_MASK, 0 | ERR_INV_NAME) {
                return Err(format!(
                    "libgcrypt cannot disable {name}: {}",
                    self.describe(error)
                ));
            }
        }
        Ok(())
    }

    /// The version, like "1.10.1".
    pub(crate) fn version(&self) -> String {
        // SAFETY: without a required version the result is a C string of static lifetime.
        let version = unsafe { CStr::from_ptr((self.gcry_check_version)(ptr::null())) };
        version.to_string_lossy().into_owned()
    }

    /// The CPU features that the library found and may use, like "intel-aesni:intel-avx2".
    pub(crate) fn features(&self) -> String {
        // SAFETY: asks for one item; the result is null or a C string that is ours to free with the library's own
        // function.
        let line = unsafe {
            let line = (self.gcry_get_config)(0, c"hwflist".as_ptr());
            if line.is_null() {
                return String::new();
            }
            let copy = CStr::from_ptr(line).to_string_lossy().into_owned();
            (self.gcry_free)(line.cast());
            copy
        };
        let line = line.trim_end().trim_end_matches(':');
        line.strip_prefix("hwflist:").unwrap_or_default().to_owned()
    }

    /// That `call` returned 0.
    pub(crate) fn check(&self, call: &'static str, error: c_uint) -> Result<(), EngineError> {
        if error == 0 {
            return Ok(());
        }
        Err(EngineError::Library {
            call,
            detail: self.describe(error),
        })
    }

    /// Whether a tag holds, by the result of `gcry_cipher_checktag`.
    pub(crate) fn verified(&self, error: c_uint) -> Result<bool, EngineError> {
        if error & ERR_CODE_MASK == ERR_CHECKSUM {
            return Ok(false);
        }
        self.check("gcry_cipher_checktag", error).map(|()| true)
    }

    fn describe(&self, error: c_uint) -> String {
        // SAFETY: every number is allowed; the result is a C string of static lifetime.
        let text = unsafe { CStr::from_ptr((self.gcry_strerror)(error)) };
        text.to_string_lossy().into_owned()
    }
}
