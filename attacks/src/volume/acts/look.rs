//! What an adversary learns by looking at the store.

use std::collections::HashSet;

use sealab_volume::Volume;

use super::super::places::differences;
use super::super::stage::{Stage, looked, seen};
use super::super::subject::{self, BLOCK_BYTES, BLOCKS, LATER, content, noise};
use super::UNWRITABLE;
use crate::canary::Search;
use crate::numbers::counted;
use crate::trials::Trials;
use crate::{AttackError, Outcome};

/// What ciphers work on.
const CIPHER_BLOCK: usize = 16;

pub(super) fn canaries(stage: &Stage) -> Result<Outcome, AttackError> {
    let failure = |error: &dyn std::fmt::Display| stage.failure("looking for canaries", error);
    let search = Search::new(&subject::canaries()).map_err(|error| failure(&error))?;
    let mut trials = Trials::default();
    let mut look = |place: &str, image: &[u8]| -> Result<(), AttackError> {
        let mut found = None;
        // Most of a header is empty.
        let empty = |page: &&[u8]| page.iter().all(|byte| *byte == 0);
        let pages: Vec<&[u8]> = image.chunks(BLOCK_BYTES).collect();
        let mut at = 0;
        for run in pages.chunk_by(|a, b| empty(a) == empty(b)) {
            if found.is_none() && !empty(&run[0]) {
                let place = search.find(run.concat().as_slice());
                found = place
                    .map_err(|error| failure(&error))?
                    .map(|(_, inside)| at + inside);
            }
            at += run.len() * BLOCK_BYTES;
        }
        let note = match found {
            Some(at) => format!("a text at byte {at}"),
            None => format!("no text in {} bytes", image.len()),
        };
        trials.add(place, seen(found.is_some()), Some(note));
        Ok(())
    };
    look("the closed volume", &stage.image)?;
    if stage.writable() {
        look("after a power cut", &super::replay::unclosed(stage)?)?;
    }
    Ok(trials.outcome(""))
}

/// How many pieces of a cipher block's length stood before, at places that are multiples of it.
fn repeats(image: &[u8]) -> usize {
    let mut seen = HashSet::new();
    let pieces = image.as_chunks::<CIPHER_BLOCK>().0.iter();
    pieces
        .filter(|piece| **piece != [0; CIPHER_BLOCK] && !seen.insert(**piece))
        .count()
}

pub(super) fn equal_blocks(stage: &Stage) -> Result<Outcome, AttackError> {
    let stored = |equal: bool| -> Result<usize, AttackError> {
        let write = |volume: &dyn Volume| {
            (0..BLOCKS).try_for_each(|block| {
                let content = noise(LATER, if equal { 0 } else { block });
                volume.write(block * BLOCK_BYTES as u64, &content)
            })
        };
        Ok(repeats(&stage.remade(&write)?))
    };
    let (equal, otherwise) = (stored(true)?, stored(false)?);
    let note = format!(
        "{} of what is stored stood there before; where blocks differ it is {otherwise}",
        counted(equal, "piece of 16 bytes", "pieces of 16 bytes")
    );
    // A few coincide in what the format itself repeats.
    Ok(looked("equal blocks", equal > 2 * otherwise + 8, note))
}

/// What was stored anew, in pieces of a cipher block's length at places that are multiples of it.
fn stored(before: &[u8], after: &[u8]) -> Vec<[u8; CIPHER_BLOCK]> {
    let mut pieces = Vec::new();
    for span in differences(before, after) {
        let start = span.start.next_multiple_of(CIPHER_BLOCK).min(span.end);
        pieces.extend_from_slice(after[start..span.end].as_chunks().0);
    }
    pieces
}

pub(super) fn content_comes_back(stage: &Stage) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    if stage.writable() {
        for place in &stage.places {
            let write = |snapshot| {
                let content = content(snapshot, place.block);
                move |volume: &dyn Volume| volume.write(place.block * BLOCK_BYTES as u64, &content)
            };
            let first = stage.written(&stage.image, write(LATER))?;
            let other = stage.written(&first, write(LATER + 1))?;
            let again = stage.written(&other, write(LATER))?;
            let before: HashSet<[u8; CIPHER_BLOCK]> = stored(&stage.image, &first).into_iter().collect();
            let after = stored(&other, &again);
            let (same, all) = (
                after.iter().filter(|piece| before.contains(*piece)).count(),
                after.len(),
            );
            let note = format!("{same} of {all} pieces of 16 bytes that were stored are as before");
            // By chance none; a few coincide in what the format itself repeats.
            trials.add(
                format!("block {}", place.block),
                seen(same > all / 16),
                Some(note),
            );
        }
    }
    Ok(trials.outcome(UNWRITABLE))
}
