//! Bits that are flipped.

use super::super::format::Part;
use super::super::stage::Stage;
use super::change::try_change;
use crate::trials::Trials;
use crate::{AttackError, Outcome};

/// Places in each run of bytes.
const PLACES: usize = 12;
/// Pieces of a part that are tried.
const PIECES: usize = 6;

/// Flips one bit at a time, spread over the part: at the start and the end of each piece, and between.
pub(super) fn flip(stage: &Stage<'_>, part: Part) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let pieces = stage.layout.part(part);
    for (number, piece) in pieces.iter().take(PIECES).enumerate() {
        for span in &piece.spans {
            let length = span.range.len();
            for place in 0..PLACES.min(length) {
                let at = span.range.start + place * (length - 1) / (PLACES - 1).max(1);
                let mut changed = stage.sealed.clone();
                if let Some(byte) = changed.get_mut(&span.file).and_then(|bytes| bytes.get_mut(at)) {
                    *byte ^= 1 << ((number + place) % 8);
                }
                try_change(stage, &mut trials, piece.name.clone(), &changed)?;
            }
        }
    }
    Ok(trials.outcome("The format stores nothing of the kind."))
}
