//! Which AES code runs. ring does not tell, so this makes the tests that its `aes_gcm.rs` makes.

use sealab_engine::CodePath;

/// The code path of this process.
pub(crate) fn code_path() -> CodePath {
    let (hardware_aes, code) = chosen();
    CodePath {
        hardware_aes,
        description: format!("{code}, inferred from the CPU features that the process sees"),
    }
}

#[cfg(target_arch = "x86_64")]
fn chosen() -> (bool, &'static str) {
    let ssse3 = is_x86_feature_detected!("ssse3");
    if ssse3 && is_x86_feature_detected!("aes") && is_x86_feature_detected!("pclmulqdq") {
        let wide = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("vaes")
            && is_x86_feature_detected!("vpclmulqdq");
        (true, if wide { "AVX2 VAES" } else { "AES-NI" })
    } else if ssse3 {
        (false, "vpaes (SSSE3)")
    } else {
        (false, "constant-time software")
    }
}

#[cfg(target_arch = "aarch64")]
fn chosen() -> (bool, &'static str) {
    let hardware_aes =
        std::arch::is_aarch64_feature_detected!("aes") && std::arch::is_aarch64_feature_detected!("pmull");
    (
        hardware_aes,
        if hardware_aes { "ARMv8 AES" } else { "vpaes (NEON)" },
    )
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn chosen() -> (bool, &'static str) {
    (false, "software")
}
