//! One row a case × implementation × CPU profile, and what rows are counted by.

use sealab_record::{Conformance, ConformanceSuite, Implementation, Remark, SuiteOutcome, Tally, Verdict};

/// One verdict with all that it is about.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) implementation: &'a Implementation,
    pub(super) suite: &'a ConformanceSuite,
    /// The case, as an index into the suite's.
    pub(super) index: usize,
    /// The case's number.
    pub(super) case: u32,
    pub(super) verdict: Verdict,
    pub(super) remark: Option<&'a Remark>,
}

impl<'a> Row<'a> {
    /// Why the case did not pass; a record that does not say is told so.
    pub(super) fn reason(&self) -> Option<&'a str> {
        if self.verdict == Verdict::Pass {
            return None;
        }
        let said = self.remark.map(|remark| remark.reason.as_str());
        said.or(self.implementation.unavailable.as_deref())
            .or(Some("no reason was recorded"))
    }

    /// The command that repeats this very case alone, not the first of those that share its remark.
    pub(super) fn repeat(&self) -> Option<&'a str> {
        self.remark
            .filter(|remark| remark.first == self.index && !remark.repeat.is_empty())
            .map(|remark| remark.repeat.as_str())
    }
}

/// Every suite through `implementation`.
pub(super) fn outcomes<'a>(
    run: &'a Conformance,
    implementation: &'a Implementation,
) -> impl Iterator<Item = (&'a ConformanceSuite, &'a SuiteOutcome)> {
    run.suites.iter().zip(&implementation.outcomes)
}

/// The rows of one suite through one implementation, in the cases' order.
pub(super) fn rows<'a>(
    implementation: &'a Implementation,
    suite: &'a ConformanceSuite,
    outcome: &'a SuiteOutcome,
) -> impl Iterator<Item = Row<'a>> + Clone {
    let cases = suite.cases.iter().zip(&outcome.verdicts).enumerate();
    cases.map(move |(index, (case, verdict))| Row {
        implementation,
        suite,
        index,
        case: *case,
        verdict: *verdict,
        remark: match verdict {
            Verdict::Pass => None,
            _ => outcome.remark(index),
        },
    })
}

/// Every row of `run`: implementations, suites and cases, each in its order.
pub(super) fn all_rows(run: &Conformance) -> impl Iterator<Item = Row<'_>> {
    run.implementations.iter().flat_map(move |implementation| {
        outcomes(run, implementation).flat_map(move |(suite, outcome)| rows(implementation, suite, outcome))
    })
}

/// The rows of a suite, counted.
pub(super) fn tally(suite: &ConformanceSuite, outcome: &SuiteOutcome) -> Tally {
    Tally::of(outcome.verdicts.iter().take(suite.cases.len()))
}

/// The rows of an implementation, counted.
pub(super) fn implementation_tally(run: &Conformance, implementation: &Implementation) -> Tally {
    outcomes(run, implementation)
        .map(|(suite, outcome)| tally(suite, outcome))
        .sum()
}

/// All rows, counted.
pub(super) fn run_tally(run: &Conformance) -> Tally {
    run.implementations
        .iter()
        .map(|implementation| implementation_tally(run, implementation))
        .sum()
}
