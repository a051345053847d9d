//! Bits that are flipped.

use super::super::places::{Luks, Span};
use super::super::stage::Stage;
use super::{UNWRITABLE, replay};
use crate::overlay::Overlay;
use crate::trials::Trials;
use crate::{AttackError, Outcome};

/// Places in each run of bytes.
const PLACES: usize = 5;
/// Places in a journal.
const JOURNAL_PLACES: usize = 24;
const SECTOR_BYTES: usize = 512;

fn flip(store: &Overlay, at: usize, bit: usize) {
    let byte = store.bytes(at..at + 1);
    store.put(at, &[byte.first().copied().unwrap_or_default() ^ 1 << (bit % 8)]);
}

/// So many places, spread over a range from its first byte to its last.
fn spread(range: &Span, places: usize) -> impl Iterator<Item = usize> + use<> {
    let (start, length) = (range.start, range.len());
    let places = places.min(length);
    (0..places).map(move |place| start + place * (length - 1) / (places - 1).max(1))
}

fn one(stage: &Stage, trials: &mut Trials, name: String, at: usize, bit: usize) {
    let store = Overlay::new(&stage.image);
    flip(&store, at, bit);
    stage.try_change(trials, name, store);
}

pub(super) fn data(stage: &Stage) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    for place in &stage.places {
        for (bit, at) in place
            .data
            .iter()
            .flat_map(|span| spread(span, PLACES))
            .enumerate()
        {
            one(stage, &mut trials, format!("block {}", place.block), at, bit);
        }
    }
    Ok(trials.outcome("No place of a block was found."))
}

pub(super) fn codes(stage: &Stage) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    for place in &stage.places {
        let spans = place.codes.iter().chain(&place.beside);
        for (bit, at) in spans.flat_map(|span| spread(span, PLACES)).enumerate() {
            one(stage, &mut trials, format!("block {}", place.block), at, bit);
        }
    }
    Ok(trials.outcome("Nothing stands for a block elsewhere."))
}

/// What each header says, without what it leaves empty.
fn headers(stage: &Stage) -> Vec<(&'static str, Vec<usize>)> {
    let headers = &stage.headers;
    let mut all: Vec<(&str, Vec<usize>)> = Vec::new();
    match headers.luks {
        Some(Luks::One) => {
            all.push((
                "the LUKS1 header",
                (0..256).chain((256..592).step_by(8)).collect(),
            ));
            all.push((
                "a LUKS1 keyslot",
                spread(&(4096..4096 + 256_000), PLACES).collect(),
            ));
        }
        Some(Luks::Two { .. }) => {
            all.push(("the LUKS2 header's first copy", copy(stage)));
            all.push((
                "a LUKS2 keyslot",
                spread(&(32_768..32_768 + 128_000), PLACES).collect(),
            ));
        }
        None => {}
    }
    if let Some(start) = headers.integrity {
        all.push(("dm-integrity's superblock", (start..start + 64).collect()));
    }
    if let Some(start) = headers.verity {
        all.push((
            "dm-verity's superblock",
            (start..start + 344).step_by(2).collect(),
        ));
    }
    if let Some(log) = &headers.log {
        all.push(("a sealed log's first header", log_header()));
        for superblock in &log.superblocks {
            let start = superblock.start as usize;
            all.push((
                "a sealed log's superblock",
                (start..start + 256).step_by(3).collect(),
            ));
        }
    }
    all
}

/// Bytes of a copy of a sealed log's header: its fields, its first keyslot, its authentication code.
fn log_header() -> Vec<usize> {
    let (fields, keyslot, code) = (0..72, (1024..1152).step_by(3), (4064..4096).step_by(5));
    fields.chain(keyslot).chain(code).collect()
}

/// Bytes of a copy of a LUKS2 header: the binary header's fields, and its JSON text.
fn copy(_: &Stage) -> Vec<usize> {
    let (binary, text) = ((0..512).step_by(8), (4096..4800).step_by(37));
    binary.chain(text).collect()
}

pub(super) fn header(stage: &Stage) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    for (name, places) in headers(stage) {
        for at in places {
            one(stage, &mut trials, name.to_owned(), at, at);
        }
    }
    Ok(trials.outcome("There is no header."))
}

pub(super) fn header_copies(stage: &Stage) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let (places, length) = match (&stage.headers.luks, &stage.headers.log) {
        (Some(Luks::Two { copy: length, .. }), _) => (copy(stage), *length),
        (_, Some(log)) => (log_header(), log.headers[1].start as usize),
        _ => (Vec::new(), 0),
    };
    for at in places {
        let store = Overlay::new(&stage.image);
        flip(&store, at, at);
        flip(&store, at + length, at);
        stage.try_change(&mut trials, format!("byte {at} of each"), store);
    }
    Ok(trials.outcome("No header has two copies."))
}

pub(super) fn journal(stage: &Stage) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let Some(journal) = stage.headers.journal.clone() else {
        return Ok(trials.outcome("There is no journal."));
    };
    if !stage.writable() {
        return Ok(trials.outcome(UNWRITABLE));
    }
    let image = replay::unclosed(stage)?;
    // What the journal got: a volume that does not use it leaves it as it was.
    let changed: Vec<usize> = journal
        .filter(|at| image[*at] != stage.image[*at] && image[*at] != 0)
        .collect();
    let mut flips: Vec<(usize, usize)> = spread(&(0..changed.len()), JOURNAL_PLACES)
        .map(|index| (changed[index], index))
        .collect();
    // Sectors end with what says that they are whole, and the first entry begins with the block that it is for.
    let ends = changed
        .iter()
        .filter(|at| **at % SECTOR_BYTES >= SECTOR_BYTES - 8);
    flips.extend(ends.take(JOURNAL_PLACES).map(|at| (*at, *at)));
    if let Some(first) = changed.first() {
        let entry = first / SECTOR_BYTES * SECTOR_BYTES;
        flips.extend((entry..entry + 8).flat_map(|at| (0..8).map(move |bit| (at, bit))));
    }
    for (at, bit) in flips {
        let store = Overlay::new(&image);
        flip(&store, at, bit);
        let (verdict, note) = stage.read_other(store, image.trusted, &replay::rewritten);
        trials.add(format!("byte {at}"), verdict, note);
    }
    Ok(trials.outcome("What is written does not go through the journal."))
}
