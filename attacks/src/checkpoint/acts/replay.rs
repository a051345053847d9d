//! What was sealed earlier, given again.

use super::super::format::Layout;
use super::super::stage::Stage;
use super::change::try_change;
use crate::files::{Piece, moved};
use crate::trials::Trials;
use crate::{AttackError, Outcome};

pub(super) fn part(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    fn pieces(layout: &Layout) -> impl Iterator<Item = &Piece> {
        let pieces = layout.exchangeable.iter().chain(layout.entries.first());
        pieces.chain(layout.page(0, 0))
    }
    for piece in pieces(&stage.layout) {
        let Some(old) = pieces(&stage.older_layout).find(|old| old.name == piece.name) else {
            continue;
        };
        let changed = moved(&stage.sealed, &[(piece, old)], &stage.older);
        try_change(stage, &mut trials, piece.name.clone(), &changed)?;
    }
    Ok(trials.outcome("No part of an older set could be put into a newer one."))
}

pub(super) fn whole(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    trials.offer("the whole older set", &stage.open(&stage.older)?);
    Ok(trials.outcome(""))
}
