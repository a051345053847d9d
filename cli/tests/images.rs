//! `sealab run` on images: every task with the real programs, held to what its figures must be.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use sealab_record::{CellStatus, Job, Operation, Run};
use tempfile::TempDir;

/// Says that a part did not run, which is a failure with `CI=true`.
fn not_run(what: &str, reason: &str) {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{what} did not run: {reason}"
    );
    println!("NOT RUN: {what}: {reason}");
}

/// Runs the scenario with the blocks `images`.
fn run(folder: &Path, images: &str) -> (Output, Run) {
    let scenario = folder.join("images.yaml");
    let text = format!("name: images\ntitle: Images\ndescription: For tests.\nrounds: 6\nimages:\n{images}");
    fs::write(&scenario, text).unwrap();
    let out = folder.join("out");
    let output = Command::new(env!("CARGO_BIN_EXE_sealab"))
        .arg("run")
        .arg(&scenario)
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(out.join("run.json").exists(), "{told}");
    let value: serde_json::Value = serde_json::from_slice(&fs::read(out.join("run.json")).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&sealab_record::json_schema()).unwrap();
    assert!(validator.is_valid(&value));
    (output, serde_json::from_value(value).unwrap())
}

/// What a run has that held: every job and check measured, but those whose programs are missing.
fn held(run: &Run) -> Vec<&Job> {
    for check in &run.checks {
        assert_eq!(check.status, CellStatus::Measured, "{check:?}");
    }
    let mut jobs = Vec::new();
    for job in &run.jobs {
        match job.status {
            CellStatus::Measured => {
                assert!(job.verified && !job.samples.is_empty(), "{job:?}");
                assert_eq!(job.plane, "layer");
                jobs.push(job);
            }
            CellStatus::Unavailable => not_run(&job.method, job.reason.as_deref().unwrap()),
            _ => panic!("{job:?}"),
        }
    }
    jobs
}

fn methods<'a>(jobs: &[&'a Job]) -> BTreeSet<&'a str> {
    jobs.iter().map(|job| job.method.as_str()).collect()
}

/// Bytes stored beside the plain ones.
fn stored(job: &Job) -> f64 {
    let space = job.space.unwrap();
    space.stored_bytes as f64 / space.plain_bytes as f64
}

#[test]
fn images_are_encrypted_and_decrypted_by_every_method_and_their_space_told() {
    let folder = TempDir::new().unwrap();
    let blocks = "  - encrypt: {content: random, sizes: [2MiB], methods: all, rounds: 2}\n  \
                  - space: {contents: [text], sizes: [4MiB], methods: [ocicrypt, convergent]}\n";
    let (output, run) = run(folder.path(), blocks);
    let jobs = held(&run);
    assert_eq!(output.status.code(), Some(0));
    if methods(&jobs).contains("skopeo") {
        assert_eq!(jobs.len(), 2 * (8 + 2));
    }
    for job in jobs {
        let text = job.subject == "text";
        assert_eq!(job.samples.len(), if text { 1 } else { 2 });
        let stored = stored(job);
        if text && job.method == "convergent" {
            // It compresses.
            assert!(stored < 0.5, "{job:?}");
        } else {
            assert!((0.999..1.02).contains(&stored), "{job:?}");
        }
        let space = job.space.unwrap();
        assert!(job.metadata_bytes.unwrap() < space.stored_bytes / 20, "{job:?}");
    }
    let page = fs::read_to_string(folder.path().join("out/report.md")).unwrap();
    assert!(
        page.contains("An image of random bytes 2 MiB is stored in"),
        "{page}"
    );
}

#[test]
fn a_second_version_adds_little_where_equal_chunks_are_kept_once() {
    let folder = TempDir::new().unwrap();
    let blocks = "  - dedup: {content: random, sizes: [32MiB], new: 0.1, rounds: 1, \
                  methods: [skopeo-copy, skopeo, ocicrypt, convergent]}\n";
    let (_, run) = run(folder.path(), blocks);
    let jobs = held(&run);
    let second = |method: &str| {
        let fits = |job: &&&Job| {
            job.method == method && job.subject.ends_with("the second") && job.operation == Operation::Seal
        };
        jobs.iter()
            .find(fits)
            .map(|job| (stored(job), job.samples[0].transferred_bytes.unwrap()))
    };
    let (Some((whole, all)), Some((part, some))) = (second("ocicrypt"), second("convergent")) else {
        return not_run("two versions", "no registry");
    };
    assert!(whole > 0.99, "{whole}");
    // A tenth of the bytes, in sixteen runs with at most a chunk at either end.
    assert!((0.08..0.35).contains(&part), "{part}");
    assert!((some as f64 / all as f64) < 0.35, "{some} of {all}");
    let told = run.checks.iter().find(|check| check.step == "stored").unwrap();
    assert!(told.detail.contains("ocicrypt 2.00, convergent 1."), "{told:?}");
}

#[test]
fn a_few_files_are_read_with_few_bytes() {
    let folder = TempDir::new().unwrap();
    let blocks = "  - lazy-start: {content: random, sizes: [32MiB], files: 0.05, rounds: 1, \
                  ways: [skopeo, ocicrypt, ocicrypt-seekable-read, chunked-aead-read, convergent-read]}\n";
    let (_, run) = run(folder.path(), blocks);
    if run.jobs.is_empty() {
        return not_run("a start", &format!("{:?}", run.checks));
    }
    let jobs = held(&run);
    for job in jobs {
        assert_eq!(job.operation, Operation::Open);
        let stored = job.space.unwrap().stored_bytes as f64;
        let part = job.samples[0].transferred_bytes.unwrap() as f64 / stored;
        if job.method.ends_with("-read") {
            assert!((0.03..0.1).contains(&part), "{job:?}");
        } else {
            assert!((0.99..1.1).contains(&part), "{job:?}");
        }
    }
}

#[test]
fn layers_are_cells_of_every_engine_and_profile() {
    let folder = TempDir::new().unwrap();
    let blocks = "  - layers: {engines: [rustcrypto, ring], cpu_profiles: [native, no-aes], content: text, sizes: [1MiB], \
                  formats: [ocicrypt, chunked-aead, convergent], operations: [seal, open], threads: [1]}\n";
    let (_, run) = run(folder.path(), blocks);
    assert_eq!(run.cells.len(), 2 * 2 * 3 * 2);
    for cell in &run.cells {
        assert_eq!(cell.plane, "layer");
        if cell.engine == "ring" && cell.format == "ocicrypt" {
            // It has no AES-CTR.
            assert_eq!(cell.status, CellStatus::Unsupported, "{cell:?}");
            continue;
        }
        if cell.status == CellStatus::Unavailable {
            not_run(&cell.cpu_profile, cell.reason.as_deref().unwrap());
            continue;
        }
        assert_eq!(cell.status, CellStatus::Measured, "{cell:?}");
        assert!(cell.verified && cell.samples.len() == 6);
        let space = cell.space.unwrap();
        let part = space.stored_bytes as f64 / space.plain_bytes as f64;
        assert_eq!(part < 0.5, cell.format == "convergent", "{cell:?}");
    }
}
