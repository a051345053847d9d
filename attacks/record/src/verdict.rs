//! How an act came out.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How an act came out for a format. In order: a later one is worse.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The format has nothing that the act could be done to.
    NotApplicable,
    /// The adversary did not get what it was after, and there was nothing to detect: it looked and found nothing; what
    /// it offered was not taken; or its change has no effect on what is handed out.
    Refused,
    /// The reader refused the changed bytes, and all that it had handed out by then was true.
    DetectedBeforeUse,
    /// The reader refused, but had handed out by then what was never sealed.
    DetectedAfterUse,
    /// The reader took it: what it handed out is not what was sealed, or not what it was asked for.
    Undetected,
    /// The adversary learns something of the content without the key.
    Leaks,
}

impl Verdict {
    /// All, the best first.
    pub const ALL: [Self; 6] = [
        Self::NotApplicable,
        Self::Refused,
        Self::DetectedBeforeUse,
        Self::DetectedAfterUse,
        Self::Undetected,
        Self::Leaks,
    ];

    /// The stable identifier, as in JSON.
    pub fn id(self) -> &'static str {
        match self {
            Self::NotApplicable => "not-applicable",
            Self::Refused => "refused",
            Self::DetectedBeforeUse => "detected-before-use",
            Self::DetectedAfterUse => "detected-after-use",
            Self::Undetected => "undetected",
            Self::Leaks => "leaks",
        }
    }

    /// Whether the guarantee that was tested held against the act.
    pub fn holds(self) -> bool {
        matches!(self, Self::Refused | Self::DetectedBeforeUse)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_verdicts_are_worse_and_identifiers_are_those_of_json() {
        assert!(Verdict::ALL.is_sorted());
        for verdict in Verdict::ALL {
            let json = serde_json::to_string(&verdict).unwrap();
            assert_eq!(json, format!("\"{verdict}\""));
        }
        for guarantee in crate::Guarantee::ALL {
            let json = serde_json::to_string(&guarantee).unwrap();
            assert_eq!(json, format!("\"{guarantee}\""));
        }
    }
}
