//! The CPU features that a profile can hide, and where CPUID shows each.
//!
//! Names are the kernel's (`/proc/cpuinfo`); where it shows none (`osxsave`, leaf 7 subleaf 1 from `sha512` on) they
//! follow its style. Places are those of Intel's manual, volume 2, "CPUID", and AMD's manual, volume 3, appendix E.

/// One of the registers that CPUID answers in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Register {
    Eax,
    Ebx,
    Ecx,
    Edx,
}

impl Register {
    pub(crate) const ALL: [Self; 4] = [Self::Eax, Self::Ebx, Self::Ecx, Self::Edx];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Eax => "eax",
            Self::Ebx => "ebx",
            Self::Ecx => "ecx",
            Self::Edx => "edx",
        }
    }
}

/// Bits of one register of one answer. Where the leaf has no subleaves, `subleaf` is `None` and stands for whatever
/// the caller left in ECX.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    pub(crate) leaf: u32,
    pub(crate) subleaf: Option<u32>,
    pub(crate) register: Register,
    pub(crate) bits: u32,
}

/// A CPU feature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Feature {
    pub(crate) name: &'static str,
    /// The bit that says the CPU has it.
    pub(crate) flag: Place,
    /// What else has to vanish with it.
    pub(crate) details: &'static [Place],
}

const fn flag(name: &'static str, leaf: u32, subleaf: Option<u32>, register: Register, bit: u32) -> Feature {
    Feature {
        name,
        flag: Place {
            leaf,
            subleaf,
            register,
            bits: 1 << bit,
        },
        details: &[],
    }
}

const fn leaf_1_ecx(name: &'static str, bit: u32) -> Feature {
    flag(name, 1, None, Register::Ecx, bit)
}

const fn leaf_7_ebx(name: &'static str, bit: u32) -> Feature {
    flag(name, 7, Some(0), Register::Ebx, bit)
}

const fn leaf_7_ecx(name: &'static str, bit: u32) -> Feature {
    flag(name, 7, Some(0), Register::Ecx, bit)
}

const fn leaf_7_edx(name: &'static str, bit: u32) -> Feature {
    flag(name, 7, Some(0), Register::Edx, bit)
}

const fn leaf_7_1_eax(name: &'static str, bit: u32) -> Feature {
    flag(name, 7, Some(1), Register::Eax, bit)
}

const fn leaf_7_1_edx(name: &'static str, bit: u32) -> Feature {
    flag(name, 7, Some(1), Register::Edx, bit)
}

const fn amd_ecx(name: &'static str, bit: u32) -> Feature {
    flag(name, 0x8000_0001, None, Register::Ecx, bit)
}

const fn with(feature: Feature, details: &'static [Place]) -> Feature {
    Feature {
        name: feature.name,
        flag: feature.flag,
        details,
    }
}

/// A whole leaf, all its subleaves.
const fn whole(leaf: u32) -> [Place; 4] {
    let mut places = [Place {
        leaf,
        subleaf: None,
        register: Register::Eax,
        bits: u32::MAX,
    }; 4];
    places[1].register = Register::Ebx;
    places[2].register = Register::Ecx;
    places[3].register = Register::Edx;
    places
}

/// The state components that AVX-512 adds: opmask, upper halves of ZMM0-15, ZMM16-31.
const ZMM_STATE: Place = Place {
    leaf: 0xd,
    subleaf: Some(0),
    register: Register::Eax,
    bits: 0b111 << 5,
};
/// The state component that AVX adds.
const YMM_STATE: Place = Place {
    leaf: 0xd,
    subleaf: Some(0),
    register: Register::Eax,
    bits: 1 << 2,
};
/// XGETBV with ECX = 1, XSAVEOPT, XSAVEC and XSAVES are told here, with the sizes of the state.
const XSAVE_LEAF: [Place; 4] = whole(0xd);
const AVX10_LEAF: [Place; 4] = whole(0x24);

/// Every feature that a profile can name.
pub(crate) const FEATURES: &[Feature] = &[
    leaf_1_ecx("pni", 0),
    leaf_1_ecx("pclmulqdq", 1),
    leaf_1_ecx("ssse3", 9),
    leaf_1_ecx("fma", 12),
    leaf_1_ecx("cx16", 13),
    leaf_1_ecx("sse4_1", 19),
    leaf_1_ecx("sse4_2", 20),
    leaf_1_ecx("movbe", 22),
    leaf_1_ecx("popcnt", 23),
    leaf_1_ecx("aes", 25),
    with(leaf_1_ecx("xsave", 26), &XSAVE_LEAF),
    leaf_1_ecx("osxsave", 27),
    with(leaf_1_ecx("avx", 28), &[YMM_STATE]),
    leaf_1_ecx("f16c", 29),
    leaf_1_ecx("rdrand", 30),
    leaf_7_ebx("fsgsbase", 0),
    leaf_7_ebx("bmi1", 3),
    leaf_7_ebx("avx2", 5),
    leaf_7_ebx("bmi2", 8),
    leaf_7_ebx("erms", 9),
    with(leaf_7_ebx("avx512f", 16), &[ZMM_STATE]),
    leaf_7_ebx("avx512dq", 17),
    leaf_7_ebx("rdseed", 18),
    leaf_7_ebx("adx", 19),
    leaf_7_ebx("avx512ifma", 21),
    leaf_7_ebx("clflushopt", 23),
    leaf_7_ebx("clwb", 24),
    leaf_7_ebx("avx512pf", 26),
    leaf_7_ebx("avx512er", 27),
    leaf_7_ebx("avx512cd", 28),
    leaf_7_ebx("sha_ni", 29),
    leaf_7_ebx("avx512bw", 30),
    leaf_7_ebx("avx512vl", 31),
    leaf_7_ecx("avx512vbmi", 1),
    leaf_7_ecx("waitpkg", 5),
    leaf_7_ecx("avx512_vbmi2", 6),
    leaf_7_ecx("gfni", 8),
    leaf_7_ecx("vaes", 9),
    leaf_7_ecx("vpclmulqdq", 10),
    leaf_7_ecx("avx512_vnni", 11),
    leaf_7_ecx("avx512_bitalg", 12),
    leaf_7_ecx("avx512_vpopcntdq", 14),
    leaf_7_ecx("rdpid", 22),
    leaf_7_ecx("movdiri", 27),
    leaf_7_ecx("movdir64b", 28),
    leaf_7_edx("avx512_4vnniw", 2),
    leaf_7_edx("avx512_4fmaps", 3),
    leaf_7_edx("fsrm", 4),
    leaf_7_edx("avx512_vp2intersect", 8),
    leaf_7_edx("amx_bf16", 22),
    leaf_7_edx("avx512_fp16", 23),
    leaf_7_edx("amx_tile", 24),
    leaf_7_edx("amx_int8", 25),
    leaf_7_1_eax("sha512", 0),
    leaf_7_1_eax("sm3", 1),
    leaf_7_1_eax("sm4", 2),
    leaf_7_1_eax("avx_vnni", 4),
    leaf_7_1_eax("avx512_bf16", 5),
    leaf_7_1_eax("cmpccxadd", 7),
    leaf_7_1_eax("amx_fp16", 21),
    leaf_7_1_eax("avx_ifma", 23),
    leaf_7_1_edx("avx_vnni_int8", 4),
    leaf_7_1_edx("avx_ne_convert", 5),
    leaf_7_1_edx("avx_vnni_int16", 10),
    with(leaf_7_1_edx("avx10", 19), &AVX10_LEAF),
    leaf_7_1_edx("apx_f", 21),
    amd_ecx("lahf_lm", 0),
    amd_ecx("abm", 5),
    amd_ecx("sse4a", 6),
    amd_ecx("misalignsse", 7),
    amd_ecx("xop", 11),
    amd_ecx("fma4", 16),
    amd_ecx("tbm", 21),
];

/// The feature of that name.
pub(crate) fn feature(name: &str) -> Option<&'static Feature> {
    FEATURES.iter().find(|feature| feature.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_features_share_a_name_or_a_flag() {
        for (index, one) in FEATURES.iter().enumerate() {
            assert_eq!(one.flag.bits.count_ones(), 1, "{}", one.name);
            for other in &FEATURES[index + 1..] {
                assert_ne!(one.name, other.name);
                assert_ne!(one.flag, other.flag, "{} and {}", one.name, other.name);
            }
        }
    }

    /// The kernel is the other witness of where each flag stands: what it lists, CPUID must show.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    #[test]
    fn every_feature_the_kernel_lists_stands_where_the_table_says() {
        let text = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let flags = text.lines().find(|line| line.starts_with("flags")).unwrap();
        let listed: Vec<_> = flags.split_whitespace().filter_map(feature).collect();
        assert!(!listed.is_empty());
        for feature in listed {
            assert!(
                crate::cpuid::shows(&feature.flag),
                "{} is not at {:?}",
                feature.name,
                feature.flag
            );
        }
    }
}
