//! Disagreements that were looked into, as `harnesses/findings.yaml` lists them.

use std::collections::{BTreeMap, BTreeSet};

use sealab_record::{Conformance, Verdict};
use serde::Deserialize;

use crate::list::ListError;

const SHIPPED: &str = include_str!("../findings.yaml");

/// The findings that come with Sealab.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Findings {
    findings: Vec<Finding>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Finding {
    id: String,
    implementations: BTreeSet<String>,
    cases: BTreeMap<String, BTreeSet<u32>>,
}

impl Findings {
    /// The findings that come with Sealab.
    pub fn shipped() -> Result<Self, ListError> {
        serde_saphyr::from_str(SHIPPED).map_err(|error| ListError::new("harnesses/findings.yaml", &error))
    }

    /// Names the finding in the reason of every failure that is one; gives the number of wrong verdicts that are none.
    pub fn name(&self, run: &mut Conformance) -> usize {
        let mut unknown = 0;
        for implementation in &mut run.implementations {
            for (suite, outcome) in run.suites.iter().zip(&mut implementation.outcomes) {
                for remark in &mut outcome.remarks {
                    match outcome.verdicts[remark.first] {
                        Verdict::Fail => {
                            match self.of(&implementation.name, &suite.name, suite.cases[remark.first]) {
                                Some(id) => remark.reason.push_str(&format!(" (finding {id})")),
                                None => unknown += 1,
                            }
                        }
                        Verdict::Crash | Verdict::Hang => unknown += 1,
                        Verdict::Pass | Verdict::Skipped | Verdict::Unsupported => {}
                    }
                }
            }
        }
        unknown
    }

    fn of(&self, implementation: &str, suite: &str, case: u32) -> Option<&str> {
        let known = |finding: &&Finding| {
            finding.implementations.contains(implementation)
                && finding
                    .cases
                    .get(suite)
                    .is_some_and(|cases| cases.contains(&case))
        };
        self.findings
            .iter()
            .find(known)
            .map(|finding| finding.id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../docs/findings.md");

    #[test]
    fn each_finding_is_documented() {
        for finding in Findings::shipped().unwrap().findings {
            assert!(
                DOCUMENT.contains(&format!("## {}\n", finding.id)),
                "{}",
                finding.id
            );
        }
    }

    #[test]
    fn a_finding_is_of_its_implementation_suite_and_case_alone() {
        let findings = Findings::shipped().unwrap();
        let of = |implementation, suite, case| findings.of(implementation, suite, case);
        assert_eq!(
            of("c-nettle", "hkdf-sha256-wycheproof", 25),
            Some("nettle-hkdf-length")
        );
        assert_eq!(of("c-nettle", "hkdf-sha256-wycheproof", 26), None);
        assert_eq!(of("c-nettle", "hkdf-sha256-rfc5869", 25), None);
        assert_eq!(of("python", "hkdf-sha256-wycheproof", 25), None);
    }
}
