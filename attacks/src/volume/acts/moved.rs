//! Blocks that change places, go, or end early.

use super::super::places::{Place, Span};
use super::super::stage::Stage;
use crate::overlay::Overlay;
use crate::trials::Trials;
use crate::{AttackError, Outcome};

const NOTHING: &str = "No place of a block was found.";
const NO_CODES: &str = "Nothing stands for a block elsewhere.";

/// Puts what stands at `from` in `image` to the spans of `to`, as far as they are alike.
pub(super) fn put(store: &Overlay, to: &[Span], image: &[u8], from: &[Span]) {
    for (to, from) in to.iter().zip(from) {
        if to.len() == from.len() {
            store.put(to.start, &image[from.clone()]);
        }
    }
}

/// Neighbours, and blocks far apart.
fn pairs(stage: &Stage) -> Vec<(&Place, &Place)> {
    let places = &stage.places;
    let near = places.iter().zip(&places[1..]);
    near.chain(places.iter().zip(&places[2..])).collect()
}

fn swapped(stage: &Stage, with_codes: bool) -> Trials {
    let mut trials = Trials::default();
    for (a, b) in pairs(stage) {
        let store = Overlay::new(&stage.image);
        for (a, b) in [(a, b), (b, a)] {
            put(&store, &a.data, &stage.image, &b.data);
            if with_codes {
                put(&store, &a.codes, &stage.image, &b.codes);
            }
        }
        stage.try_change(&mut trials, format!("blocks {} and {}", a.block, b.block), store);
    }
    trials
}

pub(super) fn swap(stage: &Stage) -> Result<Outcome, AttackError> {
    Ok(swapped(stage, false).outcome(NOTHING))
}

pub(super) fn swap_with_codes(stage: &Stage) -> Result<Outcome, AttackError> {
    if stage.places.iter().all(|place| place.codes.is_empty()) {
        return Ok(Trials::default().outcome(NO_CODES));
    }
    Ok(swapped(stage, true).outcome(NOTHING))
}

pub(super) fn copy(stage: &Stage) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    for (a, b) in pairs(stage) {
        let store = Overlay::new(&stage.image);
        put(&store, &b.data, &stage.image, &a.data);
        put(&store, &b.codes, &stage.image, &a.codes);
        stage.try_change(&mut trials, format!("block {} over {}", a.block, b.block), store);
    }
    Ok(trials.outcome(NOTHING))
}

pub(super) fn erase(stage: &Stage) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    for place in &stage.places {
        let store = Overlay::new(&stage.image);
        for span in place.data.iter().chain(&place.codes) {
            store.put(span.start, &vec![0; span.len()]);
        }
        stage.try_change(&mut trials, format!("block {}", place.block), store);
    }
    Ok(trials.outcome(NOTHING))
}

pub(super) fn truncate(stage: &Stage) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let whole = stage.image.len();
    for (name, length) in [
        ("nothing left", 0),
        ("half", whole / 2),
        ("256 KiB less", whole - (256 << 10)),
        ("a sector less", whole - 512),
        ("a byte less", whole - 1),
    ] {
        stage.try_change(&mut trials, name, Overlay::truncated(&stage.image, length));
    }
    Ok(trials.outcome(""))
}
