//! Which of the `aes` crate's implementations this process runs.

use sealab_engine::CodePath;

pub(crate) fn current() -> CodePath {
    let hardware_aes = aes::hardware_accelerated();
    CodePath {
        hardware_aes,
        description: format!(
            "{} (aes::hardware_accelerated() is {hardware_aes}; the rest is from the CPU features, which the crate \
             checks in the same way)",
            implementation(hardware_aes)
        ),
    }
}

/// The order in which the `aes` crate chooses (its `encrypt_with_backend`).
#[cfg(target_arch = "x86_64")]
fn implementation(hardware_aes: bool) -> &'static str {
    if !hardware_aes {
        SOFTWARE
    } else if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("vaes") {
        "VAES in 512-bit registers"
    } else if is_x86_feature_detected!("vaes") {
        "VAES in 256-bit registers"
    } else {
        "AES-NI"
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn implementation(hardware_aes: bool) -> &'static str {
    if hardware_aes {
        "the CPU's AES instructions"
    } else {
        SOFTWARE
    }
}

const SOFTWARE: &str = "software, fixsliced";
