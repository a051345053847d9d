//! Starts this executable again under each shipped profile and has the child tell what it sees.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails loudly, which is what a test is for"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::process::{Command, ExitCode, Output};
use std::thread;

use sealab_cpu::{Launcher, Mechanism, Profile, Profiles, contradictions, evidence};

/// Linked into every executable: the standard library's detection, so any name that is not opened at run time.
const LINKED: &str = "rustcrypto";
const OPENED: &str = "system-openssl";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[1..] {
        ["worker", profile, engine] => worker(profile, engine),
        ["undefined"] => undefined(),
        // Whoever lists the tests gets none: they stand and fall together.
        ["--list", ..] => {}
        _ => return parent(),
    }
    ExitCode::SUCCESS
}

fn parent() -> ExitCode {
    let launcher = Launcher::new();
    let profiles = Profiles::shipped().unwrap();
    let availability = launcher.availability();
    for row in &availability {
        println!("{}: {}", row.mechanism, row.explanation);
    }
    native_is_native(&launcher, &profiles);
    if !availability.iter().any(|row| row.available) {
        // What is left is what the machine forbids; anything else is a fault of ours.
        let forbidden = [
            "an executable file in memory",
            "a trial process cannot be started",
            "CPU features can be",
        ];
        let reason = &availability.last().unwrap().explanation;
        assert!(
            forbidden.iter().any(|start| reason.starts_with(start)),
            "{reason}"
        );
        println!("SKIPPED: hidden_features_are_seen_nowhere and what builds on it: {reason}");
        let refused = env::var_os("CI").is_some_and(|value| value == "true");
        return if refused {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        };
    }
    hidden_features_are_seen_nowhere(&launcher, &profiles);
    opened_libraries_get_their_switches_where_the_mask_does_not_reach(&launcher, &profiles);
    a_mask_of_another_profile_is_noticed(&launcher, &profiles);
    a_malformed_mask_ends_the_process_before_main();
    other_undefined_instructions_still_kill(&launcher, &profiles);
    println!("ok");
    ExitCode::SUCCESS
}

/// What a worker says of itself: keys and values, as printed.
fn ask(launcher: &Launcher, profile: &Profile, engine: &str) -> (Mechanism, BTreeMap<String, String>) {
    let mut prepared = launcher.command(profile, engine).unwrap();
    let output = prepared
        .command
        .args(["worker", profile.id(), engine])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success(), "{output:?}");
    let pairs = said.lines().map(|line| line.split_once('=').unwrap());
    (
        prepared.mechanism,
        pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
    )
}

fn native_is_native(launcher: &Launcher, profiles: &Profiles) {
    let native = profiles.get("native").unwrap();
    let prepared = launcher.command(native, LINKED).unwrap();
    assert_eq!(prepared.mechanism, Mechanism::None);
    let cleared: BTreeSet<_> = prepared
        .command
        .get_envs()
        .filter(|(_, value)| value.is_none())
        .map(|(name, _)| name)
        .collect();
    for name in [
        "OPENSSL_ia32cap",
        "GNUTLS_CPUID_OVERRIDE",
        "NETTLE_FAT_OVERRIDE",
        "SEALAB_CPUID_MASK",
    ] {
        assert!(
            cleared.contains(std::ffi::OsStr::new(name)),
            "{name} is inherited"
        );
    }
    let (_, said) = ask(launcher, native, LINKED);
    assert_eq!(said["contradictions"], "");
    assert_eq!(said["std"], detected());
}

fn hidden_features_are_seen_nowhere(launcher: &Launcher, profiles: &Profiles) {
    for profile in profiles.iter().filter(|profile| !profile.hides().is_empty()) {
        let (mechanism, said) = ask(launcher, profile, LINKED);
        println!("{}: {said:#?}", profile.id());
        assert!(
            matches!(mechanism, Mechanism::CpuidFaulting | Mechanism::CpuidTrap),
            "{mechanism}"
        );
        assert_eq!(said["contradictions"], "");
        assert_eq!(said["thread"], "", "a thread sees what is hidden");
        assert!(
            said["evidence 0"].starts_with(&format!("{mechanism} in force: ")),
            "{}",
            said["evidence 0"]
        );
        let native = detected();
        let expected: Vec<_> = native
            .split(' ')
            .filter(|name| !profile.hides_feature(name))
            .collect();
        assert_eq!(
            said["std"],
            expected.join(" "),
            "all that is hidden, and nothing else"
        );
    }
}

fn opened_libraries_get_their_switches_where_the_mask_does_not_reach(
    launcher: &Launcher,
    profiles: &Profiles,
) {
    let no_aes = profiles.get("no-aes").unwrap();
    let reached = launcher
        .availability()
        .iter()
        .any(|row| row.available && row.mechanism == Mechanism::CpuidFaulting);
    let (mechanism, said) = ask(launcher, no_aes, OPENED);
    assert_eq!(said["contradictions"], "");
    assert_eq!(said["OPENSSL_ia32cap"].is_empty(), reached, "{mechanism}");
    assert_eq!(mechanism == Mechanism::LibrarySwitches, !reached);
    // The worker itself notices if they are missing, or if someone else has set them.
    let run = |change: &dyn Fn(&mut Command)| {
        let mut command = launcher.command(no_aes, OPENED).unwrap().command;
        change(command.args(["worker", "no-aes", OPENED]));
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let missing = run(&|command| _ = command.env_remove("OPENSSL_ia32cap"));
    assert_eq!(
        missing.contains("OPENSSL_ia32cap is not set"),
        !reached,
        "{missing}"
    );
    let other = run(&|command| _ = command.env("OPENSSL_ia32cap", "~0x0"));
    assert!(other.contains("OPENSSL_ia32cap is \"~0x0\""), "{other}");
    let unmasked = run(&|command| _ = command.env_clear());
    assert!(
        unmasked.is_empty() || unmasked.contains("nothing hides") || unmasked.contains("nothing else hides")
    );
}

fn a_mask_of_another_profile_is_noticed(launcher: &Launcher, profiles: &Profiles) {
    let told = |profile: &str| {
        let mut command = launcher
            .command(profiles.get("no-aes").unwrap(), LINKED)
            .unwrap()
            .command;
        String::from_utf8(command.args(["worker", profile, LINKED]).output().unwrap().stdout).unwrap()
    };
    let said = told("baseline");
    if detected().split(' ').any(|name| name == "ssse3") {
        assert!(
            said.contains("CPUID shows ssse3; the Rust standard library detects ssse3"),
            "{said}"
        );
    }
    let said = told("native");
    assert!(
        said.contains("CPUID is masked, and the profile hides nothing"),
        "{said}"
    );
}

fn a_malformed_mask_ends_the_process_before_main() {
    for (mask, complaint) in [
        ("", "part 1 must be"),
        ("cpuid-trap;at=10;1.ecx=zz", "part 3 must be"),
        ("cpuid-trap;1.ecx=2000000;at=0", "no trapped instruction"),
    ] {
        let output = again()
            .env("SEALAB_CPUID_MASK", mask)
            .args(["worker", "no-aes", LINKED])
            .output()
            .unwrap();
        refused(&output, complaint);
    }
}

fn refused(output: &Output, complaint: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(
        said.starts_with("sealab: ") && said.contains(complaint) && said.lines().count() == 1,
        "{said}"
    );
    assert!(output.stdout.is_empty(), "main ran");
}

fn other_undefined_instructions_still_kill(launcher: &Launcher, profiles: &Profiles) {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        const SIGILL: i32 = 4;
        let mut prepared = launcher.command(profiles.get("no-aes").unwrap(), LINKED).unwrap();
        let status = prepared.command.arg("undefined").status().unwrap();
        assert_eq!(status.signal(), Some(SIGILL), "{status}");
    }
    let _ = (launcher, profiles);
}

fn again() -> Command {
    Command::new(env::current_exe().unwrap())
}

fn worker(profile: &str, engine: &str) {
    let profiles = Profiles::shipped().unwrap();
    let profile = profiles.get(profile).unwrap();
    println!("std={}", detected());
    println!("contradictions={}", contradictions(profile, engine).join("; "));
    let profile_there = profile.clone();
    let there = thread::spawn(move || seen_by_cpuid(&profile_there))
        .join()
        .unwrap();
    println!("thread={there}");
    println!(
        "OPENSSL_ia32cap={}",
        env::var("OPENSSL_ia32cap").unwrap_or_default()
    );
    for (index, line) in evidence(profile).into_iter().enumerate() {
        println!("evidence {index}={line}");
    }
}

/// The features of a few that are told in a place of their own, as an independent witness of the crate's table.
#[cfg(target_arch = "x86_64")]
fn seen_by_cpuid(profile: &Profile) -> String {
    #[allow(
        unused_unsafe,
        reason = "the intrinsic has become safe in later versions of the compiler"
    )]
    // SAFETY: every x86-64 CPU has CPUID, and those with AES have leaf 7.
    let (one, seven) = unsafe {
        (
            std::arch::x86_64::__cpuid(1),
            std::arch::x86_64::__cpuid_count(7, 0),
        )
    };
    let seen = [
        ("aes", one.ecx >> 25),
        ("ssse3", one.ecx >> 9),
        ("avx2", seven.ebx >> 5),
        ("vaes", seven.ecx >> 9),
    ];
    let hidden = seen
        .into_iter()
        .filter(|(name, bits)| bits & 1 == 1 && profile.hides_feature(name));
    hidden.map(|(name, _)| name).collect::<Vec<_>>().join(" ")
}

#[cfg(not(target_arch = "x86_64"))]
fn seen_by_cpuid(_: &Profile) -> String {
    String::new()
}

/// What the standard library detects of features whose names are the kernel's too.
#[cfg(target_arch = "x86_64")]
fn detected() -> String {
    let all = [
        ("aes", is_x86_feature_detected!("aes")),
        ("pclmulqdq", is_x86_feature_detected!("pclmulqdq")),
        ("ssse3", is_x86_feature_detected!("ssse3")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("bmi2", is_x86_feature_detected!("bmi2")),
        ("gfni", is_x86_feature_detected!("gfni")),
        ("vaes", is_x86_feature_detected!("vaes")),
        ("vpclmulqdq", is_x86_feature_detected!("vpclmulqdq")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512vl", is_x86_feature_detected!("avx512vl")),
    ];
    all.into_iter()
        .filter(|(_, detected)| *detected)
        .map(|(name, _)| name)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(not(target_arch = "x86_64"))]
fn detected() -> String {
    String::new()
}

fn undefined() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: raises SIGILL, which is what this process was started for.
    unsafe {
        std::arch::asm!("ud2")
    }
}
