//! Sealing that fails near its end.

use std::fs;

use super::super::stage::Stage;
use crate::files::{self, failed};
use crate::trials::Trials;
use crate::{AttackError, Outcome, Verdict};

pub(super) fn interrupt(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    if stage.format().seals() {
        let place = stage.folder();
        fs::create_dir(&place).map_err(failed(&place))?;
        let sealed = place.join("set");
        let Err(problem) = stage.seal_into(&stage.subject.files, None, &sealed, true)? else {
            return Err(stage.failure("making sealing fail", "it did not"));
        };
        let cause = stage.told(&problem);
        let left = files::read(&sealed)?;
        let entries = fs::read_dir(&place).map_err(failed(&place))?.count();
        if left.is_empty() {
            let note = match entries {
                0 => "nothing was left",
                _ => "something was left, but not under the set's name",
            };
            trials.add(cause, Verdict::Refused, Some(note.to_owned()));
        } else {
            let reading = stage.open(&left)?;
            let verdict = match reading.refusal {
                Some(_) => Verdict::DetectedBeforeUse,
                None => Verdict::Undetected,
            };
            trials.add(cause, verdict, reading.refusal);
        }
    }
    Ok(trials.outcome("Nothing is sealed, so no sealing can be cut off."))
}
