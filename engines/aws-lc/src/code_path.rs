//! Which AES code runs, read from the capability word that AWS-LC itself dispatches on.

use sealab_engine::CodePath;

/// The code path of this process.
pub(crate) fn code_path() -> CodePath {
    // SAFETY: takes nothing and returns a flag that is fixed once the library has looked at the CPU.
    let fast_gcm = unsafe { aws_lc_sys::EVP_has_aes_hardware() } == 1;
    match word::read() {
        Some(word) => describe(word),
        None => CodePath {
            hardware_aes: fast_gcm,
            description: format!(
                "{}, by AWS-LC's EVP_has_aes_hardware",
                if fast_gcm { "AES instructions" } else { "software" }
            ),
        },
    }
}

#[cfg(all(capability_word, target_arch = "x86_64"))]
mod word {
    unsafe extern "C" {
        #[link_name = env!("CAPABILITY_WORD")]
        static OPENSSL_IA32CAP_P: [u32; 4];
    }

    pub(super) fn read() -> Option<[u32; 4]> {
        aws_lc_sys::init();
        // SAFETY: four 32-bit words that the library writes once, before `init` returns.
        Some(unsafe { OPENSSL_IA32CAP_P })
    }
}

#[cfg(all(capability_word, target_arch = "aarch64"))]
mod word {
    unsafe extern "C" {
        #[link_name = env!("CAPABILITY_WORD")]
        static OPENSSL_ARMCAP_P: u32;
    }

    pub(super) fn read() -> Option<u32> {
        aws_lc_sys::init();
        // SAFETY: a 32-bit word that the library writes once, before `init` returns.
        Some(unsafe { OPENSSL_ARMCAP_P })
    }
}

#[cfg(not(capability_word))]
mod word {
    /// No word can be read, so there is none.
    pub(super) fn read() -> Option<std::convert::Infallible> {
        None
    }
}

#[cfg(not(capability_word))]
fn describe(word: std::convert::Infallible) -> CodePath {
    match word {}
}

/// By the tests of AWS-LC's `aes/internal.h`, `modes/gcm.c` and `cpucap/internal.h`: CPUID leaf 1 EDX and ECX, leaf 7
/// EBX and ECX.
#[cfg(all(capability_word, target_arch = "x86_64"))]
fn describe(word: [u32; 4]) -> CodePath {
    const AES_NI: u32 = 1 << 25;
    const SSSE3: u32 = 1 << 9;
    const AVX512: u32 = 1 << 16 | 1 << 17 | 1 << 30 | 1 << 31;
    const VAES_VPCLMULQDQ: u32 = 1 << 9 | 1 << 10;
    const VBMI2: u32 = 1 << 6;

    let has = |word: u32, bits: u32| word & bits == bits;
    let wide = has(word[2], AVX512) && has(word[3], VAES_VPCLMULQDQ);
    let (hardware_aes, code) = match (has(word[1], AES_NI), wide) {
        (true, true) if has(word[3], VBMI2) => (true, "AVX-512 VAES"),
        (true, true) => (true, "AVX-512 VAES in GCM, AES-NI elsewhere"),
        (true, false) => (true, "AES-NI"),
        (false, _) if has(word[1], SSSE3) => (false, "vpaes (SSSE3)"),
        (false, _) => (false, "software without SSSE3"),
    };
    CodePath {
        hardware_aes,
        description: format!(
            "{code}, by AWS-LC's OPENSSL_ia32cap_P {:#010x}:{:#010x}:{:#010x}:{:#010x}",
            word[0], word[1], word[2], word[3]
        ),
    }
}

/// `ARMV8_AES` of AWS-LC's `arm_arch.h` is bit 2.
#[cfg(all(capability_word, target_arch = "aarch64"))]
fn describe(word: u32) -> CodePath {
    let hardware_aes = word & 1 << 2 != 0;
    let code = if hardware_aes { "ARMv8 AES" } else { "vpaes (NEON)" };
    CodePath {
        hardware_aes,
        description: format!("{code}, by AWS-LC's OPENSSL_armcap_P {word:#x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_agrees_with_the_library() {
        // SAFETY: as in `code_path`.
        let fast_gcm = unsafe { aws_lc_sys::EVP_has_aes_hardware() } == 1;
        let path = code_path();
        // Fast GCM takes a carry-less multiplication besides the AES instructions.
        assert!(path.hardware_aes || !fast_gcm, "{}", path.description);
        assert_eq!(
            cfg!(capability_word),
            path.description.contains("cap_P"),
            "{}",
            path.description
        );
    }

    #[cfg(all(capability_word, target_arch = "x86_64"))]
    #[test]
    fn words_name_their_code() {
        let all = [u32::MAX; 4];
        let cases = [
            (all, true, "AVX-512 VAES,"),
            (
                [all[0], all[1], all[2], !(1 << 6)],
                true,
                "AVX-512 VAES in GCM, AES-NI",
            ),
            ([all[0], all[1], all[2], !(1 << 10)], true, "AES-NI,"),
            ([all[0], all[1], all[2], !(1 << 9)], true, "AES-NI,"),
            ([all[0], all[1], !(1 << 30), all[3]], true, "AES-NI,"),
            ([all[0], !(1 << 25), all[2], all[3]], false, "vpaes (SSSE3),"),
            (
                [all[0], !(1 << 25 | 1 << 9), all[2], all[3]],
                false,
                "software without SSSE3,",
            ),
        ];
        for (word, hardware_aes, code) in cases {
            let path = describe(word);
            assert_eq!(path.hardware_aes, hardware_aes, "{}", path.description);
            assert!(path.description.starts_with(code), "{}", path.description);
        }
    }
}
