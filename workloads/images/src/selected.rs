//! Parts of a tree, in runs of files that stand beside each other.

use std::ops::Range;
use std::path::PathBuf;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sealab_memory::Share;

use crate::Tree;
use crate::tree::{Entry, EntryKind};

/// How many runs make up a part; each is somewhere in its own section of the tree.
const RUNS: usize = 16;

impl Tree {
    /// Runs of files that make up `share` of the whole, as `weight` weighs each.
    pub(crate) fn runs(&self, share: Share, seed: u64, weight: fn(&Entry) -> u64) -> Vec<Range<usize>> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let total: u64 = self.entries.iter().map(weight).sum();
        let mut left = share.of(usize::try_from(total).unwrap_or(usize::MAX)) as u64;
        let section = self.entries.len().div_ceil(RUNS).max(1);
        let sections = self.entries.len().div_ceil(section);
        let mut runs = Vec::new();
        for start in (0..self.entries.len()).step_by(section) {
            let end = (start + section).min(self.entries.len());
            // What earlier ones have left over is shared among those that come.
            let wanted = left / (sections - runs.len()) as u64;
            let (run, taken) = self.run(start..end, wanted, &mut random, weight);
            left -= taken;
            runs.push(run);
        }
        runs
    }

    /// A run within `section`, beginning anywhere where there are enough files behind, of at most `wanted`.
    fn run(
        &self,
        section: Range<usize>,
        wanted: u64,
        random: &mut ChaCha8Rng,
        weight: fn(&Entry) -> u64,
    ) -> (Range<usize>, u64) {
        let from = |start: usize| {
            let mut taken = 0;
            let fits = self.entries[start..section.end].iter().take_while(|entry| {
                let fits = taken + weight(entry) <= wanted;
                taken += if fits { weight(entry) } else { 0 };
                fits
            });
            let end = start + fits.count();
            (start..end, taken)
        };
        let chance = random.next_u64();
        // The fullest of the runs is taken among a few that begin by chance, as a large file may stand behind any of them.
        (0..8)
            .map(|attempt: u64| {
                let place = chance.rotate_left(8 * attempt as u32) % section.len().max(1) as u64;
                from(section.start + place as usize)
            })
            .max_by_key(|(_, taken)| *taken)
            .unwrap_or((section.start..section.start, 0))
    }

    /// The paths of `share` of the files that have contents, in runs, the same for the same seed.
    pub fn some(&self, share: Share, seed: u64) -> Vec<PathBuf> {
        let one = |entry: &Entry| u64::from(is_read(entry));
        let runs = self.runs(share, seed, one);
        let entries = runs.into_iter().flat_map(|run| &self.entries[run]);
        entries
            .filter(|entry| is_read(entry))
            .map(|entry| entry.path.clone())
            .collect()
    }
}

/// Whether it is a regular file with contents, under a name that any program takes.
fn is_read(entry: &Entry) -> bool {
    !matches!(entry.kind, EntryKind::Link(_)) && entry.length() > 0 && entry.path.to_str().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ImageContent;

    #[test]
    fn a_part_of_the_files_is_as_large_as_asked_for() {
        let tree = Tree::new(ImageContent::Host, 32 << 20, &false.into()).expect("/usr");
        let all = tree.entries.iter().filter(|entry| is_read(entry)).count();
        let some = tree.some(Share::new(0.05).expect("a share"), 1);
        let part = some.len() as f64 / all as f64;
        assert!((0.03..=0.051).contains(&part), "{part}");
        assert_eq!(some, tree.some(Share::new(0.05).expect("a share"), 1));
        assert_ne!(some, tree.some(Share::new(0.05).expect("a share"), 2));
    }
}
