//! `sealab conform` as a user calls it: verdicts, exit codes, exports, and wrong calls told in one line.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn sealab(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sealab"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The JSON on standard output, and the exit code.
fn json(arguments: &[&str]) -> (Value, i32) {
    let mut all = vec!["conform", "--json", "-"];
    all.extend(arguments);
    let output = sealab(&all);
    let text = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text} {stderr}"));
    (value, output.status.code().unwrap())
}

/// A harness of a few lines of shell.
fn script(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Answers hello, and everything else with the SHA-256 of nothing.
const HONEST_ONCE: &str = r#"
while read -r line; do
  id=${line##*\"id\":}; id=${id%%[,\}]*}
  case $line in
    *hello*) echo '{"id":0,"protocol":1,"name":"s","library":"sh","version":"1","implements":["sha-256"]}' ;;
    *) echo "{\"id\":$id,\"digest\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}" ;;
  esac
done"#;

#[test]
fn engines_pass_and_the_summary_is_the_sum_of_the_rows() {
    let (value, code) = json(&[
        "--engine",
        "rustcrypto",
        "--engine",
        "ring",
        "--cpu",
        "native",
        "--cpu",
        "no-aes",
        "--suite",
        "aes-256-gcm",
        "--suite",
        "aes-128-xts-wycheproof",
    ]);
    assert_eq!(code, 0);
    let results = value["results"].as_array().unwrap();
    for (name, verdict) in [
        ("passed", "pass"),
        ("failed", "fail"),
        ("skipped", "skipped"),
        ("unsupported", "unsupported"),
        ("crashed", "crash"),
        ("hung", "hang"),
    ] {
        let rows = results.iter().filter(|row| row["verdict"] == verdict).count();
        assert_eq!(value["summary"][name], rows, "{name}");
    }
    assert_eq!(value["summary"]["failed"], 0);
    assert!(value["summary"]["passed"].as_u64().unwrap() > 200);
    // ring has no XTS, and says so under each profile.
    for row in results {
        let lacking = row["implementation"] == "ring" && row["suite"] == "aes-128-xts-wycheproof";
        assert_eq!(row["verdict"] == "unsupported", lacking, "{row}");
        assert!(["native", "no-aes"].contains(&row["cpu_profile"].as_str().unwrap()));
        assert_eq!(row["reason"].is_null(), row["verdict"] == "pass", "{row}");
    }
}

/// Every algorithm is had by an engine or by the lab's own key wrapping, but for one that no engine has the cipher of.
#[test]
fn our_own_implementations_have_every_algorithm_and_pass() {
    let (value, code) = json(&["--engine", "rustcrypto", "--engine", "keys", "--cpu", "native"]);
    assert_eq!((code, &value["summary"]["failed"]), (0, &Value::from(0)));
    let rows = value["results"].as_array().unwrap();
    let passed: BTreeSet<&str> = rows
        .iter()
        .filter(|row| row["verdict"] == "pass")
        .map(|row| row["suite"].as_str().unwrap())
        .collect();
    let algorithms = |suites: &dyn Fn(&&Value) -> bool| -> BTreeSet<&str> {
        let all = value["suites"].as_array().unwrap().iter();
        all.filter(suites)
            .map(|suite| suite["algorithm"].as_str().unwrap())
            .collect()
    };
    let had = algorithms(&|suite| passed.contains(suite["suite"].as_str().unwrap()));
    let lacking: Vec<&str> = algorithms(&|_| true).difference(&had).copied().collect();
    assert_eq!(lacking, ["aes-128-cbc-essiv-sha256"]);
}

#[test]
fn a_failure_is_shown_with_the_command_that_repeats_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    let harness = script(folder.path(), "honest-once", HONEST_ONCE);
    let (value, code) = json(&["--harness", &harness, "--suite", "sha-256"]);
    assert_eq!(code, 1);
    let rows = value["results"].as_array().unwrap();
    let wrong: Vec<&Value> = rows.iter().filter(|row| row["verdict"] == "fail").collect();
    assert_eq!(
        rows.len() - wrong.len(),
        2,
        "the digest of nothing stands in two suites"
    );
    let row = wrong[0];
    assert!(row["expected"] != row["actual"] && row["operation"] == "digest" && row["value"] == "digest");
    let repeat = row["repeat"].as_str().unwrap();
    assert_eq!(
        repeat,
        format!(
            "sealab conform --suite {} --case {} --harness '{harness}' --cpu native",
            row["suite"].as_str().unwrap(),
            row["case"]
        )
    );
    let arguments: Vec<&str> = repeat
        .split(' ')
        .skip(2)
        .map(|word| word.trim_matches('\''))
        .collect();
    let (alone, code) = json(&arguments);
    assert_eq!(code, 1);
    let rows = alone["results"].as_array().unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["case"], &rows[0]["actual"]),
        (&row["case"], &row["actual"])
    );
}

#[test]
fn a_harness_that_cannot_start_is_named_and_the_rest_still_runs() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "no program").unwrap();
    let text = text.to_str().unwrap();
    let (value, code) = json(&[
        "--harness",
        text,
        "--engine",
        "ring",
        "--cpu",
        "native",
        "--suite",
        "sha-256",
    ]);
    assert_eq!(code, 2);
    for row in value["results"].as_array().unwrap() {
        let (verdict, reason) = (
            row["verdict"].as_str().unwrap(),
            row["reason"].as_str().unwrap_or_default(),
        );
        if row["implementation"] == "ring" {
            assert_eq!(verdict, "pass");
        } else {
            assert_eq!(verdict, "skipped");
            assert!(
                reason.contains("cannot be started: Permission denied"),
                "{reason}"
            );
        }
    }
}

#[test]
fn vector_files_of_ones_own_run_and_broken_ones_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own.json");
    let text = r#"{"formatVersion": 1, "algorithm": "sha-256", "header": {"source": "own", "licence": "none", "notes": []},
        "numberOfTests": 1, "flags": {}, "testGroups": [{"tests": [{"tcId": 9, "comment": "", "flags": [], "msg": "",
        "digest": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "result": "valid"}]}]}"#;
    fs::write(&own, text).unwrap();
    let broken = folder.path().join("broken.json");
    fs::write(&broken, text.replace("\"digest\"", "\"disgest\"")).unwrap();
    let (own, broken) = (own.to_str().unwrap(), broken.to_str().unwrap());
    let base = [
        "--engine",
        "ring",
        "--cpu",
        "native",
        "--suite",
        "own",
        "--vectors",
        own,
    ];
    let (value, code) = json(&base);
    assert_eq!((code, &value["summary"]["passed"]), (0, &Value::from(1)));

    let mut arguments = vec!["conform", "--json", "-"];
    arguments.extend(
        base.iter()
            .chain(&["--vectors", broken, "--vectors", "/nowhere.json"]),
    );
    let output = sealab(&arguments);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains(&format!("{broken}, case 9: sha-256 has no value \"disgest\"")),
        "{stderr}"
    );
    assert!(stderr.contains("/nowhere.json: No such file"), "{stderr}");
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["summary"]["passed"], 1, "the rest still runs");
}

#[test]
fn wrong_calls_are_told_in_one_line() {
    for (arguments, expected) in [
        (
            &["--suite", "aes-512-xts"][..],
            "unknown suite \"aes-512-xts\"; `sealab conform --list` shows the suites",
        ),
        (
            &["--engine", "nss"][..],
            "unknown engine \"nss\"; there are rustcrypto, ",
        ),
        (
            &["--cpu", "qemu-486"][..],
            "unknown CPU profile \"qemu-486\"; there are native, ",
        ),
        (
            &["--suite", "sha-256", "--suite", "sha-256-nist", "--case", "1"][..],
            "--case needs exactly one suite",
        ),
        (
            &["--suite", "sha-256-nist", "--case", "999999"][..],
            "sha-256-nist has no case 999999",
        ),
        (
            &["--harnesses", "/nowhere", "--harness", "python"][..],
            "/nowhere/harnesses.yaml: No such file",
        ),
        (
            &["--harness", "python", "--cpu", "no-aes"][..],
            "nothing is left to run",
        ),
    ] {
        let mut all = vec!["conform"];
        all.extend(arguments);
        let output = sealab(&all);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn what_is_missing_fails_a_strict_run_alone() {
    let folder = tempfile::tempdir().unwrap();
    let list = "harnesses:\n  - {name: gone, library: none, command: [./gone], needs: a miracle}\n";
    fs::write(folder.path().join("harnesses.yaml"), list).unwrap();
    let harnesses = folder.path().to_str().unwrap();
    // Without a choice every engine runs, and what the list names.
    let everything = [
        "--harnesses",
        harnesses,
        "--cpu",
        "native",
        "--suite",
        "sha-256-nist",
    ];
    let (value, code) = json(&everything);
    assert_eq!(code, 0);
    let rows = value["results"].as_array().unwrap();
    assert!(
        rows.iter()
            .any(|row| row["implementation"] == "gone" && row["verdict"] == "skipped")
    );
    let mut strict = everything.to_vec();
    strict.push("--strict");
    assert_eq!(json(&strict).1, 1);
    strict.extend(["--engine", "ring"]);
    assert_eq!(json(&strict).1, 0);
    // By its name it is asked for, so it must be there.
    let mut named = everything.to_vec();
    named.extend(["--harness", "gone"]);
    let (value, code) = json(&named);
    assert_eq!(code, 2);
    let reasons: Vec<_> = value["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["reason"].as_str())
        .collect();
    assert!(
        reasons
            .iter()
            .all(|reason| *reason == "not on this machine; it needs a miracle"),
        "{reasons:?}"
    );
    assert!(!reasons.is_empty());
}

#[test]
fn the_exports_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let output = sealab(&[
        "conform",
        "--engine",
        "ring",
        "--cpu",
        "native",
        "--suite",
        "sha-256",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(0));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("conformance.html"), "{stdout}");
    for name in [
        "conformance.json",
        "junit.xml",
        "conformance.md",
        "conformance.html",
    ] {
        assert!(fs::metadata(out.join(name)).unwrap().len() > 100, "{name}");
    }
}

#[test]
fn a_worker_speaks_the_protocol_by_hand() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sealab"))
        .args(["worker", "--engine", "rustcrypto"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(
            b"{\"id\":0,\"operation\":\"hello\",\"protocol\":1}\n\
              {\"id\":7,\"algorithm\":\"sha-256\",\"operation\":\"digest\",\"msg\":\"616263\"}\n\
              {\"id\":8,\"algorithm\":\"sha-512\",\"operation\":\"digest\",\"msg\":\"\"}\n\
              {\"id\":9,\"algorithm\":\"aes-256-gcm\",\"operation\":\"open\",\"key\":\"00\",\"iv\":\"zz\"}\n\
              rubbish\n",
        )
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(
        (&lines[0]["name"], &lines[0]["protocol"]),
        (&Value::from("rustcrypto"), &Value::from(1))
    );
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(
        (&lines[1]["id"], &lines[1]["digest"]),
        (&Value::from(7), &Value::from(abc))
    );
    assert!(lines[2]["unsupported"].is_string() && lines[3]["unsupported"].is_string());
    assert!(lines[4]["error"].is_string() && lines[4]["id"].is_null());
}

/// The dispatch paths of every library: this machine's CPU profiles, and the CPUs that qemu emulates.
#[test]
fn every_engine_passes_under_every_cpu() {
    let suites = [
        "aes-256-xts-units",
        "aes-256-gcm-messages",
        "chacha20-poly1305-messages",
        "hmac-sha256-lengths",
    ];
    let mut arguments = Vec::new();
    for suite in suites {
        arguments.extend(["--suite", suite]);
    }
    for engine in sealab_engines() {
        arguments.extend(["--engine", engine]);
    }
    let (value, code) = json(&arguments);
    assert_eq!(
        (code, &value["summary"]["failed"]),
        (0, &Value::from(0)),
        "{}",
        value["summary"]
    );
    let mut ran = BTreeSet::new();
    for one in value["implementations"].as_array().unwrap() {
        let (name, profile) = (
            one["implementation"].as_str().unwrap(),
            one["cpu_profile"].as_str().unwrap(),
        );
        if let Some(reason) = one["reason"].as_str() {
            // graviola asks for a CPU; what the machine lacks must not pass unseen.
            if name == "graviola" && reason.starts_with("graviola requires CPU features") {
                continue;
            }
            assert!(
                std::env::var_os("CI").is_none(),
                "{name} did not run under {profile}: {reason}"
            );
            println!("NOT RUN: {name} under {profile}: {reason}");
            continue;
        }
        assert!(
            one["summary"]["passed"].as_u64().unwrap() > 0,
            "{name} under {profile}"
        );
        ran.insert((name, profile));
    }
    assert!(ran.contains(&("rustcrypto", "native")));
    // Emulated CPUs need the emulator alone, so one that runs without it would be none.
    if ran.iter().any(|(_, profile)| profile.starts_with("qemu-")) {
        for profile in ["qemu-Nehalem", "qemu-Westmere", "qemu-Haswell", "qemu-max"] {
            assert!(ran.contains(&("ring", profile)), "{profile}");
        }
        let path = |profile: &str| {
            let all = value["implementations"].as_array().unwrap();
            let found = all
                .iter()
                .find(|one| one["implementation"] == "rustcrypto" && one["cpu_profile"] == profile);
            found.unwrap()["code_path"].as_str().unwrap().to_owned()
        };
        assert_ne!(
            path("qemu-Nehalem"),
            path("qemu-max"),
            "the emulated CPU decides the code path"
        );
    }
}

fn sealab_engines() -> Vec<&'static str> {
    vec![
        "rustcrypto",
        "xts-mode",
        "aws-lc",
        "ring",
        "graviola",
        "system-openssl",
        "gnutls",
        "libgcrypt",
    ]
}
