//! What an adversary offers that an honest reader must not take, and keys that open nothing.

use super::super::stage::Stage;
use super::super::subject::Subject;
use crate::trials::Trials;
use crate::{AttackError, Outcome, Verdict};

/// The seed of the adversary's own checkpoint.
const OWN: u64 = 3;

pub(super) fn wrong_key(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let reading = stage.open_as(&stage.sealed, &stage.keys.stranger, None)?;
    let verdict = reading.of_reading(&stage.subject.files);
    let note = reading.refusal.or_else(|| Some("it opened".to_owned()));
    trials.add("another RSA key", verdict, note);
    Ok(trials.outcome(""))
}

pub(super) fn strip_header(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    for (place, stripped) in stage.format().stripped(&stage.sealed) {
        trials.offer(place, &stage.open(&stripped)?);
    }
    Ok(trials.outcome("Nothing says that the set is sealed."))
}

pub(super) fn plain_set(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let reading = stage.open(&Subject::new(OWN).files)?;
    trials.offer("a plain set of the adversary's own", &reading);
    Ok(trials.outcome(""))
}

pub(super) fn stranger(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let own = stage.seal(&Subject::new(OWN).files, None)?;
    trials.offer("a set of the adversary's own", &stage.open(&own)?);
    Ok(trials.outcome(""))
}

pub(super) fn stranger_with_sender_named(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    if stage.format().has_senders() {
        let keys = &stage.keys;
        let sender = Some(keys.sender.verifying_key());
        let signed = stage.seal(&stage.subject.files, Some(&keys.sender))?;
        // The control: what the sender signed is taken.
        let reading = stage.open_as(&signed, &keys.recipient, sender)?;
        if reading.of_change(&stage.subject.files) != Verdict::Refused || reading.refusal.is_some() {
            let refusal = reading.refusal.unwrap_or_default();
            return Err(stage.failure("opening what the named sender signed", refusal));
        }
        let own = Subject::new(OWN).files;
        for (place, signer) in [
            ("an unsigned set", None),
            ("a set that the adversary signed", Some(&keys.stranger_sender)),
        ] {
            let set = stage.seal(&own, signer)?;
            trials.offer(place, &stage.open_as(&set, &keys.recipient, sender)?);
        }
    }
    Ok(trials.outcome("The format cannot say whom a set is from, so no sender can be named."))
}
