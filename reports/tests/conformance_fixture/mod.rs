//! Made-up conformance runs: no library behaves as they say.

// Each test binary uses its own part.
#![allow(dead_code)]

use sealab_record::{
    Conformance, ConformanceSuite, Difference, Implementation, Machine, Remark, SuiteOutcome, Verdict,
};

/// What a hostile harness would put into every text: markup of every output, controls, overrides and no XML characters.
pub(crate) const HOSTILE: &str = "x\"'><script>alert(1)</script><img src=x onerror=alert(1)></td></style>]]>&amp;&|`*[a](b)\u{0}\u{1b}[31m\u{202e}\u{ffff}\r\n- # \\";

pub(crate) const PROFILES: [&str; 8] = [
    "native",
    "aes-ni",
    "no-aes",
    "baseline",
    "qemu-Nehalem",
    "qemu-Westmere",
    "qemu-Haswell",
    "qemu-max",
];
const ENGINES: [(&str, &str, &str); 9] = [
    ("rustcrypto", "RustCrypto aes", "0.9.4"),
    ("xts-mode", "xts-mode", "0.6.0"),
    ("openssl", "OpenSSL", "3.6.3"),
    ("aws-lc", "AWS-LC", "1.67.0"),
    ("ring", "ring", "0.17.14"),
    ("graviola", "graviola", "0.4.2"),
    ("system-openssl", "OpenSSL (Debian)", "3.0.22"),
    ("gnutls", "GnuTLS", "3.7.9"),
    ("libgcrypt", "libgcrypt", "1.10.1"),
];
const HARNESSES: [(&str, &str, &str); 7] = [
    ("python", "pyca/cryptography", "49.0.0 (OpenSSL 3.6.3)"),
    ("node", "node:crypto", "24.1.0 (OpenSSL 3.5.0)"),
    ("java", "JCE SunJCE", "21.0.8"),
    ("go", "crypto (standard library)", "go1.24.4"),
    ("c-gnutls", "GnuTLS", "3.7.9"),
    ("c-libgcrypt", "libgcrypt", "1.10.1"),
    ("c-nettle", "nettle", "3.8.1"),
];
const ALGORITHMS: [(&str, usize); 25] = [
    ("aes-128-xts", 600),
    ("aes-256-xts", 700),
    ("aes-128-gcm", 620),
    ("aes-256-gcm", 640),
    ("chacha20-poly1305", 410),
    ("aes-256-ctr", 120),
    ("aes-256-block", 80),
    ("hmac-sha256", 240),
    ("sha-256", 200),
    ("aes-kw", 300),
    ("aes-kwp", 412),
    ("hkdf-sha256", 86),
    ("rsa-oaep", 320),
    ("jwe", 90),
    ("aes-128-cbc-essiv-sha256", 34),
    ("aes-256-cbc-essiv-sha256", 34),
    ("dm-crypt-aes-256-gcm-random", 40),
    ("dm-crypt-aes-256-xts-hmac-sha256", 40),
    ("criu-pr2297-entry", 38),
    ("criu-pr2297-raw", 24),
    ("criu-pr2297-pages", 24),
    ("ocicrypt-layer", 30),
    ("ocicrypt-options", 22),
    ("aes-192-xts", 6),
    ("camellia-256-cbc", 4),
];

pub(crate) fn suite(name: &str, algorithm: &str, cases: usize) -> ConformanceSuite {
    ConformanceSuite {
        name: name.to_owned(),
        algorithm: algorithm.to_owned(),
        source: "Wycheproof, testvectors_v1, by way of the PyPI package made-up 1.2.3".to_owned(),
        licence: "Apache-2.0".to_owned(),
        left_out: vec![
            (12, "the tag has not 128 bits".to_owned()),
            (1_400, "not in the sample".to_owned()),
        ],
        // Numbers have gaps, as in real suites.
        cases: (0..cases as u32).map(|index| index * 2 + 1).collect(),
    }
}

pub(crate) fn implementation(name: &str, cpu_profile: &str, suites: &[ConformanceSuite]) -> Implementation {
    Implementation {
        name: name.to_owned(),
        library: format!("lib{name}"),
        version: "1.2.3".to_owned(),
        cpu_profile: cpu_profile.to_owned(),
        mechanism: "cpuid-faulting".to_owned(),
        code_path: "AES-NI, PCLMULQDQ".to_owned(),
        unavailable: None,
        missing: false,
        outcomes: suites
            .iter()
            .map(|suite| SuiteOutcome {
                verdicts: vec![Verdict::Pass; suite.cases.len()],
                remarks: Vec::new(),
            })
            .collect(),
    }
}

pub(crate) fn run(suites: Vec<ConformanceSuite>, implementations: Vec<Implementation>) -> Conformance {
    Conformance {
        sealab_version: "0.1.0".to_owned(),
        started: "2026-01-02T03:04:05Z".to_owned(),
        finished: "2026-01-02T03:06:55Z".to_owned(),
        command: ["sealab", "conform", "--out", "target/a run"]
            .map(str::to_owned)
            .to_vec(),
        machine: Machine {
            cpu_model: "Synthetic CPU @ 3.00GHz".to_owned(),
            architecture: "x86_64".to_owned(),
            cpu_features: ["aes", "pclmulqdq", "avx2", "vaes"].map(str::to_owned).to_vec(),
            kernel: "Linux 6.12.0".to_owned(),
            operating_system: "Debian GNU/Linux 12".to_owned(),
            hypervisor: Some("kvm".to_owned()),
            ..Machine::default()
        },
        suites,
        implementations,
    }
}

/// Gives cases `first..first + count` of a suite another verdict with a remark, in the implementations that `chosen` tells.
pub(crate) fn mark(
    run: &mut Conformance,
    chosen: impl Fn(&Implementation) -> bool,
    suite: &str,
    (first, count): (usize, usize),
    verdict: Verdict,
    reason: &str,
) {
    let place = run.suites.iter().position(|entry| entry.name == suite).unwrap();
    let number = run.suites[place].cases[first];
    for implementation in run.implementations.iter_mut().filter(|entry| chosen(entry)) {
        let wrong = matches!(verdict, Verdict::Fail | Verdict::Crash | Verdict::Hang);
        let repeat = if wrong {
            format!(
                "sealab conform --suite {suite} --case {number} --engine {} --cpu {}",
                implementation.name, implementation.cpu_profile
            )
        } else {
            String::new()
        };
        let difference = (verdict == Verdict::Fail).then(|| Difference {
            operation: "encrypt".to_owned(),
            value: "ct".to_owned(),
            at: 496 + first,
            expected: format!(
                "…91f0c3a1b2{:02x}5e4bd01177aa9c2f8e6d5b4a3928170605f4e3d2c1b0…",
                first % 256
            ),
            actual: format!(
                "…91f0c3a1b2{:02x}5e4b2e98cc01d37f10aa8273645546372819f0e1d2c3…",
                first % 256
            ),
        });
        let outcome = &mut implementation.outcomes[place];
        outcome.verdicts[first..first + count].fill(verdict);
        outcome.remarks.push(Remark {
            first,
            count,
            reason: reason.to_owned(),
            difference,
            repeat,
        });
        outcome.remarks.sort_by_key(|remark| remark.first);
    }
}

/// Makes implementations such that could not be had: all their cases are skipped.
pub(crate) fn unavailable(
    run: &mut Conformance,
    chosen: impl Fn(&Implementation) -> bool,
    missing: bool,
    reason: &str,
) {
    for implementation in run.implementations.iter_mut().filter(|entry| chosen(entry)) {
        implementation.unavailable = Some(reason.to_owned());
        implementation.missing = missing;
        implementation.version.clear();
        implementation.mechanism.clear();
        implementation.code_path.clear();
        for outcome in &mut implementation.outcomes {
            let count = outcome.verdicts.len();
            outcome.verdicts.fill(Verdict::Skipped);
            outcome.remarks = vec![Remark {
                first: 0,
                count,
                reason: reason.to_owned(),
                ..Remark::default()
            }];
        }
    }
}

/// Two suites through two implementations under two CPU profiles and a third that cannot be had; one of each verdict.
pub(crate) fn small() -> Conformance {
    let suites = vec![
        suite("xts-lengths", "aes-256-xts", 10),
        suite("gcm-nist", "aes-256-gcm", 4),
    ];
    let implementations = ["openssl", "ring", "java"]
        .iter()
        .flat_map(|name| ["native", "no-aes"].map(|profile| implementation(name, profile, &suites)))
        .collect();
    let mut run = run(suites, implementations);
    let openssl = |entry: &Implementation| entry.name == "openssl";
    mark(
        &mut run,
        openssl,
        "xts-lengths",
        (3, 1),
        Verdict::Fail,
        "ct differs",
    );
    let masked = |entry: &Implementation| entry.name == "openssl" && entry.cpu_profile == "no-aes";
    mark(
        &mut run,
        masked,
        "xts-lengths",
        (5, 1),
        Verdict::Crash,
        "the process was ended by signal 4",
    );
    mark(
        &mut run,
        masked,
        "gcm-nist",
        (0, 1),
        Verdict::Hang,
        "no answer within 10 s",
    );
    let ring = |entry: &Implementation| entry.name == "ring";
    mark(
        &mut run,
        ring,
        "xts-lengths",
        (0, 10),
        Verdict::Unsupported,
        "ring has no AES-XTS",
    );
    mark(
        &mut run,
        ring,
        "gcm-nist",
        (2, 2),
        Verdict::Unsupported,
        "no such nonce",
    );
    unavailable(
        &mut run,
        |entry| entry.name == "java",
        true,
        "java: no such program",
    );
    run
}

/// One suite in which three cases in a row crash, told of by one remark.
pub(crate) fn crashes() -> Conformance {
    let suites = vec![suite("s", "sha-256", 5)];
    let implementations = vec![implementation("c", "native", &suites)];
    let mut run = run(suites, implementations);
    mark(&mut run, |_| true, "s", (1, 3), Verdict::Crash, "it died");
    run
}

/// A run whose every text is hostile.
pub(crate) fn hostile() -> Conformance {
    let mut run = small();
    run.sealab_version = HOSTILE.to_owned();
    run.started = HOSTILE.to_owned();
    run.finished = HOSTILE.to_owned();
    run.command.push(HOSTILE.to_owned());
    run.machine.cpu_model = HOSTILE.to_owned();
    run.machine.operating_system = HOSTILE.to_owned();
    for suite in &mut run.suites {
        for text in [
            &mut suite.name,
            &mut suite.algorithm,
            &mut suite.source,
            &mut suite.licence,
        ] {
            text.push_str(HOSTILE);
        }
        suite.left_out.push((1, HOSTILE.to_owned()));
    }
    for entry in &mut run.implementations {
        for text in [
            &mut entry.name,
            &mut entry.library,
            &mut entry.version,
            &mut entry.cpu_profile,
            &mut entry.mechanism,
            &mut entry.code_path,
        ] {
            text.push_str(HOSTILE);
        }
        if let Some(reason) = &mut entry.unavailable {
            reason.push_str(HOSTILE);
        }
        for remark in entry.outcomes.iter_mut().flat_map(|outcome| &mut outcome.remarks) {
            remark.reason = format!("{HOSTILE} {}", "long ".repeat(200_000));
            if !remark.repeat.is_empty() {
                remark.repeat.push_str(HOSTILE);
            }
            if let Some(difference) = &mut remark.difference {
                difference.operation.push_str(HOSTILE);
                difference.value.push_str(HOSTILE);
                difference.expected = HOSTILE.to_owned();
                difference.actual = format!("{}{HOSTILE}", "f".repeat(1_000_000));
            }
        }
    }
    run
}

/// All cases pass: 600,000 rows and a few.
pub(crate) fn passes() -> Conformance {
    let suites: Vec<ConformanceSuite> = (0..30)
        .map(|index| suite(&format!("suite-{index}"), ALGORITHMS[index % 25].0, 250))
        .collect();
    let implementations = (0..81)
        .map(|index| implementation(&format!("engine-{}", index / 8), PROFILES[index % 8], &suites))
        .collect();
    run(suites, implementations)
}

/// Nine engines under eight CPU profiles and seven harnesses, over 25 algorithms, with something of everything.
pub(crate) fn large() -> Conformance {
    let mut suites = Vec::new();
    for (algorithm, cases) in ALGORITHMS {
        if cases > 300 {
            suites.push(suite(&format!("{algorithm}-wycheproof"), algorithm, cases / 2));
            suites.push(suite(
                &format!("{algorithm}-lengths"),
                algorithm,
                cases - cases / 2,
            ));
        } else {
            suites.push(suite(algorithm, algorithm, cases));
        }
    }
    let engine = |(name, library, version): &(&str, &str, &str), profile: &str| Implementation {
        library: (*library).to_owned(),
        version: (*version).to_owned(),
        mechanism: match profile {
            "native" => "none",
            _ if profile.starts_with("qemu") => "qemu-user",
            _ => "cpuid-faulting",
        }
        .to_owned(),
        code_path: match profile {
            "native" | "qemu-max" => "AES: VAES, AVX-512; GHASH: VPCLMULQDQ",
            "no-aes" => "AES: SSSE3 (vpaes); GHASH: table",
            "baseline" | "qemu-Nehalem" => "AES: portable, bitsliced; GHASH: portable",
            _ => "AES: AES-NI; GHASH: PCLMULQDQ",
        }
        .to_owned(),
        ..implementation(name, profile, &suites)
    };
    let mut implementations = Vec::new();
    for entry in &ENGINES {
        implementations.extend(PROFILES.iter().map(|profile| engine(entry, profile)));
    }
    implementations.extend(HARNESSES.iter().map(|entry| engine(entry, "native")));
    let mut run = run(suites, implementations);
    unsupported(&mut run);
    failures(&mut run);
    run
}

fn all_of(run: &mut Conformance, chosen: impl Fn(&Implementation) -> bool, algorithm: &str, reason: &str) {
    let suites: Vec<(String, usize)> = run
        .suites
        .iter()
        .filter(|suite| suite.algorithm == algorithm)
        .map(|suite| (suite.name.clone(), suite.cases.len()))
        .collect();
    for (suite, count) in suites {
        mark(run, &chosen, &suite, (0, count), Verdict::Unsupported, reason);
    }
}

fn unsupported(run: &mut Conformance) {
    let has_not: [(&str, &[&str]); 8] = [
        (
            "ring",
            &[
                "aes-128-xts",
                "aes-256-xts",
                "aes-192-xts",
                "aes-256-ctr",
                "aes-256-block",
                "aes-kw",
                "aes-kwp",
                "rsa-oaep",
                "jwe",
            ],
        ),
        (
            "xts-mode",
            &[
                "aes-128-gcm",
                "aes-256-gcm",
                "chacha20-poly1305",
                "aes-256-ctr",
                "hmac-sha256",
                "sha-256",
                "aes-kw",
                "aes-kwp",
                "rsa-oaep",
                "jwe",
                "hkdf-sha256",
            ],
        ),
        (
            "graviola",
            &[
                "aes-128-xts",
                "aes-kw",
                "aes-kwp",
                "rsa-oaep",
                "jwe",
                "aes-256-block",
            ],
        ),
        ("java", &["aes-128-xts", "aes-256-xts", "jwe"]),
        ("go", &["aes-128-xts", "aes-256-xts", "aes-kw", "aes-kwp", "jwe"]),
        ("c-gnutls", &["aes-kw", "aes-kwp", "jwe", "aes-256-ctr"]),
        ("c-libgcrypt", &["aes-kwp", "jwe"]),
        ("c-nettle", &["rsa-oaep", "jwe", "hkdf-sha256"]),
    ];
    for (name, algorithms) in has_not {
        for algorithm in algorithms {
            let reason = format!("{name} has no {algorithm}");
            all_of(run, |entry| entry.name == name, algorithm, &reason);
        }
    }
    let constructions: Vec<String> = run.suites[..]
        .iter()
        .map(|suite| suite.algorithm.clone())
        .filter(|name| {
            ["dm-crypt-", "criu-", "ocicrypt-"]
                .iter()
                .any(|begin| name.starts_with(begin))
                || name.contains("essiv")
        })
        .collect();
    for algorithm in constructions {
        for name in [
            "xts-mode", "ring", "graviola", "node", "java", "c-gnutls", "c-nettle",
        ] {
            all_of(
                run,
                |entry| entry.name == name,
                &algorithm,
                "not offered by this harness",
            );
        }
    }
    for algorithm in ["aes-192-xts", "camellia-256-cbc"] {
        all_of(
            run,
            |entry| entry.name != "c-libgcrypt" && entry.name != "ring",
            algorithm,
            "no such algorithm",
        );
    }
    mark(
        run,
        |entry| entry.name == "gnutls",
        "aes-256-gcm-wycheproof",
        (300, 20),
        Verdict::Unsupported,
        "a nonce of 8 bytes",
    );
    mark(
        run,
        |entry| entry.name == "c-nettle",
        "aes-kw",
        (100, 40),
        Verdict::Unsupported,
        "a key of 24 bytes",
    );
}

fn failures(run: &mut Conformance) {
    let masked =
        |entry: &Implementation| matches!(entry.cpu_profile.as_str(), "no-aes" | "baseline" | "qemu-Nehalem");
    unavailable(
        run,
        |entry| entry.name == "graviola" && masked(entry),
        false,
        "graviola refuses to run: it needs the CPU features aes, ssse3, pclmulqdq and avx2",
    );
    unavailable(
        run,
        |entry| entry.name == "java",
        true,
        "java: no such program; Debian has it in openjdk-21-jdk-headless",
    );
    for case in [17, 18, 33] {
        mark(
            run,
            |entry| entry.name == "openssl" && entry.cpu_profile.starts_with("qemu-N"),
            "aes-256-xts-lengths",
            (case, 1),
            Verdict::Fail,
            "ct has other bytes than expected: the last block of a message of 520 bytes",
        );
    }
    for case in 40..100 {
        mark(
            run,
            |entry| entry.name == "python",
            "aes-256-gcm-wycheproof",
            (case, 1),
            Verdict::Fail,
            "an error was due: the tag was changed",
        );
    }
    mark(
        run,
        |entry| entry.name == "libgcrypt",
        "jwe",
        (12, 1),
        Verdict::Fail,
        "msg has other bytes than expected",
    );
    mark(
        run,
        |entry| entry.name == "aws-lc" && entry.cpu_profile == "baseline",
        "chacha20-poly1305-lengths",
        (77, 1),
        Verdict::Crash,
        "the process was ended by signal 4 (illegal instruction); its last line: \"chacha20_poly1305_avx2\"",
    );
    mark(
        run,
        |entry| entry.name == "go",
        "rsa-oaep-wycheproof",
        (5, 1),
        Verdict::Hang,
        "no answer within 10 s",
    );
    mark(
        run,
        |entry| entry.name == "go",
        "rsa-oaep-wycheproof",
        (6, 1),
        Verdict::Fail,
        "the answer is not JSON: \"panic: runtime error\" at byte 0",
    );
}
