//! `sealab run` as a user calls it: a record that passes its schema, verified cells, and orderly ends.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const SMALL: &str = "\
name: small
title: A small one
description: For tests.
rounds: 6
sample_milliseconds: 1
matrix:
  - plane: page
    engines: [rustcrypto, aws-lc, ring]
    cpu_profiles: [native]
    formats: [aes-256-xts, aes-256-gcm, aes-256-ctr-hmac-sha256]
    operations: [seal, open]
    workloads:
      - memhog: {size: 64KiB, content: mixed}
    unit_bytes: [512, 4096]
  - plane: protobuf
    engines: [rustcrypto]
    cpu_profiles: [native]
    formats: [chacha20-poly1305]
    workloads:
      - messages: {set: criu, size: 64KiB}
  - plane: page
    engines: [rustcrypto]
    cpu_profiles: [native]
    formats: [aes-256-xts]
    workloads:
      - memhog: {size: 64KiB, content: random}
    threads: [1, 200]
";

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn sealab() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sealab"))
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn run(scenario: &Path, out: &Path) -> Output {
    sealab()
        .arg("run")
        .arg(scenario)
        .arg("--out")
        .arg(out)
        .output()
        .unwrap()
}

/// Processes that have `word` in their environment: a marked command and all that it started.
fn processes_marked(word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if String::from_utf8_lossy(&environment).contains(word) {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            found.push(String::from_utf8_lossy(&line).replace('\0', " "));
        }
    }
    found
}

#[test]
fn a_run_leaves_a_record_that_holds_what_it_must() {
    let folder = Folder::new("record");
    let out = folder.0.join("out");
    let output = run(&folder.file("small.yaml", SMALL), &out);
    assert!(output.status.success(), "{}", stderr(&output));

    let value: serde_json::Value = serde_json::from_slice(&fs::read(out.join("run.json")).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&sealab_record::json_schema()).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(&value)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");

    let run = sealab_record::read(&out.join("run.json")).unwrap();
    let with = |status| run.cells.iter().filter(move |cell| cell.status == status);
    use sealab_record::CellStatus::{Failed, Measured, Suspect, Unavailable, Unsupported};
    // 3 engines × 3 formats × 2 operations × 2 lengths, less what ring lacks (XTS, and CTR); messages; one thread.
    assert_eq!(with(Measured).count(), 36 - 8 + 1 + 1);
    assert_eq!(with(Unsupported).count(), 8);
    assert_eq!(with(Unavailable).count(), 1);
    assert_eq!(with(Failed).count() + with(Suspect).count(), 0);
    assert!(with(Unavailable).all(|cell| cell.reason.as_deref().unwrap().contains("200 threads")));
    for cell in with(Measured) {
        assert!(cell.verified && cell.samples.len() == 6 && cell.sample_conditions.len() == 6);
        let figure = cell.throughput_bytes_per_s.unwrap();
        assert!(0.0 < figure.low && figure.low <= figure.median && figure.median <= figure.high);
    }
    let gcm = with(Measured)
        .find(|cell| cell.format == "aes-256-gcm" && cell.unit_bytes == 4096)
        .unwrap();
    let space = gcm.space.unwrap();
    assert_eq!((space.plain_bytes, space.stored_bytes), (65536, 65536 + 16 * 28));

    let messages = run.cells.iter().find(|cell| cell.plane == "protobuf").unwrap();
    assert!(
        (40..400).contains(&messages.unit_bytes),
        "the mean length of a message"
    );

    for report in ["report.html", "report.md", "cells.csv"] {
        assert!(fs::metadata(out.join(report)).unwrap().len() > 500, "{report}");
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        printed.trim_end().ends_with("report.html"),
        "the last line is the report's path: {printed}"
    );
    assert!(
        !stderr(&output).contains('\r'),
        "no progress where there is no terminal"
    );

    let again = folder.0.join("again");
    let record = out.join("run.json");
    let output = sealab()
        .arg("report")
        .arg(&record)
        .arg("--out")
        .arg(&again)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let (first, second) = (
        fs::read(out.join("report.html")),
        fs::read(again.join("report.html")),
    );
    assert!(
        first.unwrap() == second.unwrap(),
        "a record reported again gives the same page"
    );
}

#[test]
fn wrong_scenarios_end_with_2_and_one_line() {
    let folder = Folder::new("wrong");
    for (name, text, words) in [
        (
            "engine.yaml",
            SMALL.replace("rustcrypto", "opensll"),
            "unknown engine \"opensll\"",
        ),
        ("key.yaml", SMALL.replace("title:", "tilte:"), "tilte"),
        ("size.yaml", SMALL.replace("64KiB", "-1"), "-1"),
        (
            "rounds.yaml",
            SMALL.replace("rounds: 6", "rounds: 0"),
            "rounds is 0",
        ),
        ("binary.yaml", "\u{1}\u{2}".to_owned(), "binary.yaml:1:"),
        ("brackets.yaml", "[".repeat(10 << 20), "larger than"),
    ] {
        let out = folder.0.join("out");
        let output = run(&folder.file(name, &text), &out);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{name}: {message}");
        assert_eq!(message.lines().count(), 1, "{name}: {message}");
        assert!(
            message.contains(name) && message.contains(words),
            "{name}: {message}"
        );
        assert!(!out.exists(), "{name}: nothing is written");
    }
    let path = folder.0.join("latin1.yaml");
    fs::write(&path, b"name: a\ntitle: caf\xe9\n").unwrap();
    let output = run(&path, &folder.0.join("out"));
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("latin1.yaml:2:11: a byte that is not UTF-8"),
        "{}",
        stderr(&output)
    );

    let output = run(Path::new("no-such-scenario"), &folder.0.join("out"));
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("aesni-vs-software, pages-memhog"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn what_a_machine_lacks_is_a_row_and_a_message() {
    let folder = Folder::new("missing");
    let text = SMALL.split("  - plane: protobuf").next().unwrap().replace(
        "memhog: {size: 64KiB, content: mixed}",
        "process: {command: [sealab-no-such-program], settle: 1s, limit: 1MiB}",
    );
    let out = folder.0.join("out");
    let output = run(&folder.file("missing.yaml", &text), &out);
    assert!(output.status.success(), "{}", stderr(&output));
    let run = sealab_record::read(&out.join("run.json")).unwrap();
    assert!(
        run.cells
            .iter()
            .all(|cell| cell.status == sealab_record::CellStatus::Unavailable)
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("sealab-no-such-program is not installed"));
}

const WHOLE: &str = "\
name: whole
title: A checkpoint
description: For tests.
criu:
  - programs: [mixture]
    sizes: [4MiB]
    methods: [copy, criu-pr2297, sealed-checkpoint, sealed-checkpoint-compressed]
    rounds: 1
    restore: true
";

/// The record of a run that holds, with its checks as `step: status`.
fn whole(folder: &Folder, criu: Option<&str>) -> (serde_json::Value, Vec<String>) {
    let scenario = folder.file("whole.yaml", WHOLE);
    let out = folder.0.join("out");
    let mut command = sealab();
    if let Some(criu) = criu {
        command.env("SEALAB_CRIU", criu);
    }
    let output = command
        .arg("run")
        .arg(&scenario)
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let record: serde_json::Value = serde_json::from_slice(&fs::read(out.join("run.json")).unwrap()).unwrap();
    let schema = sealab().args(["schema", "run"]).output().unwrap().stdout;
    let validator = jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap();
    assert!(validator.is_valid(&record));
    for job in record["jobs"].as_array().unwrap() {
        assert_eq!(job["status"], "measured", "{job}");
        assert_eq!(job["verified"], true, "{job}");
        assert_eq!(job["samples"].as_array().unwrap().len(), 1, "{job}");
    }
    let checks = record["checks"].as_array().unwrap().iter();
    let checks = checks
        .map(|check| {
            let text = |key: &str| check[key].as_str().unwrap().to_owned();
            format!("{}: {}", text("step"), text("status"))
        })
        .collect();
    (record, checks)
}

fn subjects(record: &serde_json::Value) -> Vec<String> {
    let jobs = record["jobs"].as_array().unwrap().iter();
    let mut subjects: Vec<String> = jobs
        .map(|job| job["subject"].as_str().unwrap().to_owned())
        .collect();
    subjects.dedup();
    subjects
}

#[test]
fn a_real_checkpoint_is_sealed_opened_and_restored() {
    let folder = Folder::new("whole");
    let (record, checks) = whole(&folder, None);
    if checks[0] != "dumped: measured" {
        let reason = record["checks"][0]["detail"].as_str().unwrap();
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "a real checkpoint did not run: {reason}"
        );
        println!("NOT RUN: a real checkpoint: {reason}");
        return;
    }
    assert_eq!(
        checks,
        ["dumped: measured", "opened: measured", "restored: measured"]
    );
    assert_eq!(subjects(&record), ["mixture"]);
    assert_eq!(record["jobs"].as_array().unwrap().len(), 8);
}

#[test]
fn other_sets_stand_in_where_no_criu_runs_and_the_record_says_so() {
    let folder = Folder::new("stand-in");
    let (record, checks) = whole(&folder, Some("/bin/false"));
    assert_eq!(
        checks,
        [
            "dumped: unavailable",
            "opened: measured",
            "restored: unavailable",
            "stands in: measured",
            "opened: measured"
        ]
    );
    assert_eq!(subjects(&record), ["mixture, made up", "golden set"]);
    let page = fs::read_to_string(folder.0.join("out/report.html")).unwrap();
    assert!(page.contains("a set that was made up stands in"), "{page}");
    assert!(page.contains("dumped by CRIU 4.1.1 (Debian 13) on another machine"));
}

#[test]
fn a_workload_that_does_not_fit_costs_only_its_own_cells() {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap();
    let available = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:")?.trim().strip_suffix(" kB"));
    if available.unwrap().parse::<u64>().unwrap() > 190 << 20 {
        // The largest workload there is fits three times; nothing can be shown here.
        return;
    }
    let folder = Folder::new("too-large");
    let text = SMALL.split("  - plane: protobuf").next().unwrap().replace(
        "      - memhog: {size: 64KiB, content: mixed}",
        "      - memhog: {size: 64KiB, content: mixed}\n      - memhog: {size: 64GiB, content: random}",
    );
    let out = folder.0.join("out");
    let output = run(&folder.file("large.yaml", &text), &out);
    assert!(output.status.success(), "{}", stderr(&output));
    let run = sealab_record::read(&out.join("run.json")).unwrap();
    use sealab_record::CellStatus::{Measured, Unavailable};
    for cell in &run.cells {
        if cell.workload.contains("64GiB") {
            assert_eq!(cell.status, Unavailable);
            assert!(
                cell.reason
                    .as_deref()
                    .unwrap()
                    .contains("bytes of memory are needed")
            );
        }
    }
    assert!(run.cells.iter().any(|cell| cell.status == Measured));
}

#[test]
fn a_reader_that_goes_away_does_not_hide_the_verdict() {
    let folder = Folder::new("pipe");
    let scenario = folder.file("small.yaml", SMALL);
    let script =
        "\"$0\" run \"$1\" --out \"$2\" 2>\"$3\" | true; exec 2>&-; \"$0\" run nosuch; echo $? >\"$4\"";
    let (errors, code) = (folder.0.join("errors"), folder.0.join("code"));
    let status = Command::new("sh")
        .args(["-c", script])
        .arg(env!("CARGO_BIN_EXE_sealab"))
        .args([&scenario, &folder.0.join("out"), &errors, &code])
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(fs::read_to_string(errors).unwrap(), "");
    assert_eq!(
        fs::read_to_string(code).unwrap().trim(),
        "2",
        "a closed standard error is no panic"
    );
}

#[test]
fn an_output_that_cannot_be_written_is_told_before_the_run() {
    let folder = Folder::new("unwritable");
    let scenario = folder.file("small.yaml", SMALL);
    let output = run(&scenario, &folder.file("a-file", "").join("out"));
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));

    let output = run(&scenario, Path::new("/proc/sealab"));
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn a_full_disk_leaves_no_half_written_record() {
    let folder = Folder::new("full");
    let scenario = folder.file("small.yaml", &SMALL.replace("rounds: 6", "rounds: 60"));
    let out = folder.0.join("out");
    // A limit on the length of files stands in for a full disk: the write fails in the middle. 160 blocks of 512
    // bytes are more than the workloads' shared memory and less than the record.
    let script = "trap '' XFSZ; ulimit -f 160; exec \"$0\" run \"$1\" --out \"$2\"";
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(env!("CARGO_BIN_EXE_sealab"))
        .args([&scenario, &out])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("run.json: cannot be written"),
        "{}",
        stderr(&output)
    );
    assert_eq!(
        fs::read_dir(&out).unwrap().count(),
        0,
        "nothing is left in the output folder"
    );
}

#[test]
fn an_interrupt_ends_the_run_and_leaves_nothing() {
    let folder = Folder::new("interrupt");
    let text = SMALL
        .replace("rounds: 6", "rounds: 1000")
        .replace("sample_milliseconds: 1", "sample_milliseconds: 1000");
    let mark = format!("sealab-test-{}", std::process::id());
    let text = text.replace(
        "memhog: {size: 64KiB, content: mixed}",
        "process: {command: [sleep, \"61\"], settle: 1s, limit: 1MiB}",
    );
    let scenario = folder.file("long.yaml", &text);
    for (signal, wait) in [("INT", 600), ("TERM", 4000)] {
        let out = folder.0.join(signal);
        let mut child = sealab()
            .arg("run")
            .arg(&scenario)
            .arg("--out")
            .arg(&out)
            .env("SEALAB_TEST_MARK", &mark)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        assert!(
            child.try_wait().unwrap().is_none(),
            "it still runs when it is interrupted"
        );
        assert!(
            processes_marked(&mark).len() > 1,
            "workers or the program run as well"
        );
        let pid = child.id().to_string();
        Command::new("kill")
            .args([&format!("-{signal}"), &pid])
            .status()
            .unwrap();
        let began = Instant::now();
        while child.try_wait().unwrap().is_none() && began.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("interrupted; nothing was written"),
            "{}",
            stderr(&output)
        );
        assert_eq!(
            fs::read_dir(&out).unwrap().count(),
            0,
            "nothing is left in the output folder"
        );
        assert_eq!(processes_marked(&mark), Vec::<String>::new());
    }
}
