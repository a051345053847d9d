//! Older states that are put back.

use super::super::stage::{CHOSEN, Image, Stage};
use super::super::subject::{BLOCK_BYTES, LATER, content};
use super::UNWRITABLE;
use super::moved::put;
use crate::crash::Event;
use crate::overlay::Overlay;
use crate::trials::Trials;
use crate::{AttackError, Outcome, Verdict};

pub(super) fn block(stage: &Stage) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    for place in &stage.places {
        let store = Overlay::new(&stage.image);
        put(&store, &place.data, &stage.older, &place.data);
        put(&store, &place.codes, &stage.older, &place.codes);
        stage.try_change(&mut trials, format!("block {}", place.block), store);
    }
    Ok(trials.outcome("No place of a block was found."))
}

pub(super) fn image(stage: &Stage) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let (verdict, note) = stage.read(Overlay::new(&stage.older)).of_offer();
    trials.add("the older store", verdict, note);
    Ok(trials.outcome(""))
}

/// A store with what a flush had written when its first sync was done: all of it may be in a journal alone. The owner was
/// told that the flush is done.
pub(super) fn unclosed(stage: &Stage) -> Result<Image, AttackError> {
    let (store, (volume, owner)) = stage.recorded()?;
    let write = |block| volume.write(block * BLOCK_BYTES as u64, &content(LATER, block));
    let written = CHOSEN.into_iter().try_for_each(write);
    store.mark(Event::Begun(0));
    written
        .and_then(|()| volume.flush())
        .map_err(|error| stage.failure("writing the volume", error))?;
    let left = Overlay::new(&stage.image);
    let mut flushing = false;
    for event in store.take() {
        match event {
            Event::Write { offset, data } => left.put(offset as usize, &data),
            Event::Begun(_) => flushing = true,
            Event::Synced if flushing => break,
            _ => {}
        }
    }
    let image = Image {
        bytes: left.image(),
        trusted: owner.and_then(|owner| owner.trusted()),
    };
    match stage.read_other(Overlay::new(&image), image.trusted, &rewritten) {
        (Verdict::Refused, _) => Ok(image),
        (_, note) => Err(stage.failure("reading what a power cut left", note.unwrap_or_default())),
    }
}

/// What the volume of [`unclosed`] holds.
pub(super) fn rewritten(block: u64) -> Vec<u8> {
    if CHOSEN.contains(&block) {
        content(LATER, block)
    } else {
        Stage::truth(block)
    }
}

pub(super) fn journal(stage: &Stage) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let Some(journal) = stage.headers.journal.clone() else {
        return Ok(trials.outcome("There is no journal."));
    };
    if !stage.writable() {
        return Ok(trials.outcome(UNWRITABLE));
    }
    let image = unclosed(stage)?;
    if image[journal.clone()] != stage.image[journal.clone()] {
        let store = Overlay::new(&image);
        store.put(journal.start, &stage.image[journal]);
        let (verdict, note) = stage.read_other(store, image.trusted, &rewritten);
        trials.add("the journal", verdict, note);
    }
    Ok(trials.outcome("What is written does not go through the journal."))
}
