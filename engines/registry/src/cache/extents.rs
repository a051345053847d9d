//! Which extents of which blobs a cache has, and which of them was used longest ago.

use std::collections::BTreeMap;
use std::ops::Range;

use sealab_layer::image::Digest;

/// What a file takes at least, in bytes, so that many short ones are bounded too.
const BLOCK_BYTES: u64 = 4096;

/// A part of a blob that is in the cache.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Extent {
    pub(super) digest: Digest,
    pub(super) offset: u64,
    pub(super) length: u64,
}

impl Extent {
    pub(super) fn end(&self) -> u64 {
        self.offset.saturating_add(self.length)
    }

    /// What the file of so many bytes takes, in bytes.
    pub(super) fn taken(length: u64) -> u64 {
        length.div_ceil(BLOCK_BYTES).max(1).saturating_mul(BLOCK_BYTES)
    }

    /// The name of its file.
    pub(super) fn name(&self) -> String {
        format!("{}-{}-{}", self.digest.hex(), self.offset, self.length)
    }

    /// The extent whose file has this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let mut parts = name.split('-');
        let (digest, offset, length) = (parts.next()?, parts.next()?, parts.next()?);
        let extent = Self {
            digest: format!("sha256:{digest}").parse().ok()?,
            offset: offset.parse().ok()?,
            length: length.parse().ok()?,
        };
        // Signs and leading zeros would make two names of one extent.
        (extent.length > 0 && extent.offset.checked_add(extent.length).is_some() && extent.name() == name)
            .then_some(extent)
    }
}

/// The extents, of which no two of a blob overlap.
#[derive(Debug, Default)]
pub(super) struct Extents {
    /// By where they begin: the length, and when it was used.
    blobs: BTreeMap<Digest, BTreeMap<u64, (u64, u64)>>,
    /// By when they were used.
    order: BTreeMap<u64, Extent>,
    clock: u64,
    taken: u64,
}

impl Extents {
    /// What all of them take, in bytes.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Those that overlap with `range`, by their places; they are used now.
    pub(super) fn used(&mut self, digest: &Digest, range: Range<u64>) -> Vec<Extent> {
        let found = self.overlapping(digest, range);
        for extent in &found {
            self.remove(extent);
            self.insert(*extent);
        }
        found
    }

    /// Those that overlap with `range`, by their places.
    pub(super) fn overlapping(&self, digest: &Digest, range: Range<u64>) -> Vec<Extent> {
        let Some(blob) = self.blobs.get(digest) else {
            return Vec::new();
        };
        let from = blob
            .range(..range.start)
            .next_back()
            .map_or(range.start, |(offset, _)| *offset);
        blob.range(from..range.end.max(from))
            .map(|(&offset, &(length, _))| Extent {
                digest: *digest,
                offset,
                length,
            })
            .filter(|extent| extent.end() > range.start)
            .collect()
    }

    /// Puts in an extent, which is used now. None that is there may overlap with it.
    pub(super) fn insert(&mut self, extent: Extent) {
        self.clock += 1;
        self.taken += Extent::taken(extent.length);
        self.order.insert(self.clock, extent);
        let blob = self.blobs.entry(extent.digest).or_default();
        blob.insert(extent.offset, (extent.length, self.clock));
    }

    /// Takes out the extent that is there in this length; says whether it was.
    pub(super) fn remove(&mut self, extent: &Extent) -> bool {
        let Some(blob) = self.blobs.get_mut(&extent.digest) else {
            return false;
        };
        match blob.get(&extent.offset) {
            Some((length, used)) if *length == extent.length => {
                self.order.remove(used);
                blob.remove(&extent.offset);
                if blob.is_empty() {
                    self.blobs.remove(&extent.digest);
                }
                self.taken -= Extent::taken(extent.length);
                true
            }
            _ => false,
        }
    }

    /// The one that was used longest ago.
    pub(super) fn oldest(&self) -> Option<Extent> {
        self.order.values().next().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(blob: u8, offset: u64, length: u64) -> Extent {
        Extent {
            digest: Digest::new([blob; 32]),
            offset,
            length,
        }
    }

    #[test]
    fn extents_are_found_by_any_overlap_and_leave_in_the_order_of_use() {
        let mut extents = Extents::default();
        for one in [extent(1, 0, 10), extent(1, 20, 10), extent(2, 0, 5000)] {
            extents.insert(one);
        }
        assert_eq!(extents.taken(), 4 * BLOCK_BYTES);
        let digest = Digest::new([1; 32]);
        let found = |range| extents.overlapping(&digest, range);
        assert_eq!(found(0..1), [extent(1, 0, 10)]);
        assert_eq!(found(9..20), [extent(1, 0, 10)]);
        assert_eq!(found(9..21), [extent(1, 0, 10), extent(1, 20, 10)]);
        assert_eq!(found(25..26), [extent(1, 20, 10)]);
        assert_eq!(found(10..20), []);
        assert_eq!(found(30..90), []);
        assert_eq!(extents.oldest(), Some(extent(1, 0, 10)));
        extents.used(&digest, 5..6);
        assert_eq!(extents.oldest(), Some(extent(1, 20, 10)));
        assert!(!extents.remove(&extent(1, 20, 9)));
        assert!(extents.remove(&extent(1, 20, 10)));
        assert_eq!(extents.oldest(), Some(extent(2, 0, 5000)));
        assert!(extents.remove(&extent(2, 0, 5000)) && extents.remove(&extent(1, 0, 10)));
        assert_eq!((extents.taken(), extents.oldest()), (0, None));
    }

    #[test]
    fn a_name_is_of_one_extent_alone() {
        let one = extent(7, 65_552, 16);
        assert_eq!(Extent::named(&one.name()), Some(one));
        let hex = "07".repeat(32);
        for wrong in [
            format!("{hex}-1"),
            format!("{hex}-1-0"),
            format!("{hex}-01-2"),
            format!("{hex}-+1-2"),
            format!("{hex}-1-2-3"),
            format!("{hex}-{}-2", u64::MAX),
            format!("{}-1-2", &hex[1..]),
            "lock".to_owned(),
        ] {
            assert_eq!(Extent::named(&wrong), None, "{wrong}");
        }
    }
}
