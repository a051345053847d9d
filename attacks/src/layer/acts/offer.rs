//! What an adversary offers that an honest reader must not take, and keys that open nothing.

use super::super::stage::{OWN, Stage};
use super::super::subject;
use crate::trials::Trials;
use crate::{AttackError, Outcome};

pub(super) fn wrong_key(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let reading = stage.open_as(&stage.sealed, &stage.keys.stranger)?;
    let verdict = reading.of_reading(&stage.layers);
    let note = reading.refusal.or_else(|| Some("it opened".to_owned()));
    trials.add("another key", verdict, note);
    Ok(trials.outcome(""))
}

pub(super) fn restore_layer(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    for &number in &stage.parts.layers {
        let mut image = stage.sealed.clone();
        image.entries[number] = stage.older.entries[number].clone();
        // What is a blob of its own comes along.
        let chunks = stage.older.entries.iter().filter(|entry| entry.is_chunk());
        image.entries.extend(chunks.cloned());
        stage.try_change(&mut trials, format!("layer {number}"), &image)?;
    }
    Ok(trials.outcome(""))
}

pub(super) fn restore_image(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    trials.offer("the older image", &stage.open(&stage.older)?);
    Ok(trials.outcome(""))
}

pub(super) fn plain_image(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let own = stage.format().plain(&subject::layers(OWN));
    let own = own.map_err(|problem| stage.failure("making a plain image", problem))?;
    trials.offer("a plain image of the adversary's own", &stage.open(&own)?);
    Ok(trials.outcome(""))
}

pub(super) fn stranger_image(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let own = stage.seal(&subject::layers(OWN))?;
    trials.offer("an image of the adversary's own", &stage.open(&own)?);
    Ok(trials.outcome(""))
}
