//! What the bench found, in a sentence.

use sealab_attack_record::AttackRun;

use crate::numbers::{counted, whole};

/// How a run ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// Every verdict was the expected one.
    Expected,
    /// Some verdict was not.
    Surprising,
    /// Nothing was attacked.
    Nothing,
}

pub(super) fn outcome(run: &AttackRun) -> Outcome {
    if run.findings.is_empty() {
        Outcome::Nothing
    } else if run.surprises().next().is_some() {
        Outcome::Surprising
    } else {
        Outcome::Expected
    }
}

/// `Every verdict is the expected one: …`, or how many are not.
pub(super) fn headline(run: &AttackRun) -> String {
    let surprises = run.surprises().count();
    let all = counted(run.findings.len(), "verdict", "verdicts");
    match outcome(run) {
        Outcome::Nothing => "Nothing was attacked.".to_owned(),
        Outcome::Expected => format!("Every verdict is the expected one: {all}."),
        Outcome::Surprising => format!(
            "{} of {all} differ from what was expected.",
            whole(surprises as u64)
        ),
    }
}

/// What was attacked by what.
pub(super) fn extent(run: &AttackRun) -> String {
    format!(
        "{} on {}, sealed and opened with {}",
        counted(run.acts.len(), "act", "acts"),
        counted(run.formats.len(), "format", "formats"),
        run.engine
    )
}
