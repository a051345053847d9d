//! Opening a shared library and finding its functions.

use std::error::Error;
use std::sync::OnceLock;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use sealab_engine::EngineError;

/// Makes a library look for a symbol in itself and its own dependencies before the executable: `libcrypto.so.3` is not
/// linked with `-Bsymbolic`, so an executable that exports an `EVP_CIPHER_fetch` of its own would take its calls.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const RTLD_DEEPBIND: std::ffi::c_int = 0x8;
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
const RTLD_DEEPBIND: std::ffi::c_int = 0;

/// A shared library by the name that the dynamic linker knows it by.
pub(crate) struct Shared {
    pub(crate) soname: &'static str,
    /// Where to get it, for the message that it is missing.
    pub(crate) package: &'static str,
}

impl Shared {
    /// Opens the library. The caller keeps it open for good: the libraries have thread-local data and exit handlers.
    pub(crate) fn open(&self) -> Result<Library, String> {
        // SAFETY: runs the library's initialisers, which are those of a well-known system library and have no
        // preconditions.
        let opened = unsafe { Library::open(Some(self.soname), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND) };
        opened.map_err(|error| {
            // The linker's own words are the source; they begin with the file that could not be had.
            let text = match error.source() {
                Some(source) => source.to_string(),
                None => error.to_string(),
            };
            if text.starts_with(self.soname) && text.contains("No such file") {
                format!("{} is not installed ({})", self.soname, self.package)
            } else {
                format!("{} cannot be opened: {text}", self.soname)
            }
        })
    }

    /// The reason for a library that lacks a function.
    pub(crate) fn lacks(&self, symbol: &str) -> String {
        format!("{} has no {symbol}; it is too old", self.soname)
    }
}

/// A library that is opened and set up once a process.
pub(crate) type Once<T> = OnceLock<Result<T, String>>;

/// The library in `once`, set up by `open` the first time.
pub(crate) fn once<T>(
    once: &'static Once<T>,
    open: impl FnOnce() -> Result<T, String>,
) -> Result<&'static T, EngineError> {
    once.get_or_init(open)
        .as_ref()
        .map_err(|reason| EngineError::Unavailable {
            reason: reason.clone(),
        })
}

/// Declares a struct of a library's functions, each a pointer of its C type, and `load`, which finds them all.
macro_rules! functions {
    ($(#[$meta:meta])* struct $name:ident { $($symbol:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[allow(non_snake_case, reason = "the names are the library's")]
        pub(crate) struct $name {
            $(pub(crate) $symbol: $type,)*
            _library: libloading::os::unix::Library,
        }

        impl $name {
            fn load(shared: &$crate::shared::Shared) -> Result<Self, String> {
                let library = shared.open()?;
                Ok(Self {
                    $($symbol: {
                        // SAFETY: the type is the function's declaration in the library's header.
                        let symbol = unsafe { library.get::<$type>(concat!(stringify!($symbol), "\0").as_bytes()) };
                        *symbol.map_err(|_| shared.lacks(stringify!($symbol)))?
                    },)*
                    _library: library,
                })
            }
        }
    };
}

pub(crate) use functions;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_is_named_with_its_package() {
        let shared = Shared {
            soname: "libsealab-is-not-there.so.1",
            package: "Debian package libsealab1",
        };
        assert_eq!(
            shared.open().unwrap_err(),
            "libsealab-is-not-there.so.1 is not installed (Debian package libsealab1)"
        );
    }

    functions! {
        #[expect(dead_code, reason = "only looked for, not called")]
        struct OfLibc {
            getpid: unsafe extern "C" fn() -> i32,
            sealab_is_not_there: unsafe extern "C" fn() -> i32,
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_missing_function_is_named() {
        let shared = Shared {
            soname: "libc.so.6",
            package: "Debian package libc6",
        };
        let reason = OfLibc::load(&shared).err();
        assert_eq!(
            reason.as_deref(),
            Some("libc.so.6 has no sealab_is_not_there; it is too old")
        );
    }
}
