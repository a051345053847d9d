//! Text-like bytes: words with Zipf's frequencies, spaces, punctuation and line ends.

use std::sync::LazyLock;

use crate::random::Random;

/// Different words.
const WORDS: usize = 2048;
/// Places in the table that is drawn from; a word has as many as its frequency asks for.
const PLACES: usize = 1 << 14;
const PLACE_BITS: u32 = PLACES.trailing_zeros();
/// Words are copied as wholes of this length, which is faster than by their own.
const SLOT: usize = 16;

/// A word with what separates it from the next one; the last byte is the length of both.
type Slot = [u8; SLOT];

static TABLE: LazyLock<Vec<Slot>> = LazyLock::new(table);

/// Fills `out` with text.
pub(super) fn fill(random: &mut Random, out: &mut [u8]) {
    let table = &TABLE[..];
    let mut at = 0;
    while at < out.len() {
        let mut bits = random.next();
        for _ in 0..64 / PLACE_BITS {
            let slot = &table[bits as usize % PLACES];
            bits >>= PLACE_BITS;
            let length = usize::from(slot[SLOT - 1]);
            if let Some(space) = out.get_mut(at..at + SLOT) {
                space.copy_from_slice(slot);
                at += length;
            } else {
                let rest = &mut out[at..];
                let length = length.min(rest.len());
                rest[..length].copy_from_slice(&slot[..length]);
                at += length;
            }
        }
    }
}

/// The language: the same for every seed, so that the seed changes what is said and not how it compresses.
fn table() -> Vec<Slot> {
    const ONSETS: [&str; 16] = [
        "", "b", "c", "d", "f", "g", "h", "l", "m", "n", "p", "r", "s", "t", "st", "th",
    ];
    const VOWELS: [&str; 8] = ["a", "e", "i", "o", "u", "e", "a", "ea"];
    const CODAS: [&str; 8] = ["", "", "", "n", "r", "s", "t", "ng"];
    let mut random = Random::new(0, "text language");
    let mut words = Vec::with_capacity(WORDS);
    while words.len() < WORDS {
        // Frequent words are short.
        let syllables = 1 + u64::from(words.len() >= 40) + random.below(5) / 3;
        let mut word = String::new();
        for _ in 0..syllables {
            for part in [&ONSETS[..], &VOWELS, &CODAS] {
                word.push_str(part[random.below(part.len() as u64) as usize]);
            }
        }
        // Two bytes are for the separator, one for the length.
        if word.len() <= SLOT - 3 && !words.contains(&word) {
            words.push(word);
        }
    }
    let weight: f64 = (1..=WORDS).map(|rank| 1.0 / rank as f64).sum();
    let mut table = Vec::with_capacity(PLACES);
    for (rank, word) in (1..).zip(&words) {
        let places = (PLACES as f64 / weight / f64::from(rank)).round().max(1.0) as usize;
        for _ in 0..places {
            let separator = match random.below(64) {
                0 => ".\n",
                1..=3 => ". ",
                4..=8 => ", ",
                _ => " ",
            };
            table.push(slot(word, separator));
        }
    }
    // Rounding gives a few places too many or too few; the commonest word is made to fit.
    table.resize_with(PLACES, || slot(&words[0], " "));
    table
}

fn slot(word: &str, separator: &str) -> Slot {
    let mut slot = [0; SLOT];
    let length = word.len() + separator.len();
    for (to, from) in slot.iter_mut().zip(word.bytes().chain(separator.bytes())) {
        *to = from;
    }
    slot[SLOT - 1] = length as u8;
    slot
}
