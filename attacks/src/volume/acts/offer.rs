//! Keys and volumes that are somebody else's.

use super::super::stage::{Stage, seen};
use crate::overlay::Overlay;
use crate::trials::Trials;
use crate::{AttackError, Outcome};

pub(super) fn wrong_key(stage: &Stage) -> Result<Outcome, AttackError> {
    let (stranger, _) = stage.stranger()?;
    let reading = stage.read_as(&*stranger);
    let leaks = reading.some_true(&Stage::truth);
    let mut trials = Trials::default();
    let note = match reading.of_offer() {
        (_, Some(note)) if !leaks => note,
        _ => "blocks were read as they were written".to_owned(),
    };
    trials.add("another's key", seen(leaks), Some(note));
    Ok(trials.outcome(""))
}

pub(super) fn foreign_volume(stage: &Stage) -> Result<Outcome, AttackError> {
    let (_, image) = stage.stranger()?;
    let (verdict, note) = stage.read(Overlay::new(&image)).of_offer();
    let mut trials = Trials::default();
    trials.add("another's volume", verdict, note);
    Ok(trials.outcome(""))
}
