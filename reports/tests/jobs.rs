//! What reports say of whole jobs and checks.

mod fixture;

use fixture::job;
use sealab_record::Run;
use sealab_report::{html, markdown, terminal};

fn run() -> Run {
    let mut run = fixture::empty();
    run.scenarios
        .push(fixture::scenario(job::NAME, "Whole checkpoints", ""));
    job::add(&mut run);
    run
}

/// The line of `text` that holds all of `words`.
fn line<'a>(text: &'a str, words: &[&str]) -> &'a str {
    text.lines()
        .find(|line| words.iter().all(|word| line.contains(word)))
        .unwrap_or_else(|| panic!("no line has {words:?}:\n{text}"))
}

#[test]
fn the_largest_size_makes_the_headline() {
    let expected = "A checkpoint of memhog 1 GiB is stored in 0.500 s by copy; sealing it takes age 4.00×, \
                    sealed-checkpoint 0.800× of that time.";
    for text in [html(&run()), markdown(&run())] {
        assert!(text.contains(expected), "{text}");
    }
    let text = terminal(&run()).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(expected), "{text}");
}

#[test]
fn each_method_and_size_has_its_medians_beside_the_baseline() {
    for text in [terminal(&run()), markdown(&run())] {
        let found = line(&text, &["age", "64 MiB"]);
        // 2 s a GiB: 0.125 s for 64 MiB, half as much again to open.
        for part in ["0.125 s", "4.00×", "0.188 s", "+0.0977 %", "0.313 s"] {
            assert!(found.contains(part), "{part}: {found}");
        }
        line(&text, &["age", "64 MiB", "8.00 MiB"]);
        assert!(line(&text, &["gpg-symmetric", "1 GiB"]).contains("unavailable"));
        assert!(line(&text, &["gpg is not installed"]).contains("gpg-symmetric"));
    }
    let page = html(&run());
    // The least and the most of the rounds, in the page alone.
    assert!(page.contains("0.113 to 0.150 s"), "{page}");
    assert_eq!(
        page.matches("<svg").count() - page.matches("class=\"mark\"").count(),
        4 * 2
    );
}

#[test]
fn every_check_is_told_and_counted() {
    let expected = "checkpoint-peers: 1 step held, 1 failed, 1 cannot be done on this machine.";
    for text in [html(&run()), markdown(&run())] {
        assert!(text.contains(expected), "{text}");
        for step in ["dumped", "opened", "restored"] {
            assert!(
                text.contains(&format!("what was seen when it was {step}")),
                "{step}"
            );
        }
        assert!(text.contains("16 jobs: 0 failed; 3 steps: 1 failed"), "{text}");
    }
    let text = terminal(&run());
    assert!(
        line(&text, &["opened"]).contains("failed: what was seen"),
        "{text}"
    );
    assert!(line(&text, &["dumped"]).contains("held: what was seen"), "{text}");
}

#[test]
fn a_record_of_before_has_no_jobs() {
    let mut json = serde_json::to_value(fixture::full()).expect("a record");
    let record = json.as_object_mut().expect("an object");
    record.remove("jobs").expect("jobs");
    record.remove("checks").expect("checks");
    let run: Run = serde_json::from_value(json).expect("the older record");
    assert!(run.jobs.is_empty() && run.checks.is_empty());
    assert!(!markdown(&run).contains("steps held"));
}
