//! What an adversary learns by looking at what is stored.

use sealab_attack_record::Verdict;

use super::super::format::Part;
use super::super::stage::{NEWER, Stage};
use super::super::subject::{Memory, Subject, telling_numbers};
use crate::canary::Search;
use crate::files::Files;
use crate::numbers::counted;
use crate::repeats::{repeats, shared};
use crate::trials::Trials;
use crate::{AttackError, Outcome};

fn seen(verdict: bool) -> Verdict {
    if verdict { Verdict::Leaks } else { Verdict::Refused }
}

fn one(place: &str, leaks: bool, note: String) -> Outcome {
    let mut trials = Trials::default();
    trials.add(place, seen(leaks), Some(note));
    trials.outcome("")
}

/// Whether so many runs that are found again say something: a few coincide by chance in what is always in clear.
fn tells(found: usize, otherwise: usize) -> bool {
    found > 2 * otherwise + 8
}

/// Looks for the canaries of some parts in every file, and in their names.
pub(super) fn canaries(stage: &Stage<'_>, parts: &[Part]) -> Result<Outcome, AttackError> {
    let planted = stage.subject.canaries.iter();
    let texts: Vec<String> = planted
        .filter(|(part, _)| parts.contains(part))
        .map(|(_, text)| text.clone())
        .collect();
    let failure = |error: &dyn std::fmt::Display| stage.failure("looking for canaries", error);
    let search = Search::new(&texts).map_err(|error| failure(&error))?;
    let mut places = Vec::new();
    for (name, bytes) in &stage.sealed {
        let sources = [bytes.as_slice(), name.as_bytes()];
        for source in sources {
            if let Some((_, at)) = search.find(source).map_err(|error| failure(&error))? {
                places.push(format!("{name}, byte {at}"));
            }
        }
    }
    let note = match places.as_slice() {
        [] => format!(
            "none of {} is in what is stored",
            counted(texts.len(), "text", "texts")
        ),
        [only] => format!("in {only}"),
        [first, more @ ..] => format!(
            "in {first} and {}",
            counted(more.len(), "other file", "other files")
        ),
    };
    Ok(one("texts", !places.is_empty(), note))
}

/// Seals memory that has a pattern, and memory that has none: what repeats in the first alone, or makes it smaller,
/// shows the pattern.
fn pattern(stage: &Stage<'_>, memory: Memory, what: &str) -> Result<Outcome, AttackError> {
    let sealed = |memory| stage.seal(&Subject::with(NEWER, memory, [0; 3]).files, None);
    let (with, without) = (sealed(memory)?, sealed(Memory::Noise)?);
    let mut trials = Trials::default();
    let (more, few) = (repeats(&with), repeats(&without));
    let note = format!(
        "{} of what is stored stood there before; without {what} it is {few}",
        counted(more, "run of 16 bytes", "runs of 16 bytes")
    );
    trials.add(
        format!("{what}, in the bytes"),
        seen(tells(more, few)),
        Some(note),
    );
    let (less, much) = (total(&with), total(&without));
    let note = format!("{less} bytes; without {what} {much}");
    trials.add(format!("{what}, in the size"), seen(less != much), Some(note));
    Ok(trials.outcome(""))
}

pub(super) fn equal_pages(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    pattern(stage, Memory::EqualPages, "equal pages")
}

pub(super) fn equal_blocks(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    pattern(stage, Memory::EqualBlocks, "equal blocks")
}

pub(super) fn equal_sets(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let again = stage.seal(&stage.subject.files, None)?;
    let (same, other) = (shared(&stage.sealed, &again), shared(&stage.sealed, &stage.older));
    let note = format!(
        "{} in common with the same checkpoint sealed again, {other} with another",
        counted(same, "run of 16 bytes", "runs of 16 bytes")
    );
    Ok(one("the same checkpoint", tells(same, other), note))
}

fn total(files: &Files) -> usize {
    files.values().map(Vec::len).sum()
}

pub(super) fn size_by_content(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let size = |memory| -> Result<usize, AttackError> {
        let subject = Subject::with(NEWER, memory, [0; 3]);
        Ok(total(&stage.seal(&subject.files, None)?))
    };
    let (zeros, noise) = (size(Memory::Zeros)?, size(Memory::Noise)?);
    let note = format!("{zeros} bytes of zeros, {noise} of noise");
    Ok(one("sizes", zeros != noise, note))
}

/// Seals noise, with some pages more.
fn grown(stage: &Stage<'_>, growth: [usize; 3]) -> Result<Files, AttackError> {
    stage.seal(&Subject::with(NEWER, Memory::Noise, growth).files, None)
}

pub(super) fn size_of_set(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let (before, after) = (total(&grown(stage, [0; 3])?), total(&grown(stage, [1, 0, 0])?));
    let note = format!("{before} bytes, with a page more {after}");
    Ok(one("sizes", before != after, note))
}

pub(super) fn size_of_processes(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let sizes = |files: Files| -> Vec<(String, usize)> {
        let files = files.into_iter();
        files.map(|(name, bytes)| (name, bytes.len())).collect()
    };
    let (first, second) = (sizes(grown(stage, [1, 0, 0])?), sizes(grown(stage, [0, 1, 0])?));
    let differs = first.iter().zip(&second).find(|(a, b)| a != b);
    let note = match differs {
        Some(((name, one), (_, other))) => format!("{name} has {one} bytes or {other}"),
        None => "names and sizes are the same".to_owned(),
    };
    Ok(one("sizes", first != second, note))
}

pub(super) fn numbers_in_names(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let numbers = telling_numbers();
    let telling: Vec<&String> = stage
        .sealed
        .keys()
        .filter(|name| numbers.iter().any(|number| name.contains(number)))
        .collect();
    let note = match telling.first() {
        Some(name) => format!("{}, {name} among them", counted(telling.len(), "name", "names")),
        None => format!(
            "{}, none of which has one",
            counted(stage.sealed.len(), "name", "names")
        ),
    };
    Ok(one("names", !telling.is_empty(), note))
}
