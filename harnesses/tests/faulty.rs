//! Harnesses with one deliberate fault each: every fault must be found, named and bounded, and the rest goes on.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sealab_harness::{Plan, Subject, conform};
use sealab_record::{Implementation, Tally, Verdict};
use sealab_vectors::Suite;

/// A choice of suites that has every operation, steals ciphertext and refuses.
const SUITES: &[&str] = &[
    "aes-128-xts-wycheproof",
    "aes-256-gcm-wycheproof",
    "aes-256-xts-sectors",
    "hmac-sha256",
    "sha-256",
];

fn suites() -> Vec<Suite> {
    let mut suites = Suite::shipped().unwrap();
    suites.retain(|suite| SUITES.contains(&suite.name.as_str()));
    assert_eq!(suites.len(), SUITES.len());
    suites
}

/// The program of examples/faulty.rs, which is built with the tests.
fn faulty(fault: &str) -> Subject {
    let this = std::env::current_exe().unwrap();
    let program = this.parent().unwrap().parent().unwrap().join("examples/faulty");
    assert!(program.exists(), "{} is missing", program.display());
    let mut command = Command::new(program);
    command.arg(fault);
    let mut subject = Subject::native(fault, Ok(command), format!("--harness faulty-{fault}"));
    subject.patience = Duration::from_secs(2);
    subject
}

fn run(subjects: Vec<Subject>, suites: &[Suite]) -> Vec<Implementation> {
    let plan = Plan {
        suites,
        only: None,
        subjects,
        jobs: 2,
        interrupted: &AtomicBool::new(false),
    };
    conform(plan, &|_, _, _| {}).unwrap()
}

fn one(fault: &str) -> (Implementation, Vec<Suite>) {
    let suites = suites();
    let mut implementations = run(vec![faulty(fault)], &suites);
    (implementations.remove(0), suites)
}

/// The suites and cases of that verdict, with their reasons.
fn of(implementation: &Implementation, suites: &[Suite], verdict: Verdict) -> Vec<(String, u32, String)> {
    let mut found = Vec::new();
    for (suite, outcome) in suites.iter().zip(&implementation.outcomes) {
        for (index, case) in suite.cases.iter().enumerate() {
            if outcome.verdicts[index] == verdict {
                let remark = outcome.remark(index).unwrap();
                found.push((suite.name.clone(), case.id, remark.reason.clone()));
            }
        }
    }
    found
}

#[test]
fn without_a_fault_everything_passes() {
    let (implementation, suites) = one("none");
    let cases: usize = suites.iter().map(|suite| suite.cases.len()).sum();
    let expected = Tally {
        passed: cases,
        ..Tally::default()
    };
    assert_eq!(implementation.tally(), expected);
    assert!(
        implementation
            .outcomes
            .iter()
            .all(|outcome| outcome.remarks.is_empty())
    );
}

#[test]
fn a_wrong_tail_is_found_where_ciphertext_is_stolen_and_nowhere_else() {
    let (implementation, suites) = one("wrong-tail");
    for (suite, outcome) in suites.iter().zip(&implementation.outcomes) {
        for (case, verdict) in suite.cases.iter().zip(&outcome.verdicts) {
            let length = case.values["msg"].octets().unwrap().len();
            let stolen = suite.algorithm.id.ends_with("-xts") && length % 16 != 0;
            let expected = if stolen { Verdict::Fail } else { Verdict::Pass };
            assert_eq!(*verdict, expected, "{} {}", suite.name, case.id);
        }
    }
    let xts = suites
        .iter()
        .position(|suite| suite.name == "aes-128-xts-wycheproof")
        .unwrap();
    let remark = implementation.outcomes[xts].remarks[0].clone();
    let difference = remark.difference.unwrap();
    let case = &suites[xts].cases[remark.first];
    assert_eq!(difference.operation, "encrypt");
    assert_eq!(difference.value, "ct");
    assert_eq!(difference.at, case.values["ct"].octets().unwrap().len() - 1);
    assert_ne!(difference.expected, difference.actual);
    assert_eq!(
        remark.repeat,
        format!(
            "sealab conform --suite aes-128-xts-wycheproof --case {} --harness faulty-wrong-tail --cpu native",
            case.id
        )
    );
}

#[test]
fn an_unchecked_tag_is_found_by_every_invalid_case() {
    let (implementation, suites) = one("tag-unchecked");
    let gcm = suites
        .iter()
        .position(|suite| suite.algorithm.id == "aes-256-gcm")
        .unwrap();
    for (case, verdict) in suites[gcm]
        .cases
        .iter()
        .zip(&implementation.outcomes[gcm].verdicts)
    {
        let expected = match case.verdict {
            sealab_vectors::Verdict::Valid => Verdict::Pass,
            sealab_vectors::Verdict::Invalid => Verdict::Fail,
        };
        assert_eq!(*verdict, expected, "case {}", case.id);
    }
    let failed = of(&implementation, &suites, Verdict::Fail);
    assert!(!failed.is_empty());
    assert!(
        failed
            .iter()
            .all(|(_, _, reason)| reason == "accepted what must be refused")
    );
}

#[test]
fn a_tweak_off_by_one_fails_every_xts_case() {
    let (implementation, suites) = one("tweak-off-by-one");
    for (suite, outcome) in suites.iter().zip(&implementation.outcomes) {
        let xts = suite.algorithm.id.ends_with("-xts");
        let expected = if xts { Verdict::Fail } else { Verdict::Pass };
        assert!(
            outcome.verdicts.iter().all(|verdict| *verdict == expected),
            "{}",
            suite.name
        );
    }
}

#[test]
fn a_reused_iv_fails_every_message_but_the_first_of_its_iv() {
    let (implementation, suites) = one("iv-reused");
    let gcm = suites
        .iter()
        .position(|suite| suite.algorithm.id == "aes-256-gcm")
        .unwrap();
    let first = &suites[gcm].cases[0].values["iv"];
    for (case, verdict) in suites[gcm]
        .cases
        .iter()
        .zip(&implementation.outcomes[gcm].verdicts)
    {
        let valid = case.verdict == sealab_vectors::Verdict::Valid;
        let expected = if valid && case.values["iv"] != *first {
            Verdict::Fail
        } else {
            Verdict::Pass
        };
        assert_eq!(*verdict, expected, "case {}", case.id);
    }
}

#[test]
fn one_direction_alone_is_no_pass() {
    let (implementation, suites) = one("one-way");
    for (suite, outcome) in suites.iter().zip(&implementation.outcomes) {
        let two = suite.algorithm.operations.len() == 2;
        let expected = if two { Verdict::Unsupported } else { Verdict::Pass };
        assert!(
            outcome.verdicts.iter().all(|verdict| *verdict == expected),
            "{}",
            suite.name
        );
    }
}

/// Each of these fails at its fifth request and at every fifth after a new start, until it has used up its starts.
#[test]
fn bad_manners_are_named_and_bounded() {
    let suites = suites();
    let cases: usize = suites.iter().map(|suite| suite.cases.len()).sum();
    let faults = [
        (
            "dies",
            Verdict::Crash,
            "exit status: 3; it said: dying on purpose",
        ),
        (
            "closes",
            Verdict::Crash,
            "the process ended before it answered: exit status: 0",
        ),
        (
            "not-json",
            Verdict::Fail,
            "the answer is not a JSON object on one line",
        ),
        (
            "not-utf8",
            Verdict::Fail,
            "the answer is not UTF-8 from byte 14 on",
        ),
        ("other-id", Verdict::Fail, "an answer to request 4000000, where "),
        ("huge", Verdict::Fail, "an answer of more than 4194304 bytes"),
        ("floods", Verdict::Fail, "an answer to request 0, where "),
    ];
    let found = run(
        faults.iter().map(|(fault, _, _)| faulty(fault)).collect(),
        &suites,
    );
    for ((fault, verdict, reason), implementation) in faults.iter().zip(&found) {
        let wrong = of(implementation, &suites, *verdict);
        assert_eq!(wrong.len(), 20, "{fault}: {wrong:?}");
        assert!(
            wrong.iter().all(|(_, _, said)| said.contains(reason)),
            "{fault}: {wrong:?}"
        );
        let tally = implementation.tally();
        assert_eq!(tally.wrong(), 20, "{fault}");
        assert!(tally.passed > 0, "{fault}: what came before counts");
        assert!(tally.skipped > 0, "{fault}: what came after was not asked");
        assert_eq!(tally.total(), cases, "{fault}");
    }
}

#[test]
fn a_process_that_hangs_gets_that_verdict_and_no_more_than_its_time() {
    let suites: Vec<Suite> = suites()
        .into_iter()
        .filter(|suite| suite.name == "sha-256")
        .collect();
    let found = run(vec![faulty("hangs")], &suites);
    let hung = of(&found[0], &suites, Verdict::Hang);
    // Hello is the first request, so the fifth, and with it every fifth, is the fourth case of a start.
    assert_eq!(hung.len(), suites[0].cases.len() / 4);
    assert!(
        hung.iter().all(|(_, _, reason)| reason == "no answer within 2s"),
        "{hung:?}"
    );
    assert_eq!(found[0].tally().passed, suites[0].cases.len() - hung.len());
}

#[test]
fn an_answer_without_its_value_fails_that_case_alone() {
    let (implementation, suites) = one("no-value");
    let failed = of(&implementation, &suites, Verdict::Fail);
    assert!(failed.len() > 20, "the process is not started anew for it");
    assert!(
        failed
            .iter()
            .all(|(_, _, reason)| reason.contains("the answer has no ")),
        "{failed:?}"
    );
    assert_eq!(implementation.tally().skipped, 0);
}

#[test]
fn output_beyond_what_was_asked_is_found() {
    let suites = suites();
    let found = run(vec![faulty("afterthought"), faulty("twice")], &suites);
    let failed = of(&found[0], &suites, Verdict::Fail);
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].2, "output beyond what was asked");
    // The second answer to a request stands where the next one's is due, every time.
    let failed = of(&found[1], &suites, Verdict::Fail);
    assert!(
        failed
            .iter()
            .all(|(_, _, reason)| reason.contains("an answer to request ")),
        "{failed:?}"
    );
    assert_eq!(failed.len(), 20);
}

#[test]
fn much_on_standard_error_is_no_harm() {
    let (implementation, suites) = one("floods-stderr");
    let cases: usize = suites.iter().map(|suite| suite.cases.len()).sum();
    assert_eq!(implementation.tally().passed, cases);
}

#[test]
fn what_cannot_start_is_missing_and_the_rest_still_runs() {
    let suites = suites();
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    std::fs::write(&text, "no program").unwrap();
    let absent = Command::new(folder.path().join("absent"));
    let subjects = vec![
        Subject::native("absent", Ok(absent), String::new()),
        Subject::native("text", Ok(Command::new(&text)), String::new()),
        faulty("old-protocol"),
        faulty("none"),
    ];
    let found = run(subjects, &suites);
    for (implementation, reason) in found.iter().zip([
        "cannot be started: No such file",
        "cannot be started: Permission denied",
        "hello: protocol 0; it must be 1",
    ]) {
        let unavailable = implementation.unavailable.as_deref().unwrap();
        assert!(unavailable.contains(reason), "{unavailable}");
        assert!(implementation.missing);
        assert_eq!(implementation.tally().skipped, implementation.tally().total());
        let skipped = of(implementation, &suites, Verdict::Skipped);
        assert!(skipped.iter().all(|(_, _, said)| said == unavailable));
    }
    assert_eq!(found[3].tally().wrong() + found[3].tally().skipped, 0);
}

#[test]
fn the_user_can_end_it() {
    let suites = suites();
    let plan = Plan {
        suites: &suites,
        only: None,
        subjects: vec![faulty("mute")],
        jobs: 1,
        interrupted: &AtomicBool::new(true),
    };
    assert!(conform(plan, &|_, _, _| {}).is_err());
}
