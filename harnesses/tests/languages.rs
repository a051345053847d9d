//! The harnesses in other languages: each passes every vector, or says that it lacks it, but for what is a known finding.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use std::path::Path;
use std::sync::atomic::AtomicBool;

use sealab_harness::{Findings, Listed, Plan, conform};
use sealab_record::{Conformance, ConformanceSuite, Machine};
use sealab_vectors::Suite;

/// Algorithms that a harness of the list is there for, at the least.
const FLOOR: &[&str] = &["aes-256-gcm", "hmac-sha256", "sha-256"];

#[test]
fn each_harness_passes_all_that_it_implements() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = Listed::read(folder).unwrap();
    assert_eq!(listed.len(), 7);
    let suites = Suite::shipped().unwrap();
    let plan = Plan {
        suites: &suites,
        only: None,
        subjects: listed.iter().map(Listed::subject).collect(),
        jobs: 2,
        interrupted: &AtomicBool::new(false),
    };
    let implementations = conform(plan, &|_, _, _| {}).unwrap();
    for implementation in &implementations {
        let name = &implementation.name;
        if let Some(reason) = &implementation.unavailable {
            assert!(std::env::var_os("CI").is_none(), "{name} did not run: {reason}");
            println!("NOT RUN: the harness {name}: {reason}");
            continue;
        }
        println!("{name}: {:?}", implementation.tally());
        for (suite, outcome) in suites.iter().zip(&implementation.outcomes) {
            if FLOOR.contains(&suite.algorithm.id) {
                assert!(
                    outcome.remarks.is_empty(),
                    "{name}, {}: {:?}",
                    suite.name,
                    outcome.remarks
                );
            }
        }
    }
    let mut run = Conformance {
        sealab_version: String::new(),
        started: String::new(),
        finished: String::new(),
        command: Vec::new(),
        machine: Machine::default(),
        suites: suites.iter().map(record).collect(),
        implementations,
    };
    let unknown = Findings::shipped().unwrap().name(&mut run);
    let outcomes = run
        .implementations
        .iter()
        .flat_map(|implementation| &implementation.outcomes);
    let wrong: Vec<String> = outcomes
        .flat_map(|outcome| &outcome.remarks)
        .filter(|remark| !remark.repeat.is_empty() && !remark.reason.contains("(finding "))
        .map(|remark| format!("{}: {} {:?}", remark.repeat, remark.reason, remark.difference))
        .collect();
    assert_eq!(unknown, wrong.len());
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

fn record(suite: &Suite) -> ConformanceSuite {
    ConformanceSuite {
        name: suite.name.clone(),
        algorithm: suite.algorithm.id.to_owned(),
        source: String::new(),
        licence: String::new(),
        left_out: Vec::new(),
        cases: suite.cases.iter().map(|case| case.id).collect(),
    }
}
