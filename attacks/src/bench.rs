//! Tries acts on formats and holds the verdicts against what is expected.

use std::sync::atomic::{AtomicBool, Ordering};

use sealab_attack_record::{Act, Finding, FormatUnderAttack, Verdict};

use crate::{AttackError, Expectations};

/// A format under attack, with the acts of its plane.
pub trait Target {
    /// The format, and which reader opens it.
    fn format(&self) -> FormatUnderAttack;

    /// Every act of the format's plane, in the order of reports.
    fn acts(&self) -> &[Act];

    /// Tries one of [`Target::acts`], by its identifier.
    ///
    /// # Errors
    /// The format fails at its own work, or the bench does. What an attack achieves is never an error.
    fn attempt(&self, act: &str) -> Result<Outcome, AttackError>;
}

/// How one act came out for one format.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// What was tried, and what was seen.
    pub detail: String,
}

/// Tries on each target those of its acts that are `wanted`.
///
/// # Errors
/// As [`Target::attempt`]; [`AttackError::Interrupted`] once `interrupted` is set.
pub fn attack(
    targets: &[Box<dyn Target + '_>],
    wanted: &dyn Fn(&Act) -> bool,
    expected: &Expectations,
    interrupted: &AtomicBool,
    progress: &mut dyn FnMut(&FormatUnderAttack, &Act),
) -> Result<Vec<Finding>, AttackError> {
    let mut findings = Vec::new();
    for target in targets {
        let format = target.format();
        for act in target.acts().iter().filter(|act| wanted(act)) {
            if interrupted.load(Ordering::Relaxed) {
                return Err(AttackError::Interrupted);
            }
            progress(&format, act);
            let outcome = target.attempt(act.id)?;
            let expected = expected.of(format.id, act);
            findings.push(Finding {
                plane: act.plane,
                format: format.id,
                attack: act.id,
                guarantee: act.guarantee,
                verdict: outcome.verdict,
                expected: expected.map(|(verdict, _)| verdict),
                detail: outcome.detail,
                reason: expected.map(|(_, reason)| reason.to_owned()).unwrap_or_default(),
            });
        }
    }
    Ok(findings)
}
