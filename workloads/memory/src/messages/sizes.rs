//! The measured sizes of checkpoint entries, and random draws from them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::random::Random;

/// `data/criu-entry-sizes.json`. Its provenance stands in the file.
#[derive(Deserialize)]
struct Data {
    kinds: BTreeMap<String, Vec<SizeCount>>,
}

/// How many entries have a size.
#[derive(Deserialize)]
pub(super) struct SizeCount {
    pub(super) bytes: u32,
    pub(super) entries: u32,
}

static DATA: LazyLock<Data> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../data/criu-entry-sizes.json"))
        .expect("the data file is part of the program and tested with it")
});

/// The kinds of entries with their sizes.
pub(super) fn kinds() -> &'static BTreeMap<String, Vec<SizeCount>> {
    &DATA.kinds
}

/// Sizes with the running sum of their weights.
pub(super) struct Table {
    sums: Vec<(u64, u32)>,
    total: u64,
}

impl Table {
    /// The distribution in which each kind occurs as often as `weights` says, or as in the set; within a kind the
    /// sizes keep their proportions.
    pub(super) fn new(weights: &BTreeMap<String, u32>) -> Self {
        // Kinds' weights are scaled by the product of nothing larger than this, which keeps the sums exact enough.
        const SCALE: u64 = 1 << 16;
        let mut sums = Vec::new();
        let mut total = 0;
        for (kind, sizes) in kinds() {
            let entries: u64 = sizes.iter().map(|size| u64::from(size.entries)).sum();
            let weight = weights.get(kind).map_or(entries, |&weight| weight.into());
            for size in sizes.iter().filter(|_| weight > 0) {
                total += weight * SCALE * u64::from(size.entries) / entries;
                sums.push((total, size.bytes));
            }
        }
        Self { sums, total }
    }

    /// A random size, at least 2.
    pub(super) fn draw(&self, random: &mut Random) -> u32 {
        let at = random.below(self.total);
        let index = self.sums.partition_point(|&(sum, _)| sum <= at);
        self.sums[index].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_file_is_sound() {
        assert!(kinds().len() > 10);
        for (kind, sizes) in kinds() {
            assert!(!sizes.is_empty(), "{kind}");
            for size in sizes {
                assert!((2..1 << 20).contains(&size.bytes), "{kind} {}", size.bytes);
                assert!(size.entries > 0, "{kind}");
            }
        }
    }

    #[test]
    fn kinds_occur_by_their_weight() {
        let mut weights: BTreeMap<String, u32> = kinds().keys().map(|kind| (kind.clone(), 0)).collect();
        weights.insert("fdinfo".to_owned(), 3);
        weights.insert("core".to_owned(), 1);
        let table = Table::new(&weights);
        let mut random = Random::new(1, "test");
        let drawn: Vec<u32> = (0..40_000).map(|_| table.draw(&mut random)).collect();
        let core: Vec<u32> = kinds()["core"].iter().map(|size| size.bytes).collect();
        let small = drawn.iter().filter(|&&bytes| bytes == 8).count();
        assert!((29_000..31_000).contains(&small), "{small}");
        assert!(drawn.iter().all(|bytes| *bytes == 8 || core.contains(bytes)));
    }
}
