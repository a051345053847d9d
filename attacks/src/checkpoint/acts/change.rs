//! What acts that change bytes share: a change, a reading, a verdict.

use super::super::stage::Stage;
use crate::AttackError;
use crate::files::Files;
use crate::trials::Trials;

/// Opens `changed` and adds the verdict. A change that changes nothing is no trial.
pub(super) fn try_change(
    stage: &Stage<'_>,
    trials: &mut Trials,
    place: impl Into<String>,
    changed: &Files,
) -> Result<(), AttackError> {
    if *changed == stage.sealed {
        return Ok(());
    }
    let reading = stage.open(changed)?;
    trials.change(place, &reading, &stage.subject.files);
    Ok(())
}
