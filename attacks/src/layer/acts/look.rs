//! What an adversary learns by looking at what is stored.

use sealab_attack_record::Verdict;

use super::super::image::{Image, digest};
use super::super::stage::{NEWER, Stage};
use super::super::subject::{self, BYTES, UNIT};
use crate::canary::Search;
use crate::files::Files;
use crate::numbers::counted;
use crate::repeats::{repeats, shared};
use crate::trials::Trials;
use crate::{AttackError, Outcome};

fn seen(leaks: bool) -> Verdict {
    if leaks { Verdict::Leaks } else { Verdict::Refused }
}

fn one(place: &str, leaks: bool, note: String) -> Outcome {
    let mut trials = Trials::default();
    trials.add(place, seen(leaks), Some(note));
    trials.outcome("")
}

pub(super) fn canaries(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let failure = |error: &dyn std::fmt::Display| stage.failure("looking for canaries", error);
    let texts = subject::canaries(NEWER);
    let search = Search::new(&texts).map_err(|error| failure(&error))?;
    let mut places = Vec::new();
    for (name, bytes) in stage.sealed.public().map_err(|error| failure(&error))? {
        if let Some((_, at)) = search.find(bytes.as_slice()).map_err(|error| failure(&error))? {
            places.push(format!("{name:.40}, byte {at}"));
        }
    }
    let note = match places.first() {
        Some(first) => format!("{}: {first}", counted(places.len(), "place", "places")),
        None => format!("none of {} texts is in what is stored", texts.len()),
    };
    Ok(one("texts", !places.is_empty(), note))
}

fn total(files: &Files) -> usize {
    files.values().map(Vec::len).sum()
}

/// Blobs of layers that have a pattern, and of such that have none: what repeats in the first alone, or makes them
/// smaller, shows the pattern.
fn pattern(stage: &Stage<'_>, layers: &Files, what: &str) -> Result<Outcome, AttackError> {
    let with = stage.seal(layers)?.blobs();
    let without = stage.seal(&subject::noise(NEWER, BYTES))?.blobs();
    let mut trials = Trials::default();
    let (more, few) = (repeats(&with), repeats(&without));
    let note = format!(
        "{} of what is stored stood there before; without {what} it is {few}",
        counted(more, "run of 16 bytes", "runs of 16 bytes")
    );
    trials.add(format!("{what}, in the bytes"), seen(more > few), Some(note));
    let (less, much) = (total(&with), total(&without));
    let note = format!("{less} bytes; without {what} {much}");
    trials.add(format!("{what}, in the size"), seen(less < much), Some(note));
    Ok(trials.outcome(""))
}

pub(super) fn equal_blocks(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    pattern(stage, &subject::with_equal(NEWER, 4_096..4_112), "equal blocks")
}

pub(super) fn equal_chunks(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    pattern(stage, &subject::with_equal(NEWER, 0..UNIT), "equal chunks")
}

pub(super) fn equal_images(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let again = stage.seal(&stage.layers)?.blobs();
    let same = shared(&stage.sealed.blobs(), &again);
    let other = shared(&stage.older.blobs(), &again);
    let note = format!(
        "{} in common with the same image sealed again, {other} with another",
        counted(same, "run of 16 bytes", "runs of 16 bytes")
    );
    Ok(one("the same image", same > other, note))
}

pub(super) fn size_by_content(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let noise = subject::noise(NEWER, BYTES);
    let zeros: Files = noise.keys().map(|name| (name.clone(), vec![0; BYTES])).collect();
    // As many bytes, but for each blob by itself: two blobs of zeros may be one.
    let bytes = |image: &Image| -> usize { image.entries.iter().map(|entry| entry.blob.len()).sum() };
    let (zeros, noise) = (bytes(&stage.seal(&zeros)?), bytes(&stage.seal(&noise)?));
    let note = format!("{zeros} bytes of zeros, {noise} of noise");
    Ok(one("sizes", zeros != noise, note))
}

pub(super) fn confirm_guess(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let public = stage.sealed.public();
    let mut public = public.map_err(|error| stage.failure("looking for digests", error))?;
    for entry in &stage.sealed.entries {
        // What is in a blob is for other acts.
        public.remove(&digest(&entry.blob).hex());
    }
    let mut trials = Trials::default();
    for (name, layer) in &stage.layers {
        let guess = digest(layer).hex();
        let found = public.iter().find(|(_, bytes)| {
            let mut windows = bytes.windows(guess.len());
            windows.any(|window| window == guess.as_bytes())
        });
        let note = match found {
            Some((place, _)) => format!("its digest stands in {place:.40}"),
            None => "its digest is nowhere".to_owned(),
        };
        trials.add(name.clone(), seen(found.is_some()), Some(note));
    }
    Ok(trials.outcome(""))
}

pub(super) fn size_of_layers(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let sizes = |bytes| -> Result<usize, AttackError> {
        Ok(total(&stage.seal(&subject::noise(NEWER, bytes))?.blobs()))
    };
    let (before, after) = (sizes(BYTES)?, sizes(BYTES + 512)?);
    let note = format!("{before} bytes, with 512 more in each layer {after}");
    Ok(one("sizes", before != after, note))
}
