//! The libraries' own switches for the CPU: each holds, is told of truly, and leaves the library correct.
//!
//! A library reads its switch when it is opened, so each case is a child process: this test program again, running
//! [`child`].

#![cfg(target_arch = "x86_64")]
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stand outside of the functions that are marked as tests"
)]

use std::io::Write;
use std::process::Command;

use sealab_engine::EngineError;
use sealab_engine_system::CANDIDATES;

/// Names the engine that the child is to open.
const ENGINE_VARIABLE: &str = "SEALAB_TEST_ENGINE";

/// Opens one engine, checks it against all vectors, and prints whether it uses the AES instructions.
#[test]
#[ignore = "run by the other tests, in a process of its own"]
fn child() {
    let id = std::env::var(ENGINE_VARIABLE).unwrap();
    let candidate = CANDIDATES.iter().find(|candidate| candidate.id == id).unwrap();
    match (candidate.open)() {
        Ok(engine) => {
            for primitive in engine.primitives() {
                sealab_vectors::check(&*engine, *primitive).unwrap();
            }
            let path = engine.code_path();
            println!("\nhardware_aes={} {}", path.hardware_aes, path.description);
        }
        Err(EngineError::Unavailable { reason }) => println!("\nunavailable {reason}"),
        Err(error) => panic!("{error}"),
    }
}

/// What the child says of engine `id` with the variables set: its code path, or nothing where the library is missing.
fn code_path(id: &str, variables: &[(&str, &str)]) -> Option<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--ignored", "--nocapture"]);
    for name in [
        "GNUTLS_CPUID_OVERRIDE",
        "NETTLE_FAT_OVERRIDE",
        "OPENSSL_ia32cap",
        "SEALAB_GCRYPT_DISABLE_HWF",
    ] {
        command.env_remove(name);
    }
    let output = command
        .env(ENGINE_VARIABLE, id)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{id}, {variables:?}: {said}");
    if let Some(reason) = said.lines().find_map(|line| line.strip_prefix("unavailable ")) {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{id}: {reason}");
        let _ = writeln!(std::io::stderr(), "SKIPPED {id}: {reason}");
        return None;
    }
    let line = said.lines().find(|line| line.starts_with("hardware_aes="));
    Some(line.unwrap_or_else(|| panic!("{id}: {said}")).to_owned())
}

#[test]
fn without_switches_the_cpus_aes_instructions_are_used() {
    if !std::is_x86_feature_detected!("aes") {
        return;
    }
    for candidate in &CANDIDATES {
        if let Some(said) = code_path(candidate.id, &[]) {
            assert!(said.starts_with("hardware_aes=true "), "{}: {said}", candidate.id);
        }
    }
}

#[test]
fn each_switch_turns_the_aes_instructions_off() {
    for (id, variables, code) in [
        (
            "gnutls",
            &[("GNUTLS_CPUID_OVERRIDE", "0x34"), ("NETTLE_FAT_OVERRIDE", "none")][..],
            "vpaes (SSSE3) of GnuTLS in GCM",
        ),
        (
            "gnutls",
            &[("GNUTLS_CPUID_OVERRIDE", "0x1"), ("NETTLE_FAT_OVERRIDE", "none")],
            "software tables of nettle",
        ),
        (
            "libgcrypt",
            &[(
                "SEALAB_GCRYPT_DISABLE_HWF",
                "intel-aesni,intel-pclmul,intel-vaes-vpclmul,intel-of-the-future",
            )],
            "vpaes (SSSE3)",
        ),
        (
            "libgcrypt",
            &[("SEALAB_GCRYPT_DISABLE_HWF", "all")],
            "software tables",
        ),
        (
            "system-openssl",
            &[("OPENSSL_ia32cap", "~0x200000200000000:~0x5e42dc230000")],
            "vpaes (SSSE3)",
        ),
        (
            "system-openssl",
            &[("OPENSSL_ia32cap", "~0xffffffff00000000:0x0")],
            "software tables",
        ),
    ] {
        if let Some(said) = code_path(id, variables) {
            let expected = format!("hardware_aes=false {code}");
            assert!(said.starts_with(&expected), "{id}, {variables:?}: {said}");
        }
    }
}

#[test]
fn half_a_switch_is_seen_through() {
    if !std::is_x86_feature_detected!("aes") {
        return;
    }
    for variables in [
        [("GNUTLS_CPUID_OVERRIDE", "0x1")],
        [("NETTLE_FAT_OVERRIDE", "none")],
    ] {
        if let Some(said) = code_path("gnutls", &variables) {
            assert!(said.starts_with("hardware_aes=true "), "{variables:?}: {said}");
        }
    }
}
