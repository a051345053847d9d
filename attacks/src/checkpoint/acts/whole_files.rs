//! Files, or what stands for them in one big file, that change places, go, come or end early.

use std::collections::BTreeSet;

use super::super::format::Part;
use super::super::stage::Stage;
use super::super::subject::PIDS;
use super::change::try_change;
use super::entries::cut;
use crate::files::{Files, Piece, Span, moved, with};
use crate::trials::Trials;
use crate::{AttackError, Outcome};

const NOTHING: &str = "There are no two such files.";

/// Whether the piece is a whole file.
fn is_file(files: &Files, piece: &Piece) -> bool {
    matches!(piece.spans.as_slice(), [span] if files.get(&span.file).is_some_and(|bytes| span.range == (0..bytes.len())))
}

pub(super) fn swap(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let mut pairs = Vec::new();
    for part in [Part::Core, Part::Pagemap] {
        if let [a, b, ..] = stage.layout.part(part)[..] {
            pairs.push((a, b));
        }
    }
    // Where a set is one file, what can be swapped are its parts.
    let parts = &stage.layout.exchangeable;
    if !parts.iter().all(|piece| is_file(&stage.sealed, piece)) {
        pairs.extend(parts.windows(2).map(|pair| (&pair[0], &pair[1])));
    }
    for (a, b) in pairs {
        if a != b && a.spans.len() == b.spans.len() {
            let changed = moved(&stage.sealed, &[(a, b), (b, a)], &stage.sealed);
            try_change(stage, &mut trials, format!("{} and {}", a.name, b.name), &changed)?;
        }
    }
    Ok(trials.outcome(NOTHING))
}

pub(super) fn drop_each(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    for piece in &stage.layout.exchangeable {
        let changed = if is_file(&stage.sealed, piece) {
            let mut changed = stage.sealed.clone();
            changed.remove(&piece.spans[0].file);
            changed
        } else {
            let changes = piece.spans.iter().map(|span| (span.clone(), Vec::new()));
            with(&stage.sealed, changes.collect())
        };
        try_change(stage, &mut trials, piece.name.clone(), &changed)?;
    }
    Ok(trials.outcome(NOTHING))
}

pub(super) fn add(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let core = |pid: u32| format!("core-{pid}.img");
    let new = core(PIDS[2] + 1);
    for (place, source) in [
        ("a copy of a file of the set", stage.sealed.get(&core(PIDS[0]))),
        ("a plain file", stage.subject.files.get(&core(PIDS[0]))),
    ] {
        if let Some(bytes) = source {
            let mut changed = stage.sealed.clone();
            changed.insert(new.clone(), bytes.clone());
            try_change(stage, &mut trials, format!("{place} as {new}"), &changed)?;
        }
    }
    for piece in &stage.layout.exchangeable {
        if is_file(&stage.sealed, piece) {
            continue;
        }
        let copies = piece.spans.iter().map(|span| {
            let end = span.range.end;
            (
                Span::new(&span.file, end..end),
                span.bytes(&stage.sealed).to_vec(),
            )
        });
        let changed = with(&stage.sealed, copies.collect());
        try_change(
            stage,
            &mut trials,
            format!("a copy of {} behind it", piece.name),
            &changed,
        )?;
    }
    Ok(trials.outcome(NOTHING))
}

pub(super) fn truncate(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let borders = || stage.layout.exchangeable.iter().chain(&stage.layout.entries);
    for (name, bytes) in &stage.sealed {
        let of_file = borders().flat_map(|piece| &piece.spans);
        let of_file = of_file.filter(|span| span.file == *name);
        let mut lengths: BTreeSet<usize> = of_file.map(|span| span.range.start).collect();
        lengths.extend([0, bytes.len() / 2, bytes.len().saturating_sub(1)]);
        for length in lengths {
            let changed = cut(&stage.sealed, name, length);
            try_change(stage, &mut trials, name.clone(), &changed)?;
        }
    }
    Ok(trials.outcome(NOTHING))
}
