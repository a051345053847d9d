//! What a run found, in a sentence or two.

use sealab_record::{Conformance, Machine, Tally};

use super::bounded;
use super::disagreement::Wrong;
use super::matrix::by_name;
use super::row::run_tally;
use crate::machine::machine_facts;
use crate::numbers::{counted, whole};

/// How it ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// Something was checked, and all of it held.
    Agree,
    /// Something did not hold.
    Disagree,
    /// Nothing was checked.
    Nothing,
}

pub(super) fn outcome(tally: &Tally) -> Outcome {
    if tally.wrong() > 0 {
        Outcome::Disagree
    } else if tally.passed > 0 {
        Outcome::Agree
    } else {
        Outcome::Nothing
    }
}

/// `No implementation disagrees: …`, or which ones do.
pub(super) fn headline(run: &Conformance, wrongs: &[Wrong<'_>]) -> String {
    let tally = run_tally(run);
    let asked = tally.passed + tally.wrong();
    let names = by_name(run);
    let checked = names
        .iter()
        .filter(|named| {
            let verdicts = named.profiles.iter().flat_map(|(_, found)| found.verdicts());
            let tally = Tally::of(verdicts);
            tally.passed + tally.wrong() > 0
        })
        .count();
    match outcome(&tally) {
        Outcome::Nothing => "Nothing was checked: no case was answered.".to_owned(),
        Outcome::Agree => format!(
            "No disagreement: {}, {}, all as expected.",
            counted(checked, "implementation", "implementations"),
            counted(asked, "verdict", "verdicts"),
        ),
        Outcome::Disagree => {
            let mut disagreeing: Vec<&str> = wrongs.iter().map(|wrong| wrong.name).collect();
            disagreeing.dedup();
            format!(
                "{} of {} disagree with the vectors; wrong verdicts: {} of {}.",
                whole(disagreeing.len() as u64),
                counted(checked, "implementation", "implementations"),
                whole(tally.wrong() as u64),
                whole(asked as u64),
            )
        }
    }
}

/// `523,118 passed, 4 failed, …`: all six counts.
pub(super) fn counts(tally: &Tally) -> String {
    tally_parts(tally)
        .iter()
        .map(|(name, count)| format!("{} {name}", whole(*count as u64)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The six counts, each with its word.
pub(super) fn tally_parts(tally: &Tally) -> [(&'static str, usize); 6] {
    [
        ("passed", tally.passed),
        ("failed", tally.failed),
        ("crashed", tally.crashed),
        ("hung", tally.hung),
        ("unsupported", tally.unsupported),
        ("skipped", tally.skipped),
    ]
}

/// `16 implementations under 8 CPU profiles, 412 cases in 34 suites`.
pub(super) fn extent(run: &Conformance) -> String {
    let profiles: std::collections::BTreeSet<&str> = run
        .implementations
        .iter()
        .map(|implementation| implementation.cpu_profile.as_str())
        .collect();
    format!(
        "{} under {}, {} in {}",
        counted(by_name(run).len(), "implementation", "implementations"),
        counted(profiles.len(), "CPU profile", "CPU profiles"),
        counted(
            run.suites.iter().map(|suite| suite.cases.len()).sum(),
            "case",
            "cases"
        ),
        counted(run.suites.len(), "suite", "suites"),
    )
}

/// What of the machine bears on verdicts, name and value.
pub(super) fn machine(machine: &Machine) -> impl ExactSizeIterator<Item = (&'static str, String)> {
    let facts = machine_facts(machine).into_iter().filter(|fact| !fact.speed);
    let facts: Vec<_> = facts
        .map(|fact| (fact.name, bounded::sentence(&fact.value)))
        .collect();
    facts.into_iter()
}
