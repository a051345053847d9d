//! Runs of bytes that stand in stored data more than once, at whatever place.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use crate::files::Files;

/// How many runs of 16 bytes, none overlapping the one before, have stood somewhere before.
pub(crate) fn repeats(files: &Files) -> usize {
    let mut seen: HashSet<[u8; 16], BuildHasherDefault<First>> = HashSet::default();
    let mut count = 0;
    for bytes in files.values() {
        let mut at = 0;
        while let Some(run) = bytes[at..].first_chunk::<16>() {
            if seen.contains(run) {
                count += 1;
                // Its inner windows have been seen where it stood first.
                at += 16;
            } else {
                seen.insert(*run);
                at += 1;
            }
        }
    }
    count
}

/// How many runs of 16 bytes stand in both.
pub(crate) fn shared(a: &Files, b: &Files) -> usize {
    let windows = |files: &Files| -> HashSet<[u8; 16], BuildHasherDefault<First>> {
        let runs = files.values().flat_map(|bytes| bytes.windows(16));
        runs.filter_map(|run| run.first_chunk().copied()).collect()
    };
    let known = windows(a);
    let mut count = 0;
    for bytes in b.values() {
        let mut at = 0;
        while let Some(run) = bytes[at..].first_chunk::<16>() {
            let found = known.contains(run);
            count += usize::from(found);
            at += if found { 16 } else { 1 };
        }
    }
    count
}

/// Takes the first eight bytes as they are: what is stored is as good as random, and a few megabytes of windows are many.
#[derive(Default)]
struct First(u64);

impl Hasher for First {
    fn finish(&self) -> u64 {
        // The table uses the high bits too.
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut number = [0; 8];
            number[..part.len()].copy_from_slice(part);
            self.0 = self.0.rotate_left(23) ^ u64::from_le_bytes(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(length: usize, seed: u8) -> Vec<u8> {
        use sha2::{Digest, Sha256};
        let blocks =
            (0..length.div_ceil(32)).map(|block| Sha256::digest([seed, block as u8, (block >> 8) as u8]));
        let mut bytes: Vec<u8> = blocks.flatten().collect();
        bytes.truncate(length);
        bytes
    }

    fn one(bytes: Vec<u8>) -> Files {
        [("a".to_owned(), bytes)].into()
    }

    #[test]
    fn repeats_are_found_at_any_place_and_across_files() {
        assert_eq!(repeats(&one(noise(10_000, 1))), 0);
        let mut bytes = noise(10_000, 1);
        bytes.copy_within(100..132, 5_003);
        assert_eq!(repeats(&one(bytes.clone())), 2);
        let files: Files = [("a".to_owned(), noise(64, 1)), ("b".to_owned(), noise(64, 1))].into();
        assert_eq!(repeats(&files), 4);
    }

    #[test]
    fn what_two_sets_share_is_counted() {
        assert_eq!(shared(&one(noise(1000, 1)), &one(noise(1000, 2))), 0);
        let part = [noise(100, 3), noise(1000, 1)[10..74].to_vec()].concat();
        assert_eq!(shared(&one(noise(1000, 1)), &one(part)), 4);
    }
}
