//! Entries of an image that change places, go or come.

use super::super::stage::Stage;
use super::change::try_change;
use crate::files::{Files, Span, moved, with};
use crate::trials::Trials;
use crate::{AttackError, Outcome};

const NOTHING: &str = "No two entries stand apart from each other.";

pub(super) fn swap(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let entries = &stage.layout.entries;
    let last = entries.len().saturating_sub(1);
    for (a, b) in [(0, 1), (0, last), (1, last)] {
        let (Some(a), Some(b)) = (entries.get(a), entries.get(b)) else {
            continue;
        };
        let changed = moved(&stage.sealed, &[(a, b), (b, a)], &stage.sealed);
        try_change(stage, &mut trials, format!("{} and {}", a.name, b.name), &changed)?;
    }
    Ok(trials.outcome(NOTHING))
}

pub(super) fn drop_last(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    if let Some(last) = stage.layout.entries.last() {
        let changes = last.spans.iter().map(|span| (span.clone(), Vec::new()));
        let changed = with(&stage.sealed, changes.collect());
        try_change(stage, &mut trials, last.name.clone(), &changed)?;
    }
    Ok(trials.outcome(NOTHING))
}

pub(super) fn add(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let entries = &stage.layout.entries;
    for piece in [entries.first(), entries.last()].into_iter().flatten() {
        // Each part of the copy goes right behind the part that it is a copy of.
        let copies = piece.spans.iter().map(|span| {
            let end = span.range.end;
            (
                Span::new(&span.file, end..end),
                span.bytes(&stage.sealed).to_vec(),
            )
        });
        let changed = with(&stage.sealed, copies.collect());
        try_change(stage, &mut trials, piece.name.clone(), &changed)?;
    }
    Ok(trials.outcome(NOTHING))
}

pub(super) fn truncate(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let entries = &stage.layout.entries;
    // The longest part is the entry itself, whatever else stands elsewhere for it.
    let last = entries.last().and_then(|piece| {
        let span = piece.spans.iter().max_by_key(|span| span.range.len())?;
        Some((piece, span))
    });
    if let Some((piece, span)) = last {
        let length = span.range.len();
        for kept in [1, length / 2, length.saturating_sub(1)] {
            let changed = cut(&stage.sealed, &span.file, span.range.start + kept);
            let place = format!("{} after {kept} of {length} bytes", piece.name);
            try_change(stage, &mut trials, place, &changed)?;
        }
    }
    Ok(trials.outcome(NOTHING))
}

/// `files` with one of them cut off.
pub(super) fn cut(files: &Files, name: &str, length: usize) -> Files {
    let mut changed = files.clone();
    if let Some(bytes) = changed.get_mut(name) {
        bytes.truncate(length);
    }
    changed
}
