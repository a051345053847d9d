//! The CPU features that graviola requires, and those that it uses where it finds them.
//!
//! graviola's own tests (`cpu.rs` of each architecture) are these, by the same detection; where one fails it panics.

#[cfg(target_arch = "aarch64")]
use std::arch::is_aarch64_feature_detected as detected;
#[cfg(target_arch = "x86_64")]
use std::arch::is_x86_feature_detected as detected;

/// The names of the required features that this process does not see.
pub(crate) fn missing() -> Vec<&'static str> {
    named(&required())
}

fn named(features: &[(&'static str, bool)]) -> Vec<&'static str> {
    let missing = features.iter().filter(|(_, present)| !present);
    missing.map(|(name, _)| *name).collect()
}

#[cfg(target_arch = "x86_64")]
fn required() -> [(&'static str, bool); 6] {
    [
        ("aes", detected!("aes")),
        ("pclmulqdq", detected!("pclmulqdq")),
        ("bmi1", detected!("bmi1")),
        ("adx", detected!("adx")),
        ("avx", detected!("avx")),
        ("avx2", detected!("avx2")),
    ]
}

#[cfg(target_arch = "aarch64")]
fn required() -> [(&'static str, bool); 4] {
    [
        ("neon", detected!("neon")),
        ("aes", detected!("aes")),
        ("pmull", detected!("pmull")),
        ("sha2", detected!("sha2")),
    ]
}

/// The AES code that graviola chooses.
#[cfg(target_arch = "x86_64")]
pub(crate) fn aes_code() -> &'static str {
    let wide = detected!("avx512f")
        && detected!("avx512bw")
        && detected!("avx512vl")
        && detected!("vpclmulqdq")
        && detected!("vaes");
    if wide { "AVX-512 VAES" } else { "AES-NI" }
}

/// The AES code that graviola chooses.
#[cfg(target_arch = "aarch64")]
pub(crate) fn aes_code() -> &'static str {
    "ARMv8 AES"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_features_are_named() {
        assert_eq!(named(&[("a", false), ("b", true), ("c", false)]), ["a", "c"]);
    }

    /// Fails where graviola has come to require more than is asked for here.
    #[test]
    fn nothing_is_missing_where_graviola_runs() {
        let runs = std::panic::catch_unwind(|| graviola::aead::AesGcm::new(&[0; 16])).is_ok();
        assert_eq!(runs, missing().is_empty());
    }
}
