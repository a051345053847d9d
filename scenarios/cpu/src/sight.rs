//! What this process sees of the CPU, as proof of its profile.

use std::env;
use std::sync::atomic::Ordering;

use crate::feature::{FEATURES, Feature};
use crate::imposed::{ANSWERED, MASK};
use crate::{Mechanism, Profile, cpuid};

/// What this process sees, one finding a line: the mask in force, the features that CPUID shows it, those that the
/// standard library detected, and the libraries' switches in its environment.
pub fn evidence(profile: &Profile) -> Vec<String> {
    let names = |names: Vec<&str>| {
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(" ")
        }
    };
    let mut lines = Vec::new();
    // Before this function adds its own.
    let answered = ANSWERED.load(Ordering::Relaxed);
    let shown = FEATURES
        .iter()
        .filter(|feature| cpuid::shows(&feature.flag))
        .map(|feature| feature.name);
    let shown = names(shown.collect());
    match MASK.get() {
        Some(mask) => lines.push(format!(
            "{} in force: {} CPUID instructions answered so far",
            mask.mechanism(),
            answered
        )),
        None => lines.push("CPUID not masked".to_owned()),
    }
    lines.push(format!("CPUID shows the executable: {shown}"));
    lines.push(format!(
        "the Rust standard library detects: {}",
        names(detected())
    ));
    for variable in profile.variables() {
        if let Some(value) = env::var_os(variable) {
            lines.push(format!("{variable}={}", value.to_string_lossy()));
        }
    }
    lines
}

/// What speaks against this process being under `profile`, as far as the CPU and the environment tell; none if the
/// profile holds. `engine` is the one that the process was started for: where only its library's switches can hide
/// the features from it, they must stand in the environment.
///
/// Whether the library heeds them, only the library can say: that is the code path that its engine tells.
pub fn contradictions(profile: &Profile, engine: &str) -> Vec<String> {
    let mut found = Vec::new();
    let expected = profile.switches(engine);
    let mask = MASK.get();
    for variable in profile.variables() {
        let expected = profile
            .environment()
            .get(variable)
            .or_else(|| expected?.get(variable));
        let value = env::var(variable).ok();
        match (value, expected) {
            (Some(value), Some(expected)) if value != *expected => {
                found.push(format!(
                    "{variable} is {value:?}, and the profile has {expected:?}"
                ));
            }
            (Some(value), None) => found.push(format!(
                "{variable} is {value:?}, and the profile does not set it"
            )),
            _ => {}
        }
    }
    if profile.features().is_empty() {
        if mask.is_some() {
            found.push("CPUID is masked, and the profile hides nothing".to_owned());
        }
        return found;
    }
    let reached = match mask.map(|mask| mask.mechanism()) {
        None => false,
        Some(Mechanism::CpuidTrap) => !profile.is_opened_at_run_time(engine),
        Some(_) => true,
    };
    if mask.is_some() {
        let detected = detected();
        for feature in profile.features() {
            let sees =
                |feature: &Feature| cpuid::shows(&feature.flag) || feature.details.iter().any(cpuid::shows);
            if sees(feature) {
                found.push(format!("CPUID shows {}", feature.name));
            }
            if detected.contains(&feature.name) {
                found.push(format!("the Rust standard library detects {}", feature.name));
            }
        }
    }
    if !reached {
        match expected {
            None => found.push(format!("nothing hides the features from {engine}")),
            Some(switches) => found.extend(
                switches
                    .keys()
                    .filter(|name| env::var_os(name).is_none())
                    .map(|name| {
                        format!("{name} is not set, and nothing else hides the features from {engine}")
                    }),
            ),
        }
    }
    found
}

/// What the standard library detects, by the kernel's names.
#[cfg(target_arch = "x86_64")]
fn detected() -> Vec<&'static str> {
    macro_rules! detected {
        ($($std:tt => $kernel:literal,)*) => {
            [$((std::arch::is_x86_feature_detected!($std), $kernel)),*]
        };
    }
    let all = detected! {
        "sse3" => "pni",
        "pclmulqdq" => "pclmulqdq",
        "ssse3" => "ssse3",
        "fma" => "fma",
        "cmpxchg16b" => "cx16",
        "sse4.1" => "sse4_1",
        "sse4.2" => "sse4_2",
        "movbe" => "movbe",
        "popcnt" => "popcnt",
        "aes" => "aes",
        "xsave" => "xsave",
        "avx" => "avx",
        "f16c" => "f16c",
        "rdrand" => "rdrand",
        "bmi1" => "bmi1",
        "avx2" => "avx2",
        "bmi2" => "bmi2",
        "avx512f" => "avx512f",
        "avx512dq" => "avx512dq",
        "rdseed" => "rdseed",
        "adx" => "adx",
        "avx512ifma" => "avx512ifma",
        "avx512cd" => "avx512cd",
        "sha" => "sha_ni",
        "avx512bw" => "avx512bw",
        "avx512vl" => "avx512vl",
        "avx512vbmi" => "avx512vbmi",
        "avx512vbmi2" => "avx512_vbmi2",
        "gfni" => "gfni",
        "vaes" => "vaes",
        "vpclmulqdq" => "vpclmulqdq",
        "avx512vnni" => "avx512_vnni",
        "avx512bitalg" => "avx512_bitalg",
        "avx512vpopcntdq" => "avx512_vpopcntdq",
        "avx512vp2intersect" => "avx512_vp2intersect",
        "avx512fp16" => "avx512_fp16",
        "avx512bf16" => "avx512_bf16",
        "sha512" => "sha512",
        "sm3" => "sm3",
        "sm4" => "sm4",
        "avxvnni" => "avx_vnni",
        "avxifma" => "avx_ifma",
        "lzcnt" => "abm",
        "sse4a" => "sse4a",
        "tbm" => "tbm",
    };
    all.into_iter()
        .filter_map(|(detected, name)| detected.then_some(name))
        .collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn detected() -> Vec<&'static str> {
    Vec::new()
}
