//! Canaries: texts that are planted in the plaintext and looked for in what is stored.
//!
//! A canary is 32 letters and digits that no other content has. Any 12 of them in a row are found, so that one half of a
//! canary always is where a format lays its own bytes between two chunks. They are found as they are, in UTF-16, in
//! hexadecimal and in Base64. What is compressed or encoded otherwise is not seen.

use std::io::{self, Read};

use aho_corasick::{AhoCorasick, BuildError};
use data_encoding::{BASE32_NOPAD, BASE64, HEXLOWER, HEXUPPER};
use sha2::{Digest, Sha256};

/// Characters of a canary.
pub(crate) const CANARY_BYTES: usize = 32;

/// Characters of a canary that are found wherever they stand in a row.
pub(crate) const FRAGMENT_BYTES: usize = 12;

/// The canary of that name in the subject of that seed.
pub(crate) fn canary(name: &str, seed: u64) -> String {
    let digest = Sha256::new()
        .chain_update(b"sealab canary")
        .chain_update(seed.to_le_bytes())
        .chain_update(name)
        .finalize();
    let mut text = BASE32_NOPAD.encode(&digest);
    text.truncate(CANARY_BYTES);
    text
}

/// Looks for some canaries in bytes.
pub(crate) struct Search {
    automaton: AhoCorasick,
    /// The canary that each pattern of the automaton is of.
    of_pattern: Vec<usize>,
}

impl Search {
    /// For `canaries`.
    pub(crate) fn new(canaries: &[String]) -> Result<Self, BuildError> {
        let mut patterns: Vec<Vec<u8>> = Vec::new();
        let mut of_pattern = Vec::new();
        for (index, canary) in canaries.iter().enumerate() {
            for fragment in canary.as_bytes().windows(FRAGMENT_BYTES) {
                let wide = fragment.iter().flat_map(|byte| [*byte, 0]).collect();
                patterns.extend([
                    fragment.to_vec(),
                    wide,
                    HEXLOWER.encode(fragment).into_bytes(),
                    HEXUPPER.encode(fragment).into_bytes(),
                    // Every place modulo 3 comes up among the fragments, and 12 bytes are 16 characters without padding.
                    BASE64.encode(fragment).into_bytes(),
                ]);
            }
            of_pattern.resize(patterns.len(), index);
        }
        Ok(Self {
            automaton: AhoCorasick::new(patterns)?,
            of_pattern,
        })
    }

    /// The first place of the first canary that is found in `source`: the canary's index and the byte.
    pub(crate) fn find(&self, source: impl Read) -> io::Result<Option<(usize, usize)>> {
        // The automaton keeps what it needs across the borders of its buffer.
        let Some(found) = self.automaton.stream_find_iter(source).next() else {
            return Ok(None);
        };
        let found = found?;
        Ok(Some((self.of_pattern[found.pattern().as_usize()], found.start())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search() -> (Search, Vec<String>) {
        let canaries = vec![canary("a", 1), canary("b", 1)];
        (Search::new(&canaries).unwrap(), canaries)
    }

    /// Gives out one byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(1).min(buffer.len());
            let (now, left) = self.0.split_at(count);
            buffer[..count].copy_from_slice(now);
            self.0 = left;
            Ok(count)
        }
    }

    #[test]
    fn canaries_differ_and_stay_the_same() {
        assert_eq!(canary("a", 1), canary("a", 1));
        assert_ne!(canary("a", 1), canary("a", 2));
        assert_ne!(canary("a", 1), canary("b", 1));
        assert_eq!(canary("a", 1).len(), CANARY_BYTES);
    }

    #[test]
    fn a_canary_is_found_in_every_form_and_across_any_border() {
        let (search, canaries) = search();
        let text = canaries[1].as_bytes();
        let wide: Vec<u8> = text.iter().flat_map(|byte| [*byte, 0]).collect();
        let mut forms = vec![
            text.to_vec(),
            wide,
            HEXLOWER.encode(text).into_bytes(),
            HEXUPPER.encode(text).into_bytes(),
        ];
        for before in 0..3 {
            let padded = [&b"xy"[..before.min(2)], text].concat();
            forms.push(BASE64.encode(&padded).into_bytes());
        }
        // What a format lays between two chunks, at any place of the canary.
        for at in 0..=CANARY_BYTES {
            forms.push([&text[..at], &[0; 36], &text[at..]].concat());
        }
        for form in forms {
            // Behind more than the automaton's buffer of 64 KiB, and across its border.
            for before in [0, 65_536 - 10, 200_000] {
                let bytes = [vec![b'.'; before], form.clone()].concat();
                let found = search.find(bytes.as_slice()).unwrap();
                assert!(
                    matches!(found, Some((1, at)) if at >= before),
                    "{found:?} at {before} in {}",
                    form.escape_ascii()
                );
            }
            assert_eq!(search.find(Slow(&form)).unwrap().unwrap().0, 1);
        }
    }

    #[test]
    fn less_than_a_fragment_is_not_found() {
        let (search, canaries) = search();
        let text = &canaries[0].as_bytes()[..FRAGMENT_BYTES - 1];
        assert_eq!(search.find(text).unwrap(), None);
        assert_eq!(search.find([7; 100_000].as_slice()).unwrap(), None);
    }
}
