//! The guarantee matrix: guarantee × format, the worst verdict deciding.

use crate::{AttackRun, Finding, FormatUnderAttack, Guarantee, Verdict};

/// Guarantee × format.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Matrix<'a> {
    /// The guarantees that some act tested, in order.
    pub guarantees: Vec<Guarantee>,
    /// For each guarantee an entry for each of the run's formats.
    pub entries: Vec<Vec<Entry<'a>>>,
}

/// What came out for one guarantee of one format.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry<'a> {
    /// The worst verdict; [`Verdict::NotApplicable`] if no act was applicable.
    pub verdict: Verdict,
    /// The acts that came out so, the others left out.
    pub decided_by: Vec<&'a Finding>,
    /// How many acts were applicable.
    pub applicable: usize,
}

impl<'a> Matrix<'a> {
    /// The matrix of a run.
    pub fn of(run: &'a AttackRun) -> Self {
        let tested = |guarantee: &Guarantee| run.findings.iter().any(|one| one.guarantee == *guarantee);
        let guarantees: Vec<Guarantee> = Guarantee::ALL.into_iter().filter(tested).collect();
        let entries = guarantees
            .iter()
            .map(|guarantee| {
                let formats = run.formats.iter();
                formats.map(|format| Entry::of(run, format, *guarantee)).collect()
            })
            .collect();
        Self { guarantees, entries }
    }
}

impl<'a> Entry<'a> {
    fn of(run: &'a AttackRun, format: &FormatUnderAttack, guarantee: Guarantee) -> Self {
        let findings: Vec<&Finding> = run
            .findings
            .iter()
            .filter(|one| one.plane == format.plane && one.format == format.id && one.guarantee == guarantee)
            .filter(|one| one.verdict != Verdict::NotApplicable)
            .collect();
        let worst = findings.iter().map(|one| one.verdict).max();
        Self {
            verdict: worst.unwrap_or(Verdict::NotApplicable),
            applicable: findings.len(),
            decided_by: findings
                .into_iter()
                .filter(|one| Some(one.verdict) == worst)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Act;

    fn run(verdicts: &[(&'static str, Guarantee, Verdict)]) -> AttackRun {
        let plane = "checkpoint";
        AttackRun {
            sealab_version: String::new(),
            started: String::new(),
            command: Vec::new(),
            engine: String::new(),
            formats: vec![FormatUnderAttack {
                plane,
                id: "one",
                description: "",
            }],
            acts: verdicts
                .iter()
                .map(|(id, guarantee, _)| Act {
                    plane,
                    id,
                    guarantee: *guarantee,
                    what: "",
                })
                .collect(),
            findings: verdicts
                .iter()
                .map(|(attack, guarantee, verdict)| Finding {
                    plane,
                    format: "one",
                    attack,
                    guarantee: *guarantee,
                    verdict: *verdict,
                    expected: None,
                    detail: String::new(),
                    reason: String::new(),
                })
                .collect(),
        }
    }

    #[test]
    fn the_worst_verdict_decides_and_what_does_not_apply_never_does() {
        let run = run(&[
            ("a", Guarantee::Integrity, Verdict::DetectedBeforeUse),
            ("b", Guarantee::Integrity, Verdict::Undetected),
            ("c", Guarantee::Integrity, Verdict::DetectedAfterUse),
            ("d", Guarantee::Integrity, Verdict::NotApplicable),
            ("e", Guarantee::Freshness, Verdict::NotApplicable),
        ]);
        let matrix = Matrix::of(&run);
        assert_eq!(matrix.guarantees, [Guarantee::Integrity, Guarantee::Freshness]);
        let [integrity] = matrix.entries[0].as_slice() else {
            panic!("{matrix:?}")
        };
        assert_eq!(
            (integrity.verdict, integrity.applicable),
            (Verdict::Undetected, 3)
        );
        assert_eq!(integrity.decided_by[0].attack, "b");
        let [freshness] = matrix.entries[1].as_slice() else {
            panic!("{matrix:?}")
        };
        assert_eq!(
            (freshness.verdict, freshness.applicable),
            (Verdict::NotApplicable, 0)
        );
    }

    #[test]
    fn a_verdict_without_an_expectation_is_a_surprise() {
        let mut run = run(&[("a", Guarantee::Integrity, Verdict::Refused)]);
        assert_eq!(run.surprises().count(), 1);
        run.findings[0].expected = Some(Verdict::Undetected);
        assert_eq!(run.surprises().count(), 1);
        run.findings[0].expected = Some(Verdict::Refused);
        assert_eq!(run.surprises().count(), 0);
    }
}
