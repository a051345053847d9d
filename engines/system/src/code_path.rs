//! Which AES code each library runs, from what it tells of itself, or from what it decides by where it tells nothing.

use sealab_engine::CodePath;

/// OpenSSL goes by the capability words that it shows: CPUID leaf 1 in the first, leaf 7 in the second.
///
/// By `crypto/cpuid.c`, `aes_platform.h` and the assembler's own tests: GCM takes VAES with AVX-512 since 3.1, XTS since
/// 3.5; GCM does so without asking for AES-NI.
pub(crate) fn openssl(settings: &str, version: &str) -> CodePath {
    let path = openssl_x86(settings, version).or_else(|| openssl_arm(settings));
    let (hardware_aes, code) = path.unwrap_or((false, "unknown code"));
    CodePath {
        hardware_aes,
        description: format!("{code}, by OpenSSL's CPU settings \"{settings}\""),
    }
}

fn openssl_x86(settings: &str, version: &str) -> Option<(bool, &'static str)> {
    const SSSE3: u64 = 1 << 41;
    const AES_NI: u64 = 1 << 57;
    const AVX512: u64 = 1 << 16 | 1 << 17 | 1 << 30 | 1 << 31;
    const VBMI2: u64 = 1 << 38;
    const VAES_VPCLMULQDQ: u64 = 1 << 41 | 1 << 42;

    let words = settings.strip_prefix("OPENSSL_ia32cap=")?;
    let words = words.split_whitespace().next()?;
    let mut words = words.split(':').map(word);
    let (first, second) = (words.next()??, words.next()??);
    let has = |word: u64, bits: u64| word & bits == bits;
    let since = |minor| minor_version(version) >= minor;
    let wide_gcm = since(1) && has(second, AVX512 | VAES_VPCLMULQDQ);
    let wide_xts = since(5) && wide_gcm && has(second, VBMI2);
    Some(match (has(first, AES_NI), wide_gcm) {
        (true, true) if wide_xts => (true, "AVX-512 VAES"),
        (true, true) => (true, "AVX-512 VAES in GCM, AES-NI elsewhere"),
        (true, false) => (true, "AES-NI"),
        (false, true) => (true, "AVX-512 VAES in GCM, software elsewhere"),
        (false, false) if has(first, SSSE3) => (false, "vpaes (SSSE3)"),
        (false, false) => (false, "software tables"),
    })
}

/// `arm_arch.h`: `ARMV8_AES` is bit 2, `ARMV7_NEON` bit 0.
fn openssl_arm(settings: &str) -> Option<(bool, &'static str)> {
    let capabilities = settings.strip_prefix("OPENSSL_armcap=")?;
    let capabilities = word(capabilities.split_whitespace().next()?)?;
    Some(match (capabilities & 1 << 2 != 0, capabilities & 1 != 0) {
        (true, _) => (true, "ARMv8 AES"),
        (false, true) => (false, "vpaes (NEON)"),
        (false, false) => (false, "software tables"),
    })
}

fn word(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// 5 of "3.5.1"; versions from 4 on count as newer than any 3.
fn minor_version(version: &str) -> u32 {
    let mut parts = version.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
    match (parts.next(), parts.next()) {
        (Some(3), Some(minor)) => minor,
        (Some(major), _) if major > 3 => u32::MAX,
        _ => 0,
    }
}

/// libgcrypt lists the features that it found and was not barred from; `rijndael.c` asks for nothing else.
pub(crate) fn gcrypt(features: &str) -> CodePath {
    let has = |name: &str| features.split(':').any(|feature| feature == name);
    let (hardware_aes, code) = if has("intel-aesni") {
        if has("intel-vaes-vpclmul") && has("intel-avx2") {
            (true, "VAES")
        } else {
            (true, "AES-NI")
        }
    } else if has("arm-aes") {
        (true, "ARMv8 AES")
    } else if has("ppc-vcrypto") || has("s390x-msa") {
        (true, "the CPU's AES instructions")
    } else if has("intel-ssse3") {
        (false, "vpaes (SSSE3)")
    } else {
        (false, "software tables")
    };
    CodePath {
        hardware_aes,
        description: format!("{code}, by libgcrypt's CPU features \"{features}\""),
    }
}

/// What decides over the AES code of GnuTLS and nettle on x86.
struct Deciding<'a> {
    /// CPUID says AES-NI, leaf 1 as this process sees it.
    aes_ni: bool,
    /// CPUID says SSSE3.
    ssse3: bool,
    /// CPUID leaf 0 says Intel or AMD; GnuTLS uses no code of its own on others.
    known_vendor: bool,
    /// `GNUTLS_CPUID_OVERRIDE`.
    gnutls_override: Option<&'a str>,
    /// `NETTLE_FAT_OVERRIDE`.
    nettle_override: Option<&'a str>,
}

/// GnuTLS tells nothing of the code that it takes, so this decides as `lib/accelerated/x86/x86-common.c` of GnuTLS and
/// `fat-x86_64.c` of nettle do, from the same CPUID leaves and variables. AES is nettle's wherever GnuTLS has no code of
/// its own for a mode, so the instructions are in use if either takes them.
fn decide(deciding: &Deciding<'_>) -> (bool, &'static str) {
    const EMPTY_SET: i64 = 1 << 0;
    const AES_NI: i64 = 1 << 1;
    const SSSE3: i64 = 1 << 2;

    // Set to 0, or to no number, the variable is as if it were not there.
    let capabilities = deciding.gnutls_override.map_or(0, leading_number);
    let allowed = |bit| capabilities == 0 || capabilities & EMPTY_SET == 0 && capabilities & bit != 0;
    let own_aes_ni = deciding.known_vendor && deciding.aes_ni && allowed(AES_NI);
    let own_vpaes = deciding.known_vendor && deciding.ssse3 && allowed(SSSE3);
    let nettle_aes_ni = match deciding.nettle_override {
        Some(list) => list.split(',').any(|word| word == "aesni"),
        None => deciding.aes_ni,
    };
    match (own_aes_ni, nettle_aes_ni) {
        (true, _) => (true, "AES-NI of GnuTLS"),
        (false, true) if own_vpaes => (true, "vpaes (SSSE3) of GnuTLS in GCM, AES-NI of nettle elsewhere"),
        (false, true) => (true, "AES-NI of nettle"),
        (false, false) if own_vpaes => (
            false,
            "vpaes (SSSE3) of GnuTLS in GCM, software tables of nettle elsewhere",
        ),
        (false, false) => (false, "software tables of nettle"),
    }
}

/// The number at the text's start, decimal, octal or hexadecimal, as C's `strtol` with base 0 reads it; 0 for none.
fn leading_number(text: &str) -> i64 {
    let text = text.trim_start();
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    i64::from_str_radix(&digits[..end], radix).unwrap_or(0)
}

/// The code path of GnuTLS in this process.
#[cfg(target_arch = "x86_64")]
pub(crate) fn gnutls() -> CodePath {
    use std::arch::x86_64::__cpuid;

    let (leaf0, leaf1) = (__cpuid(0), __cpuid(1));
    let vendor: Vec<u8> = [leaf0.ebx, leaf0.edx, leaf0.ecx]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .collect();
    let gnutls_override = std::env::var("GNUTLS_CPUID_OVERRIDE").ok();
    let nettle_override = std::env::var("NETTLE_FAT_OVERRIDE").ok();
    let (hardware_aes, code) = decide(&Deciding {
        aes_ni: leaf1.ecx & 1 << 25 != 0,
        ssse3: leaf1.ecx & 1 << 9 != 0,
        known_vendor: matches!(vendor.as_slice(), b"GenuineIntel" | b"AuthenticAMD"),
        gnutls_override: gnutls_override.as_deref(),
        nettle_override: nettle_override.as_deref(),
    });
    let set = |name, value: &Option<String>| match value {
        Some(value) => format!(", {name}={value}"),
        None => String::new(),
    };
    CodePath {
        hardware_aes,
        description: format!(
            "{code}, by CPUID{}{}",
            set("GNUTLS_CPUID_OVERRIDE", &gnutls_override),
            set("NETTLE_FAT_OVERRIDE", &nettle_override)
        ),
    }
}

/// The code path of GnuTLS in this process: what the CPU has, for GnuTLS and nettle have code for it.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn gnutls() -> CodePath {
    #[cfg(target_arch = "aarch64")]
    let hardware_aes = std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(target_arch = "aarch64"))]
    let hardware_aes = false;
    CodePath {
        hardware_aes,
        description: "by the CPU's features".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openssl_capabilities_name_their_code() {
        for (words, version, hardware_aes, code) in [
            (
                "0x7ffaf3ffffebffff:0x04405fdbf1bf0fff",
                "3.6.3",
                true,
                "AVX-512 VAES,",
            ),
            (
                "0x7ffaf3ffffebffff:0x04405fdbf1bf0fff",
                "3.2.1",
                true,
                "AVX-512 VAES in GCM, AES-NI",
            ),
            ("0x7ffaf3ffffebffff:0x04405fdbf1bf0fff", "3.0.19", true, "AES-NI,"),
            (
                "0x5df8f3fdffebffff:0x04405fdbf1bf0fff",
                "3.0.19",
                false,
                "vpaes (SSSE3),",
            ),
            (
                "0x5df8f3fdffebffff:0x04405fdbf1bf0fff",
                "3.1.0",
                true,
                "AVX-512 VAES in GCM, software",
            ),
            (
                "0x5df8f3fdffebffff:0x044059dbf1bf0fff",
                "4.0.0",
                false,
                "vpaes (SSSE3),",
            ),
            ("0x5df8f1fdffebffff:0x0", "3.0.19", false, "software tables,"),
        ] {
            let path = openssl(&format!("OPENSSL_ia32cap={words} env:~0x0"), version);
            assert_eq!(path.hardware_aes, hardware_aes, "{words}, {version}");
            assert!(
                path.description.starts_with(code),
                "{words}: {}",
                path.description
            );
        }
        assert!(openssl("OPENSSL_armcap=0x7d", "3.0.19").hardware_aes);
        assert!(!openssl("OPENSSL_armcap=0x1 env:1", "3.0.19").hardware_aes);
        assert!(openssl("", "3.0.19").description.starts_with("unknown code"));
    }

    #[test]
    fn libgcrypt_features_name_their_code() {
        for (features, hardware_aes, code) in [
            (
                "intel-ssse3:intel-aesni:intel-avx2:intel-vaes-vpclmul",
                true,
                "VAES,",
            ),
            ("intel-ssse3:intel-aesni:intel-vaes-vpclmul", true, "AES-NI,"),
            (
                "intel-ssse3:intel-avx2:intel-vaes-vpclmul",
                false,
                "vpaes (SSSE3),",
            ),
            ("arm-neon:arm-aes", true, "ARMv8 AES,"),
            ("", false, "software tables,"),
        ] {
            let path = gcrypt(features);
            assert_eq!(path.hardware_aes, hardware_aes, "{features}");
            assert!(
                path.description.starts_with(code),
                "{features}: {}",
                path.description
            );
        }
    }

    #[test]
    fn gnutls_decides_by_cpuid_and_both_variables() {
        let both = |gnutls_override, nettle_override| {
            decide(&Deciding {
                aes_ni: true,
                ssse3: true,
                known_vendor: true,
                gnutls_override,
                nettle_override,
            })
        };
        let elsewhere = "vpaes (SSSE3) of GnuTLS in GCM, software tables of nettle elsewhere";
        assert_eq!(both(None, None), (true, "AES-NI of GnuTLS"));
        assert_eq!(both(Some("0"), Some("none")), (true, "AES-NI of GnuTLS"));
        assert_eq!(both(Some("x"), Some("none")), (true, "AES-NI of GnuTLS"));
        assert_eq!(both(Some("0x1"), None), (true, "AES-NI of nettle"));
        assert_eq!(
            both(Some("0x1"), Some("none")),
            (false, "software tables of nettle")
        );
        assert_eq!(both(Some("0x34"), Some("none")), (false, elsewhere));
        assert_eq!(both(Some("064 "), Some("sha_ni")), (false, elsewhere));
        assert_eq!(both(Some("0x3e"), Some("none")), (true, "AES-NI of GnuTLS"));
        assert!(!both(Some("0x3f"), Some("none")).0);
        assert!(both(Some("1"), Some("sha_ni,aesni")).0);

        let masked = Deciding {
            aes_ni: false,
            ssse3: true,
            known_vendor: true,
            gnutls_override: None,
            nettle_override: None,
        };
        assert_eq!(decide(&masked), (false, elsewhere));
        let other = Deciding {
            aes_ni: true,
            known_vendor: false,
            ..masked
        };
        assert_eq!(decide(&other), (true, "AES-NI of nettle"));
    }
}
