//! `sealab attack` as a user calls it: verdicts, exit codes, exports, and wrong calls told in one line.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn sealab(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sealab"))
        .arg("attack")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The array on standard output, and the exit code.
fn json(arguments: &[&str]) -> (Vec<Value>, i32) {
    let mut all = vec!["--json", "-"];
    all.extend(arguments);
    let output = sealab(&all);
    let value: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {} {}", text(&output.stdout), text(&output.stderr));
    });
    (value.as_array().unwrap().clone(), output.status.code().unwrap())
}

fn verdict<'a>(findings: &'a [Value], act: &str) -> &'a str {
    let finding = findings.iter().find(|finding| finding["attack"] == act);
    finding.unwrap()["verdict"].as_str().unwrap()
}

#[test]
fn the_pull_requests_holes_come_out_and_are_expected() {
    let (findings, code) = json(&["--format", "criu-pr2297"]);
    assert_eq!(code, 0);
    for (act, expected) in [
        ("swap-pages-of-processes", "undetected"),
        ("canary-ghost-large", "leaks"),
        ("canary-ghost-small", "refused"),
        ("equal-pages", "leaks"),
        ("equal-blocks", "leaks"),
        ("flip-pages", "detected-before-use"),
        ("wrong-key", "refused"),
        ("strip-header", "refused"),
        ("flip-trailer", "not-applicable"),
    ] {
        assert_eq!(verdict(&findings, act), expected, "{act}");
    }
    let verdicts = [
        "detected-before-use",
        "detected-after-use",
        "undetected",
        "refused",
        "leaks",
        "not-applicable",
    ];
    let guarantees = [
        "confidentiality",
        "integrity",
        "freshness",
        "consistency",
        "atomicity",
        "anonymity",
        "authenticity",
    ];
    let mut seen = BTreeSet::new();
    for finding in &findings {
        assert_eq!(finding["format"], "criu-pr2297");
        assert!(
            guarantees.contains(&finding["guarantee"].as_str().unwrap()),
            "{finding}"
        );
        assert!(
            verdicts.contains(&finding["verdict"].as_str().unwrap()),
            "{finding}"
        );
        assert_eq!(finding["verdict"], finding["expected"], "{finding}");
        assert!(!finding["detail"].as_str().unwrap().is_empty(), "{finding}");
        assert!(
            seen.insert(finding["attack"].as_str().unwrap()),
            "twice: {finding}"
        );
    }
}

#[test]
fn formats_and_acts_are_chosen_and_both_must_be_known() {
    let acts = ["canary-log", "swap-entries"];
    let (findings, code) = json(&[
        "--format",
        "plain",
        "--format",
        "criu-pr2297",
        "--act",
        acts[0],
        "--act",
        acts[1],
    ]);
    assert_eq!(code, 0);
    let found: Vec<(&str, &str)> = findings
        .iter()
        .map(|finding| {
            (
                finding["format"].as_str().unwrap(),
                finding["attack"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("plain", acts[0]),
            ("plain", acts[1]),
            ("criu-pr2297", acts[0]),
            ("criu-pr2297", acts[1])
        ]
    );
    for (arguments, said) in [
        (["--format", "zip"], "unknown format \"zip\"; there are plain, "),
        (
            ["--act", "pray"],
            "unknown act \"pray\"; there are canary-memory, ",
        ),
    ] {
        let output = sealab(&arguments);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(said) && stderr.lines().count() == 1, "{stderr}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn volumes_are_attacked_beside_checkpoints() {
    let (findings, code) = json(&[
        "--format",
        "plain",
        "--format",
        "luks2-gcm",
        "--act",
        "flip-data",
        "--act",
        "crash-block-atomicity",
        "--act",
        "canary-log",
    ]);
    assert_eq!(code, 0);
    let found: Vec<[&str; 4]> = findings
        .iter()
        .map(|finding| ["plane", "format", "attack", "verdict"].map(|name| finding[name].as_str().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            ["checkpoint", "plain", "canary-log", "leaks"],
            ["volume", "plain", "flip-data", "undetected"],
            ["volume", "plain", "crash-block-atomicity", "undetected"],
            ["volume", "luks2-gcm", "flip-data", "detected-before-use"],
            [
                "volume",
                "luks2-gcm",
                "crash-block-atomicity",
                "detected-after-use"
            ],
        ]
    );
    // What repeats a violation is told.
    let detail = findings[2]["detail"].as_str().unwrap();
    assert!(detail.contains("seed 1, state "), "{detail}");
}

#[test]
fn images_are_attacked_beside_both() {
    let (findings, code) = json(&[
        "--format",
        "plain",
        "--format",
        "ocicrypt",
        "--format",
        "ocicrypt-stream",
        "--format",
        "nydus-unvalidated",
        "--act",
        "public-nonce",
        "--act",
        "chunk-of-18-bytes",
        "--act",
        "replay-set",
    ]);
    assert_eq!(code, 0);
    let found: Vec<[&str; 4]> = findings
        .iter()
        .map(|finding| ["plane", "format", "attack", "verdict"].map(|name| finding[name].as_str().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            ["checkpoint", "plain", "replay-set", "undetected"],
            ["layer", "plain", "public-nonce", "not-applicable"],
            ["layer", "plain", "chunk-of-18-bytes", "refused"],
            ["layer", "ocicrypt", "public-nonce", "detected-before-use"],
            ["layer", "ocicrypt", "chunk-of-18-bytes", "refused"],
            ["layer", "ocicrypt-stream", "public-nonce", "undetected"],
            ["layer", "ocicrypt-stream", "chunk-of-18-bytes", "refused"],
            [
                "layer",
                "nydus-unvalidated",
                "public-nonce",
                "detected-before-use"
            ],
            ["layer", "nydus-unvalidated", "chunk-of-18-bytes", "undetected"],
        ]
    );
}

/// A reader that is a program of others is left out where it is missing, by name; asked for, it is a wrong call.
#[test]
fn a_missing_reader_is_named() {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealab"));
        command.env("SEALAB_SKOPEO", "/nowhere/skopeo").arg("attack");
        command.args(arguments).stdin(Stdio::null()).output().unwrap()
    };
    let output = run(&["--act", "strip-table", "--json", "-"]);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(
        stderr.starts_with("sealab: ocicrypt-skopeo is not attacked: skopeo is missing"),
        "{stderr}"
    );
    let found: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(found.iter().any(|one| one["format"] == "ocicrypt"));
    assert!(found.iter().all(|one| one["format"] != "ocicrypt-skopeo"));

    let output = run(&["--format", "ocicrypt-skopeo", "--act", "strip-table"]);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("cannot be attacked here") && stderr.lines().count() == 1,
        "{stderr}"
    );
    // Where no image is attacked, nobody asks for it.
    let output = run(&["--format", "verity", "--act", "truncate"]);
    assert!(output.status.success() && output.stderr.is_empty());
}

#[test]
fn the_list_names_every_format_and_act() {
    let output = sealab(&["--list"]);
    assert_eq!(output.status.code(), Some(0));
    let list = text(&output.stdout);
    for name in [
        "plain",
        "criu-pr2297",
        "sealed-checkpoint",
        "swap-pages-of-processes (integrity)",
        "replay-set",
        "Formats of the plane checkpoint",
        "Acts of the plane volume",
        "luks2-gcm-journal",
        "crash-block-atomicity (atomicity)",
        "Formats of the plane layer",
        "ocicrypt-skopeo",
        "public-nonce (integrity)",
    ] {
        assert!(list.contains(name), "{name} is not in {list}");
    }
}

#[test]
fn files_are_written_and_the_table_says_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let (out, file) = (folder.path().join("out"), folder.path().join("findings.json"));
    let output = sealab(&[
        "--format",
        "plain",
        "--act",
        "numbers-in-names",
        "--act",
        "flip-trailer",
        "--out",
        out.to_str().unwrap(),
        "--json",
        file.to_str().unwrap(),
    ]);
    let table = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{table}");
    for line in [
        "numbers-in-names  LEAKS",
        "flip-trailer          -",
        "Every verdict is the expected one: 2 verdicts.",
    ] {
        assert!(table.contains(line), "{table}");
    }
    assert!(
        table
            .lines()
            .all(|line| line.starts_with("report: ") || line.chars().count() <= 100)
    );
    let findings = fs::read_to_string(&file).unwrap();
    assert_eq!(fs::read_to_string(out.join("attack.json")).unwrap(), findings);
    let value: Value = serde_json::from_str(&findings).unwrap();
    assert_eq!(value.as_array().unwrap().len(), 2);
    for (name, said) in [
        ("attack.html", "<h2>What each format guarantees</h2>"),
        ("attack.md", "| numbers-in-names | **leaks** |"),
    ] {
        let written = fs::read_to_string(out.join(name)).unwrap();
        assert!(written.contains(said), "{written}");
    }
    // Where it cannot be written, the call is wrong.
    let output = sealab(&[
        "--format",
        "plain",
        "--act",
        "replay-set",
        "--json",
        "/nowhere/findings.json",
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("/nowhere/findings.json"));
}
