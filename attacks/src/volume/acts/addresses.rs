//! What an observer learns of which block was written, without the key.
//!
//! The observer knows which block was written in a first pass, as one who can have blocks written does, and guesses which
//! one it was in a second. What all writes have in common tells nothing; the rest is compared.

use std::collections::{BTreeSet, HashMap};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::super::places::differences;
use super::super::stage::{Stage, seen};
use super::super::subject::{BLOCK_BYTES, BLOCKS, LATER, content};
use super::UNWRITABLE;
use crate::crash::Event;
use crate::trials::Trials;
use crate::{AttackError, Outcome};

/// Blocks in each pass, where writes are watched and where snapshots are compared.
const WATCHED: u64 = 32;
const COMPARED: u64 = 12;

/// An order that is told by places: beyond, it is one in ten thousand by chance.
const PLACES_TELL: f64 = 0.7;
/// The same for numbers in what is written, of which there are thousands.
const NUMBERS_TELL: f64 = 0.9;

const SECTOR_BYTES: usize = 512;

type Sectors = BTreeSet<usize>;

/// One write, as it was seen.
struct Write {
    block: u64,
    sectors: Sectors,
    /// Where the first, the longest and the last of what was written begin.
    offsets: Vec<u64>,
    /// The longest of what was written.
    longest: Vec<u8>,
}

/// Blocks spread over the volume, in an order that says nothing.
fn order(count: u64, pass: u64) -> Vec<u64> {
    let mut blocks: Vec<u64> = (0..count).map(|number| number * (BLOCKS / count)).collect();
    let mut chance = ChaCha8Rng::seed_from_u64(pass);
    for last in (1..blocks.len()).rev() {
        let other = chance.next_u64() % (last as u64 + 1);
        blocks.swap(last, other as usize);
    }
    blocks
}

fn sectors(start: usize, bytes: usize) -> impl Iterator<Item = usize> {
    start / SECTOR_BYTES..(start + bytes).div_ceil(SECTOR_BYTES)
}

/// How many of the second pass's blocks are guessed by what they have in common with those of the first.
fn guessed(first: &[(u64, &Sectors)], second: &[(u64, &Sectors)]) -> usize {
    let mut common: HashMap<usize, usize> = HashMap::new();
    for sector in first.iter().chain(second).flat_map(|(_, sectors)| sectors.iter()) {
        *common.entry(*sector).or_default() += 1;
    }
    let alike = |a: &Sectors, b: &Sectors| -> f64 {
        let rare = |sector: &&usize| common[*sector] <= (first.len() + second.len()) / 4;
        let both = a.intersection(b).filter(rare);
        both.map(|sector| 1.0 / common[sector] as f64).sum()
    };
    let right = second.iter().filter(|(block, sectors)| {
        let guess = first
            .iter()
            .map(|(block, known)| (block, alike(known, sectors)))
            .filter(|(_, alike)| *alike > 0.0)
            .max_by(|(_, a), (_, b)| a.total_cmp(b));
        guess.is_some_and(|(guess, _)| guess == block)
    });
    right.count()
}

/// More than a quarter are no chance where one of them would be.
fn tells(guessed: usize, all: usize) -> bool {
    guessed > all / 4 + 3
}

/// Spearman's rank correlation; none where half of the values or more are the same.
fn correlation(a: &[u64], b: &[u64]) -> f64 {
    let ranks = |values: &[u64]| -> Option<Vec<f64>> {
        let distinct: BTreeSet<u64> = values.iter().copied().collect();
        if distinct.len() * 2 <= values.len() {
            return None;
        }
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by_key(|index| values[*index]);
        let mut ranks = vec![0.0; values.len()];
        for (rank, index) in order.into_iter().enumerate() {
            ranks[index] = rank as f64;
        }
        Some(ranks)
    };
    let (Some(a), Some(b)) = (ranks(a), ranks(b)) else {
        return 0.0;
    };
    let count = a.len() as f64;
    let squares: f64 = a.iter().zip(&b).map(|(a, b)| (a - b) * (a - b)).sum();
    1.0 - 6.0 * squares / (count * (count * count - 1.0))
}

fn watch(stage: &Stage) -> Result<Vec<Vec<Write>>, AttackError> {
    let (store, (volume, _)) = stage.recorded()?;
    let mut passes = Vec::new();
    for pass in 0..2 {
        let mut writes = Vec::new();
        for block in order(WATCHED, pass) {
            store.take();
            let done = volume.write(block * BLOCK_BYTES as u64, &content(LATER + pass, block));
            done.and_then(|()| volume.flush())
                .map_err(|error| stage.failure("writing the volume", error))?;
            let written: Vec<(u64, Vec<u8>)> = store
                .take()
                .into_iter()
                .filter_map(|event| match event {
                    Event::Write { offset, data } => Some((offset, data)),
                    _ => None,
                })
                .collect();
            let longest = written.iter().max_by_key(|(_, data)| data.len()).cloned();
            let (longest_at, longest) = longest.unwrap_or_default();
            let end = |one: Option<&(u64, Vec<u8>)>| one.map_or(0, |(offset, _)| *offset);
            writes.push(Write {
                block,
                sectors: written
                    .iter()
                    .flat_map(|(offset, data)| sectors(*offset as usize, data.len()))
                    .collect(),
                offsets: vec![end(written.first()), longest_at, end(written.last())],
                longest,
            });
        }
        passes.push(writes);
    }
    Ok(passes)
}

pub(super) fn learn(stage: &Stage) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    if !stage.writable() {
        return Ok(trials.outcome(UNWRITABLE));
    }
    let passes = watch(stage)?;
    let (first, second) = (&passes[0], &passes[1]);
    let blocks: Vec<u64> = first.iter().map(|write| write.block).collect();

    let by = |index: usize| -> Vec<u64> { first.iter().map(|write| write.offsets[index]).collect() };
    let best = (0..3)
        .map(|index| correlation(&blocks, &by(index)).abs())
        .fold(0.0, f64::max);
    trials.add(
        "the order of places",
        seen(best > PLACES_TELL),
        Some(format!(
            "places follow the numbers of blocks with a rank correlation of {best:.2}"
        )),
    );

    fn known(writes: &[Write]) -> Vec<(u64, &Sectors)> {
        writes.iter().map(|write| (write.block, &write.sectors)).collect()
    }
    let right = guessed(&known(first), &known(second));
    let note = format!("{right} of {WATCHED} blocks guessed");
    trials.add(
        "places that come again",
        seen(tells(right, second.len())),
        Some(note),
    );

    let length = first
        .iter()
        .map(|write| write.longest.len())
        .min()
        .unwrap_or_default();
    let mut telling = None;
    for at in (0..length / 8).map(|word| word * 8) {
        let words = |of: fn([u8; 8]) -> u64| -> Vec<u64> {
            let word = |write: &Write| write.longest[at..].first_chunk().map_or(0, |word| of(*word));
            first.iter().map(word).collect()
        };
        let [little, big] = [u64::from_le_bytes, u64::from_be_bytes].map(words);
        let found = correlation(&blocks, &little).max(correlation(&blocks, &big));
        if found > NUMBERS_TELL && telling.is_none() {
            telling = Some(at);
        }
    }
    let note = match telling {
        Some(at) => format!("the number at byte {at} of what is written is the block's"),
        None => format!("none in {} bytes of each write", length),
    };
    trials.add("numbers in clear", seen(telling.is_some()), Some(note));
    Ok(trials.outcome(UNWRITABLE))
}

pub(super) fn compare(stage: &Stage) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    if !stage.writable() {
        return Ok(trials.outcome(UNWRITABLE));
    }
    let mut before = stage.image.clone();
    let mut passes: Vec<Vec<(u64, Sectors)>> = Vec::new();
    for pass in 0..2 {
        let mut changes = Vec::new();
        for block in order(COMPARED, pass) {
            let content = content(LATER + pass, block);
            let after = stage.written(&before, |volume| {
                volume.write(block * BLOCK_BYTES as u64, &content)
            })?;
            let spans = differences(&before, &after);
            let changed = spans.iter().flat_map(|span| sectors(span.start, span.len()));
            changes.push((block, changed.collect()));
            before = after;
        }
        passes.push(changes);
    }
    fn known(changes: &[(u64, Sectors)]) -> Vec<(u64, &Sectors)> {
        changes.iter().map(|(block, sectors)| (*block, sectors)).collect()
    }
    let right = guessed(&known(&passes[0]), &known(&passes[1]));
    let note = format!("{right} of {COMPARED} blocks guessed");
    trials.add(
        "places that change again",
        seen(tells(right, passes[1].len())),
        Some(note),
    );
    Ok(trials.outcome(UNWRITABLE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_seen_and_chance_is_not() {
        let blocks = order(WATCHED, 0);
        let places: Vec<u64> = blocks.iter().map(|block| 7 + block * 4096).collect();
        assert!(correlation(&blocks, &places) > 0.99);
        let backwards: Vec<u64> = blocks.iter().map(|block| 1 << 40 >> (block / 8)).collect();
        assert!(correlation(&blocks, &backwards) < -0.9);
        let log: Vec<u64> = (0..WATCHED).collect();
        assert!(correlation(&blocks, &log).abs() < PLACES_TELL);
        assert!(correlation(&blocks, &vec![5; blocks.len()]) == 0.0);
    }

    #[test]
    fn blocks_are_guessed_by_what_only_they_change() {
        // Each changes a sector of its own, or the next of a log, and one that all do.
        let pass = |pass: u64, log: bool| -> Vec<(u64, Sectors)> {
            let blocks = order(WATCHED, pass).into_iter().enumerate();
            let place = |index: usize, block: u64| match log {
                true => 1000 + pass as usize * 100 + index,
                false => 1000 + block as usize,
            };
            blocks
                .map(|(index, block)| (block, [1, place(index, block)].into()))
                .collect()
        };
        let of = |log| {
            let passes = [pass(0, log), pass(1, log)];
            let known = |index: usize| -> Vec<(u64, &Sectors)> {
                passes[index]
                    .iter()
                    .map(|(block, sectors)| (*block, sectors))
                    .collect()
            };
            guessed(&known(0), &known(1))
        };
        assert_eq!(of(false), WATCHED as usize);
        assert!(!tells(of(true), WATCHED as usize));
    }
}
