//! Changes of whole blobs. Digests and lengths in the manifest follow, as they are the adversary's.

use super::super::image::{Image, digest};
use super::super::stage::Stage;
use super::super::subject::{BYTES, UNIT};
use crate::files::Files;
use crate::trials::Trials;
use crate::{AttackError, Outcome};

/// Places in each blob.
const PLACES: usize = 8;
/// Blobs that are tried.
const BLOBS: usize = 3;

/// The image with the blob of an entry replaced. A chunk that is a blob of its own is looked for by its digest, so it is
/// also put under that.
pub(super) fn replaced(sealed: &Image, number: usize, blob: Vec<u8>) -> Vec<Image> {
    let Some(entry) = sealed.entries.get(number).filter(|entry| entry.blob != blob) else {
        return Vec::new();
    };
    let mut images = Vec::new();
    if entry.is_chunk() {
        let mut misnamed = sealed.clone();
        misnamed.misnamed.push((digest(&entry.blob), blob.clone()));
        images.push(misnamed);
    }
    let mut changed = sealed.clone();
    changed.entries[number].blob = blob;
    images.push(changed);
    images
}

/// A change of a blob, with its name.
type Change = (String, Box<dyn Fn(&mut Vec<u8>)>);

fn change(name: impl Into<String>, change: impl Fn(&mut Vec<u8>) + 'static) -> Change {
    (name.into(), Box::new(change))
}

/// Gives the image with each of the changes to each of the first blobs.
fn each(
    stage: &Stage<'_>,
    changes: &[Change],
    mut done: impl FnMut(String, &Image) -> Result<(), AttackError>,
) -> Result<(), AttackError> {
    for &number in stage.parts.data.iter().take(BLOBS) {
        for (place, change) in changes {
            let mut blob = stage.sealed.entries[number].blob.clone();
            change(&mut blob);
            for image in replaced(&stage.sealed, number, blob) {
                done(format!("{place} of blob {number}"), &image)?;
            }
        }
    }
    Ok(())
}

fn try_each(stage: &Stage<'_>, changes: &[Change]) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    each(stage, changes, |place, image| {
        stage.try_change(&mut trials, place, image)
    })?;
    Ok(trials.outcome("There are no blobs."))
}

/// A flipped bit at each of some places, the first and the last byte among them.
fn flips() -> Vec<Change> {
    let flip = |place: usize| {
        change(format!("place {place}"), move |blob| {
            let at = place * blob.len().saturating_sub(1) / (PLACES - 1);
            if let Some(byte) = blob.get_mut(at) {
                *byte ^= 1 << (place % 8);
            }
        })
    };
    (0..PLACES).map(flip).collect()
}

pub(super) fn flip(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    try_each(stage, &flips())
}

pub(super) fn truncate(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let unit = stage.parts.unit.unwrap_or(UNIT / 4);
    let cut_at = |name: &str, bytes| change(name, move |blob| blob.truncate(bytes));
    let cut_by =
        |name: &str, bytes| change(name, move |blob| blob.truncate(blob.len().saturating_sub(bytes)));
    let changes = [
        cut_at("nothing", 0),
        cut_at("a chunk", unit),
        cut_at("a chunk and a half", unit + unit / 2),
        cut_by("all but 16 bytes", 16),
        cut_by("all but a byte", 1),
    ];
    try_each(stage, &changes)
}

pub(super) fn append(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let unit = stage.parts.unit.unwrap_or(UNIT);
    let changes = [
        change("a byte behind the end", |blob| blob.push(0)),
        change("20,000 bytes behind the end", |blob| blob.extend([0; 20_000])),
        change("a chunk behind the end", move |blob| {
            blob.extend_from_within(..unit.min(blob.len()));
        }),
    ];
    try_each(stage, &changes)
}

/// The subject's two layers.
fn pair(stage: &Stage<'_>) -> Option<(usize, usize)> {
    match stage.parts.layers.as_slice() {
        [first, second, ..] => Some((*first, *second)),
        _ => None,
    }
}

pub(super) fn swap(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    if let Some((first, second)) = pair(stage) {
        let mut image = stage.sealed.clone();
        let blob = std::mem::take(&mut image.entries[first].blob);
        let other = std::mem::replace(&mut image.entries[second].blob, blob);
        image.entries[first].blob = other;
        stage.try_change(&mut trials, "two blobs", &image)?;
    }
    Ok(trials.outcome("There are no two layers."))
}

pub(super) fn swap_layers(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    if let Some((first, second)) = pair(stage) {
        let mut image = stage.sealed.clone();
        image.entries.swap(first, second);
        stage.try_change(&mut trials, "two layers", &image)?;
        let mut image = stage.sealed.clone();
        image.entries[second] = image.entries[first].clone();
        stage.try_change(&mut trials, "one layer twice", &image)?;
    }
    Ok(trials.outcome("There are no two layers."))
}

pub(super) fn stop_early(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    const HALF: usize = BYTES / 2;
    let truth: Files = stage
        .layers
        .iter()
        .map(|(name, layer)| (name.clone(), layer[..HALF].to_vec()))
        .collect();
    let Some(control) = stage.open_start(&stage.sealed, HALF)? else {
        return Ok(Trials::default().outcome("The reader takes whole layers."));
    };
    stage.control(&control, &truth)?;
    let mut changes = flips();
    changes.push(change("all but 20,000 bytes", |blob| {
        blob.truncate(blob.len().saturating_sub(20_000));
    }));
    let mut trials = Trials::default();
    each(stage, &changes, |place, image| {
        if let Some(reading) = stage.open_start(image, HALF)? {
            trials.change(place, &reading, &truth);
        }
        Ok(())
    })?;
    Ok(trials.outcome("There are no blobs."))
}
