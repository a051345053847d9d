//! The power is cut.

use super::super::stage::Stage;
use super::UNWRITABLE;
use crate::crash::Promise;
use crate::{AttackError, Outcome, Verdict};

pub(super) fn crash(stage: &Stage, promise: Promise) -> Result<Outcome, AttackError> {
    let Some(checked) = stage.crashed()? else {
        return Ok(Outcome {
            verdict: Verdict::NotApplicable,
            detail: UNWRITABLE.to_owned(),
        });
    };
    let states = if checked.exhaustive {
        format!("all {} states", checked.states)
    } else {
        format!("{} states", checked.states)
    };
    let Some(violations) = checked.broken.get(&promise) else {
        return Ok(Outcome {
            verdict: Verdict::Refused,
            detail: format!("kept in {states} (seed {})", checked.seed),
        });
    };
    let first = violations.first.as_ref();
    let seen = first.map_or_else(String::new, |first| {
        format!("; seed {}, state {}, {}", checked.seed, first.state, first.what)
    });
    Ok(Outcome {
        verdict: if violations.silent > 0 {
            Verdict::Undetected
        } else {
            Verdict::DetectedAfterUse
        },
        detail: format!(
            "not kept in {} of {states}, {} of them without an error{seen}",
            violations.states, violations.silent
        ),
    })
}
