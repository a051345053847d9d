//! The next version of an image: most of it as it was, some files changed, some added, some removed.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sealab_memory::Share;

use crate::Tree;
use crate::tree::{Entry, EntryKind};

/// What is added to the name of a file in place of one that has gone.
const ADDED: &str = ".new";

impl Tree {
    /// The next version, of about the same size. The part `new` of its bytes is in no file of this version: files in runs, as
    /// those of a package stand beside each other, half of them with new contents, the other half under new names too, in place
    /// of files that have gone. The same for the same seed.
    pub fn next_version(&self, new: Share, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut entries = self.entries.clone();
        for (number, run) in self.runs(new, seed, Entry::length).into_iter().enumerate() {
            for entry in &mut entries[run] {
                renew(entry, random.next_u64());
                if number % 2 == 1 {
                    let mut name = entry.path.file_name().unwrap_or_default().to_owned();
                    name.push(ADDED);
                    entry.path.set_file_name(name);
                }
            }
        }
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        Self { entries }
    }
}

/// Gives a file contents that are in no file of the version before, and that compress as well as its own; a link has none.
fn renew(entry: &mut Entry, chance: u64) {
    match &mut entry.kind {
        EntryKind::Host(path, length) => {
            // 1 to 255.
            let mask = (chance % 255) as u8 + 1;
            entry.kind = EntryKind::Masked(std::mem::take(path), *length, mask);
        }
        EntryKind::Masked(_, _, mask) => *mask = mask.wrapping_add(1).max(1),
        EntryKind::Made { seed, .. } => *seed = chance,
        EntryKind::Link(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_version_keeps_what_it_does_not_change() {
        let never = false.into();
        let tree = Tree::new(crate::ImageContent::Host, 16 << 20, &never).expect("/usr");
        let share = Share::new(0.1).expect("a share");
        let next = tree.next_version(share, 1);
        assert_eq!(next, tree.next_version(share, 1));
        assert_ne!(next, tree.next_version(share, 2));
        let before: BTreeMap<_, _> = tree.entries.iter().map(|entry| (&entry.path, entry)).collect();
        let kept: u64 = next
            .entries
            .iter()
            .filter(|entry| before.get(&entry.path) == Some(entry))
            .map(Entry::length)
            .sum();
        let part = kept as f64 / tree.bytes() as f64;
        assert!((0.85..0.91).contains(&part), "{part}");
        assert_eq!(next.bytes(), tree.bytes());
        let changed = next
            .entries
            .iter()
            .filter(|entry| before.get(&entry.path).is_some_and(|other| *other != *entry));
        let added = next
            .entries
            .iter()
            .filter(|entry| !before.contains_key(&entry.path));
        assert!(changed.clone().count() > 0 && added.count() > 0);
        for entry in changed {
            let read = |entry: &Entry| {
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut entry.open().expect("a file"), &mut bytes).expect("contents");
                bytes
            };
            let (new, old) = (read(entry), read(before[&entry.path]));
            assert!(new.len() == old.len() && new.iter().zip(&old).all(|(new, old)| new != old));
        }
    }
}
