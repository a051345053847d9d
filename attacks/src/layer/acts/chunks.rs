//! Changes of chunks.

use super::super::image::digest;
use super::super::stage::{NEWER, Stage};
use super::super::subject::{self, UNIT};
use super::blobs::replaced;
use crate::trials::Trials;
use crate::{AttackError, Outcome};

pub(super) fn swap(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let data = &stage.parts.data;
    if let Some(unit) = stage.parts.unit {
        for &number in data {
            let mut blob = stage.sealed.entries[number].blob.clone();
            if let Some((first, behind)) = blob.split_at_mut_checked(unit)
                && let Some(second) = behind.get_mut(unit..2 * unit)
            {
                first.swap_with_slice(second);
            }
            for image in replaced(&stage.sealed, number, blob) {
                stage.try_change(&mut trials, format!("chunks 0 and 2 of blob {number}"), &image)?;
            }
        }
    } else if let [first, second, ..] = data.as_slice() {
        let blob = |number: &usize| stage.sealed.entries[*number].blob.clone();
        let mut image = stage.sealed.clone();
        let names = [first, second].map(|number| digest(&blob(number)));
        image.misnamed = vec![(names[0], blob(second)), (names[1], blob(first))];
        stage.try_change(&mut trials, "two chunks under each other's digests", &image)?;
    }
    Ok(trials.outcome("There are no chunks."))
}

pub(super) fn forge(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let forged = stage.format().forged_chunk(&stage.sealed, &stage.layers);
    let mut trials = Trials::default();
    for (place, image) in forged.map_err(|problem| stage.failure("forging a chunk", problem))? {
        stage.try_change(&mut trials, place, &image)?;
    }
    Ok(trials.outcome("No two images share a key."))
}

/// Layers that end in a chunk of 18 bytes: what stands before `78 90`, which padding would say the length of.
pub(super) fn of_18_bytes(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    for before in [0, 5, 15, 16, 0xff] {
        let mut layers = subject::noise(NEWER, 2 * UNIT + 18);
        for layer in layers.values_mut() {
            let end = layer.len() - 3;
            layer[end..].copy_from_slice(&[before, 0x78, 0x90]);
        }
        let reading = stage.open(&stage.seal(&layers)?)?;
        trials.change(format!("{before:02x} 78 90"), &reading, &layers);
    }
    Ok(trials.outcome(""))
}
