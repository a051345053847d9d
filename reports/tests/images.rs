//! What reports say of images: jobs with and without sealing, and what went to and from a registry.

mod fixture;

use sealab_record::{CellStatus, Job, JobSample, Operation, Run, Space};
use sealab_report::{html, markdown, terminal};

const NAME: &str = "image-lazy-start";
/// The image, in bytes.
const BYTES: u64 = 64 << 20;

fn job(subject: &str, method: &str, operation: Operation, seconds: f64, transferred: u64) -> Job {
    Job {
        scenario: NAME.to_owned(),
        plane: "layer".to_owned(),
        subject: subject.to_owned(),
        size_bytes: BYTES,
        method: method.to_owned(),
        description: format!("what {method} does"),
        version: "1.2".to_owned(),
        operation,
        status: CellStatus::Measured,
        reason: None,
        verified: true,
        space: Some(Space {
            plain_bytes: BYTES,
            stored_bytes: BYTES / 8,
        }),
        metadata_bytes: Some(2048),
        samples: vec![JobSample {
            round: 0,
            wall_seconds: seconds,
            cpu_seconds: seconds,
            peak_bytes: 9 << 20,
            transferred_bytes: Some(transferred),
        }],
    }
}

fn run() -> Run {
    let mut run = fixture::empty();
    run.scenarios
        .push(fixture::scenario(NAME, "Some files of an image", ""));
    run.jobs.extend([
        job("5 % of the files", "skopeo", Operation::Open, 2.0, 66 << 20),
        job(
            "5 % of the files",
            "convergent-read",
            Operation::Open,
            0.5,
            5 << 20,
        ),
        job("second version", "skopeo", Operation::Seal, 1.0, 66 << 20),
        job("second version", "skopeo", Operation::Open, 2.0, 67 << 20),
        job("second version", "convergent", Operation::Seal, 3.0, 7 << 20),
        job("second version", "convergent", Operation::Open, 4.0, 68 << 20),
    ]);
    run
}

/// The line of `text` that holds all of `words`.
fn line<'a>(text: &'a str, words: &[&str]) -> &'a str {
    text.lines()
        .find(|line| words.iter().all(|word| line.contains(word)))
        .unwrap_or_else(|| panic!("no line has {words:?}:\n{text}"))
}

#[test]
fn what_is_only_opened_has_figures_too() {
    for text in [terminal(&run()), markdown(&run())] {
        let found = line(&text, &["convergent-read", "64 MiB", "0.500 s"]);
        for part in ["0.500 s", "0.250×", "87.5 %", "5 MiB", "9 MiB"] {
            assert!(found.contains(part), "{part}: {found}");
        }
        line(
            &text,
            &["method", "size", "open", "to skopeo", "stored", "transferred"],
        );
    }
    let expected = "In a registry, 5 % of the files 64 MiB can be read in 2.00 s by skopeo; it takes convergent-read \
                    0.250× of that time.";
    for text in [html(&run()), markdown(&run())] {
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn what_was_pushed_and_pulled_is_told_and_drawn() {
    for text in [terminal(&run()), markdown(&run())] {
        line(&text, &["convergent", "3.00 s", "4.00 s", "7 MiB, 68 MiB"]);
    }
    let page = html(&run());
    assert!(page.contains("7 MiB, 68 MiB"), "{page}");
    assert!(page.contains("2 KiB"), "{page}");
    // Two panels, each drawn for two widths.
    let drawings = page.matches("<svg").count() - page.matches("class=\"mark\"").count();
    assert_eq!(drawings, 2 * 2);
    // What is only pulled has no legend of what was pushed.
    assert_eq!(page.matches("pushed</li>").count(), 1);
}

#[test]
fn a_record_of_before_is_of_checkpoints_without_a_registry() {
    let mut json = serde_json::to_value(run()).unwrap();
    for job in json["jobs"].as_array_mut().unwrap() {
        let job = job.as_object_mut().unwrap();
        job.remove("plane").unwrap();
        job.remove("metadata_bytes").unwrap();
        let sample = job["samples"][0].as_object_mut().unwrap();
        sample.remove("transferred_bytes").unwrap();
    }
    let run: Run = serde_json::from_value(json).unwrap();
    assert!(run.jobs.iter().all(|job| job.plane == "checkpoint"));
    let text = markdown(&run);
    assert!(!text.contains("transferred"), "{text}");
    assert!(text.contains("A checkpoint of 5 % of the files"), "{text}");
}
