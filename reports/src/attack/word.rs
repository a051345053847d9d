//! Verdicts in the words and classes of reports.

use sealab_attack_record::{Entry, Finding, Verdict};

use crate::numbers::counted;

/// A verdict in one short word, for tables.
pub(super) fn short(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotApplicable => "-",
        Verdict::Refused => "refused",
        Verdict::DetectedBeforeUse => "before",
        Verdict::DetectedAfterUse => "AFTER",
        Verdict::Undetected => "UNDETECTED",
        Verdict::Leaks => "LEAKS",
    }
}

/// The class of a cell of the page.
pub(super) fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotApplicable => "unsupported",
        Verdict::Refused | Verdict::DetectedBeforeUse => "passed",
        Verdict::DetectedAfterUse => "after",
        Verdict::Undetected | Verdict::Leaks => "wrong",
    }
}

/// What a guarantee of a format comes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// No act applies.
    Untested,
    /// It held against every act.
    Holds,
    /// It did not.
    Broken,
}

pub(super) fn standing(entry: &Entry<'_>) -> Standing {
    match entry.verdict {
        Verdict::NotApplicable => Standing::Untested,
        verdict if verdict.holds() => Standing::Holds,
        _ => Standing::Broken,
    }
}

/// `leaks in 3 of 8 acts`, or how many acts it held against.
pub(super) fn decided(entry: &Entry<'_>) -> String {
    let acts = counted(entry.applicable, "act", "acts");
    match standing(entry) {
        Standing::Untested => "no act applies".to_owned(),
        Standing::Holds => format!("against {acts}"),
        Standing::Broken => format!("{} in {} of {acts}", entry.verdict, entry.decided_by.len()),
    }
}

/// What a finding should have been.
pub(super) fn expected(finding: &Finding) -> String {
    match finding.expected {
        Some(expected) => format!("expected {expected}"),
        None => "nothing was expected".to_owned(),
    }
}
