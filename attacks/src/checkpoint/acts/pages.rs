//! Memory pages that change places.

use super::super::stage::Stage;
use super::super::subject::{EQUAL_ACROSS, PAGES};
use super::change::try_change;
use crate::files::{Piece, moved};
use crate::trials::Trials;
use crate::{AttackError, Outcome};

const NOTHING: &str = "No two pages stand apart from each other.";

fn exchange(stage: &Stage<'_>, trials: &mut Trials, a: &Piece, b: &Piece) -> Result<(), AttackError> {
    if a == b {
        return Ok(());
    }
    let changed = moved(&stage.sealed, &[(a, b), (b, a)], &stage.sealed);
    try_change(stage, trials, format!("{} and {}", a.name, b.name), &changed)
}

pub(super) fn swap_within(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let page = |page| stage.layout.page(0, page);
    for (a, b) in [(0, 1), (2, 30), (0, PAGES - 1)] {
        if let (Some(a), Some(b)) = (page(a), page(b)) {
            exchange(stage, &mut trials, a, b)?;
        }
    }
    Ok(trials.outcome(NOTHING))
}

pub(super) fn swap_across(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    for page in [0, 20, PAGES - 1] {
        if let (Some(a), Some(b)) = (stage.layout.page(0, page), stage.layout.page(1, page)) {
            exchange(stage, &mut trials, a, b)?;
        }
    }
    Ok(trials.outcome(NOTHING))
}

pub(super) fn cover_equal(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    for page in EQUAL_ACROSS {
        let of = |process, page| stage.layout.page(process, page);
        let (Some(a), Some(b), Some(over)) = (of(0, page), of(1, page), of(2, 0)) else {
            continue;
        };
        if a == b || a == over || b == over {
            continue;
        }
        let changed = moved(&stage.sealed, &[(a, over), (b, over)], &stage.sealed);
        let place = format!("{} over {} and {}", over.name, a.name, b.name);
        try_change(stage, &mut trials, place, &changed)?;
    }
    Ok(trials.outcome(NOTHING))
}
