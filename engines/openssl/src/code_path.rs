//! Which AES code runs, read from the capability words that OpenSSL itself dispatches on.

use std::ffi::{CStr, c_char, c_int};

use sealab_engine::CodePath;

/// `OPENSSL_INFO_CPU_SETTINGS` of `openssl/crypto.h`.
const INFO_CPU_SETTINGS: c_int = 1008;

unsafe extern "C" {
    // Not among the bindings of openssl-sys.
    fn OPENSSL_info(which: c_int) -> *const c_char;
}

/// The code path of this process.
pub(crate) fn code_path() -> CodePath {
    openssl_sys::init();
    // SAFETY: takes a number and returns null or a C string that lives as long as the process.
    let settings = unsafe {
        let settings = OPENSSL_info(INFO_CPU_SETTINGS);
        (!settings.is_null()).then(|| CStr::from_ptr(settings))
    };
    describe(&settings.unwrap_or_default().to_string_lossy())
}

/// The code path that `settings` stand for, by the tests of OpenSSL 3.6's `cipher_aes_xts_hw.c`, `aes_platform.h`,
/// `aesni-xts-avx512.pl` and `aes-gcm-avx512.pl`.
fn describe(settings: &str) -> CodePath {
    let (hardware_aes, code) = if let Some(words) = value(settings, "OPENSSL_ia32cap=") {
        x86(words)
    } else if let Some(word) = value(settings, "OPENSSL_armcap=") {
        arm(word)
    } else {
        None
    }
    .unwrap_or((false, "unknown code"));
    CodePath {
        hardware_aes,
        description: format!("{code}, by OpenSSL's CPU settings \"{settings}\""),
    }
}

fn value<'a>(settings: &'a str, name: &str) -> Option<&'a str> {
    let value = settings.strip_prefix(name)?;
    Some(value.split_once(' ').map_or(value, |(value, _environment)| value))
}

fn hexadecimal(word: &str) -> Option<u64> {
    u64::from_str_radix(word.strip_prefix("0x")?, 16).ok()
}

/// CPUID leaf 1 in the first 64-bit word, leaf 7 in the second.
fn x86(words: &str) -> Option<(bool, &'static str)> {
    const SSSE3: u64 = 1 << 41;
    const AES_NI: u64 = 1 << 57;
    const AVX512: u64 = 1 << 16 | 1 << 17 | 1 << 30 | 1 << 31;
    const VBMI2: u64 = 1 << 38;
    const VAES_VPCLMULQDQ: u64 = 1 << 41 | 1 << 42;

    let mut words = words.split(':').map(hexadecimal);
    let (first, second) = (words.next()??, words.next()??);
    let has = |word: u64, bits: u64| word & bits == bits;
    let wide_gcm = has(second, AVX512 | VAES_VPCLMULQDQ);
    let wide_xts = wide_gcm && has(second, VBMI2);
    Some(match (has(first, AES_NI), wide_gcm) {
        (true, true) if wide_xts => (true, "AVX-512 VAES"),
        (true, true) => (true, "AVX-512 VAES in GCM, AES-NI elsewhere"),
        (true, false) => (true, "AES-NI"),
        // GCM asks for VAES alone, so a mask that only clears AES-NI leaves it on the AES instructions.
        (false, true) => (true, "AVX-512 VAES in GCM, software elsewhere"),
        (false, false) if has(first, SSSE3) => (false, "vpaes (SSSE3)"),
        (false, false) => (false, "software tables"),
    })
}

/// `ARMV8_AES` of `arm_arch.h` is bit 2, `ARMV7_NEON` bit 0.
fn arm(word: &str) -> Option<(bool, &'static str)> {
    let word = hexadecimal(word)?;
    Some(if word & 1 << 2 != 0 {
        (true, "ARMv8 AES")
    } else if word & 1 != 0 {
        (false, "vpaes (NEON)")
    } else {
        (false, "software tables")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_of_this_process_are_understood() {
        let path = code_path();
        if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
            assert!(!path.description.contains("unknown code"), "{}", path.description);
        }
    }

    #[test]
    fn capability_words_name_their_code() {
        let cases = [
            ("0x7ffaf3ffffebffff:0x04405fdbf1bf0fff", true, "AVX-512 VAES,"),
            (
                "0x7ffaf3ffffebffff:0x04405f9bf1bf0fff",
                true,
                "AVX-512 VAES in GCM, AES-NI",
            ),
            ("0x7ffaf3ffffebffff:0x00000000000007ab", true, "AES-NI,"),
            ("0x7ffaf3ffffebffff:0x04405bdbf1bf0fff", true, "AES-NI,"),
            ("0x7ffaf3ffffebffff:0x04405fdbf1bc0fff", true, "AES-NI,"),
            (
                "0x5df8f3fdffebffff:0x04405fdbf1bf0fff",
                true,
                "AVX-512 VAES in GCM, software",
            ),
            ("0x5df8f3fdffebffff:0x044059dbf1bf0fff", false, "vpaes (SSSE3),"),
            ("0x5df8f1fdffebffff:0x0", false, "software tables,"),
        ];
        for (words, hardware_aes, code) in cases {
            let path = describe(&format!("OPENSSL_ia32cap={words}:0x0 env:~0x0"));
            assert_eq!(path.hardware_aes, hardware_aes, "{words}");
            assert!(
                path.description.starts_with(code),
                "{words}: {}",
                path.description
            );
        }
        assert!(describe("OPENSSL_armcap=0x7d").hardware_aes);
        assert!(!describe("OPENSSL_armcap=0x1 env:1").hardware_aes);
        assert!(describe("").description.starts_with("unknown code"));
        assert!(
            describe("OPENSSL_ia32cap=x")
                .description
                .starts_with("unknown code")
        );
    }
}
