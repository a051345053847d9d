//! CPU profiles as a user meets them: what is hidden is hidden from every library, and a refusal is a row.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn sealab(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_sealab"))
        .args(arguments)
        .output()
        .unwrap()
}

/// The rows of `sealab engines --json` by engine.
fn engines(profile: &str) -> BTreeMap<String, Value> {
    let output = sealab(&["engines", "--cpu", profile, "--json"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    rows.into_iter()
        .map(|row| (row["id"].as_str().unwrap().to_owned(), row))
        .collect()
}

/// Says by name what did not run; with `CI=true` that is a failure.
fn skipped(what: &str, why: &str) {
    // Past the test harness, which keeps what a passing test prints to itself.
    let _ = writeln!(std::io::stderr(), "SKIPPED {what}: {why}");
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{what} did not run: {why}"
    );
}

#[test]
fn every_engine_is_a_row_with_what_it_is() {
    let rows = engines("native");
    let mut ids: Vec<&str> = rows.keys().map(String::as_str).collect();
    ids.retain(|id| *id != "openssl");
    assert_eq!(
        ids,
        [
            "aws-lc",
            "gnutls",
            "graviola",
            "libgcrypt",
            "ring",
            "rustcrypto",
            "system-openssl",
            "xts-mode"
        ]
    );
    for (id, row) in &rows {
        if !row["available"].as_bool().unwrap() {
            assert!(!row["reason"].as_str().unwrap().is_empty(), "{id}");
            if ["gnutls", "libgcrypt", "system-openssl"].contains(&id.as_str()) {
                skipped(id, row["reason"].as_str().unwrap());
            }
            continue;
        }
        for field in ["library", "version", "code_path"] {
            assert!(!row[field].as_str().unwrap().is_empty(), "{id}: {field}");
        }
        assert!(!row["primitives"].as_array().unwrap().is_empty(), "{id}");
    }
    for id in ["rustcrypto", "xts-mode", "aws-lc", "ring"] {
        assert_eq!(rows[id]["available"], true, "{id}");
    }
}

#[test]
fn without_aes_no_library_believes_in_it_and_graviola_refuses() {
    if !cfg!(target_arch = "x86_64") {
        let rows = engines("no-aes");
        assert!(
            rows.values()
                .all(|row| row["available"] == false && row["reason"].is_string())
        );
        return;
    }
    for profile in ["no-aes", "baseline"] {
        let rows = engines(profile);
        let mut looked_at = 0;
        for (id, row) in &rows {
            if row["available"] == true {
                assert_eq!(row["hardware_aes"], false, "{profile} {id}: {}", row["code_path"]);
                assert!(!row["evidence"].as_array().unwrap().is_empty(), "{profile} {id}");
                assert_ne!(row["mechanism"], "none", "{profile} {id}");
                looked_at += 1;
            } else if id != "graviola" {
                skipped(&format!("{id} under {profile}"), row["reason"].as_str().unwrap());
            }
        }
        assert!(looked_at > 0);
        assert_eq!(rows["graviola"]["available"], false);
        let reason = rows["graviola"]["reason"].as_str().unwrap();
        assert!(reason.contains("aes"), "{reason}");
    }
}

#[test]
fn a_run_under_profiles_has_rows_without_crashes_or_suspects() {
    let folder = tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
    let scenario = folder.path().join("profiles.yaml");
    let text = "\
name: profiles
title: For tests
description: For tests.
rounds: 6
sample_milliseconds: 1
matrix:
  - plane: page
    cpu_profiles: all
    formats: [aes-256-gcm, aes-256-xts]
    workloads:
      - memhog: {size: 64KiB, content: mixed}
";
    std::fs::write(&scenario, text).unwrap();
    let out = folder.path().join("out");
    let output = sealab(&["run", scenario.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let run = sealab_record::read(&out.join("run.json")).unwrap();
    let engine = |id: &str, profile: &str| {
        run.engines
            .iter()
            .find(|row| row.id == id && row.cpu_profile == profile)
            .unwrap()
    };
    for cell in &run.cells {
        use sealab_record::CellStatus::{Measured, Unavailable, Unsupported};
        let expected = match engine(&cell.engine, &cell.cpu_profile) {
            row if !row.available => Unavailable,
            row if !row.primitives.contains(&cell.format) => Unsupported,
            _ => Measured,
        };
        let name = format!(
            "{} {} {}: {:?}",
            cell.engine, cell.cpu_profile, cell.format, cell.reason
        );
        assert_eq!(cell.status, expected, "{name}");
        assert_eq!(cell.status == Measured, cell.reason.is_none(), "{name}");
    }
    assert_eq!(run.cpu_profiles.len(), 4);
    let no_aes = run
        .cpu_profiles
        .iter()
        .find(|profile| profile.id == "no-aes")
        .unwrap();
    assert!(no_aes.hides.iter().any(|feature| feature == "aes"));
}

#[test]
fn a_shell_that_already_sets_switches_does_not_change_native() {
    let row = |variable: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealab"));
        command.args(["engines", "--json"]);
        if let Some(value) = variable {
            command.env("OPENSSL_ia32cap", value);
        }
        let output = command.output().unwrap();
        let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        rows.into_iter().find(|row| row["id"] == "aws-lc").unwrap()["code_path"].clone()
    };
    assert_eq!(row(Some("~0x200000200000000")), row(None));
}
