//! The space map on the store: pages of bits, and nodes over them, all of them in memory.

use super::cache::Node;
use super::entry::Entry;
use super::geometry::{FAN_OUT, Geometry, levels};
use super::index::Change;
use super::seal::{Domain, Place};
use super::state::{Core, State};
use crate::VolumeError;

/// Where the pages and the nodes over them are; the last level has one entry, the root.
pub(super) struct Map(Vec<Vec<Entry>>);

impl Map {
    pub(super) fn new(geometry: &Geometry) -> Self {
        let mut count = geometry.pages();
        let mut all = vec![vec![Entry::UNMAPPED; count as usize]];
        for _ in 0..levels(count) {
            count = count.div_ceil(FAN_OUT);
            all.push(vec![Entry::UNMAPPED; count as usize]);
        }
        Self(all)
    }

    pub(super) fn root(&self) -> Entry {
        self.0.last().map_or(Entry::UNMAPPED, |root| root[0])
    }

    /// How many blocks of the log it takes.
    #[cfg(test)]
    pub(super) fn len(&self) -> i64 {
        let entries = self.0.iter().flatten();
        entries.filter(|entry| entry.address().is_some()).count() as i64
    }

    fn place(level: usize, index: u64) -> Place {
        Place {
            domain: Domain::Map,
            level: level as u32,
            index,
        }
    }
}

/// A space map that was written, and which of its pages were.
pub(super) struct Saved {
    map: Map,
    pages: Vec<u64>,
}

impl State {
    /// Sees to it that the parts of the space map of whose entries `moves` holds are written anew with the index; how many
    /// were not to be anyway.
    pub(super) fn touch_map(&mut self, moves: &dyn Fn(&Self, &Entry) -> bool) -> u64 {
        let mut pages = Vec::new();
        for (level, entries) in self.map.0.iter().enumerate() {
            let found = (0u64..)
                .zip(entries)
                .filter(|(_, entry)| entry.address().is_some() && moves(self, entry));
            pages.extend(found.map(|(index, _)| index << (7 * level)));
        }
        let fresh = pages.iter().filter(|page| self.space.dirty_page(**page));
        fresh.count() as u64
    }

    /// Reads the space map that `root` leads to.
    pub(super) fn load_map(&mut self, core: &Core, root: Entry) -> Result<(), VolumeError> {
        let top = self.map.0.len() - 1;
        self.map.0[top][0] = root;
        for level in (0..=top).rev() {
            for index in 0..self.map.0[level].len() {
                let entry = self.map.0[level][index];
                let Some(address) = entry.address() else { continue };
                let mut node = Node::empty();
                core.fetch(address, &mut node.0[..])?;
                core.open(Map::place(level, index as u64), entry, &mut node.0[..])?;
                if level == 0 {
                    self.space.load_page(index as u64, &node.0[..]);
                    continue;
                }
                let first = index as u64 * FAN_OUT;
                let below = self.map.0[level - 1].iter_mut().enumerate().skip(first as usize);
                for (child, entry) in below.take(FAN_OUT as usize) {
                    *entry = node.get(child as u64);
                }
            }
        }
        Ok(())
    }

    /// Writes the pages that changed, with the bits as they will be once the next commit is durable, and the nodes over
    /// them; notes in `change` what it took, also when it fails, and what they replace. Nothing else is changed.
    pub(super) fn save_map(&mut self, core: &Core, change: &mut Change) -> Result<Saved, VolumeError> {
        for given_up in [&change.freed, &change.dropped] {
            given_up.each(&mut |address| self.space.touch(address));
        }
        let (mut places, mut changed, mut old) = (Vec::new(), Vec::new(), Vec::new());
        // Taking blocks for pages and nodes changes bits, and so does giving up the old ones: until nothing is added.
        loop {
            changed.clear();
            old.clear();
            let mut indices = self.space.dirty_pages();
            for level in &self.map.0 {
                old.extend(indices.iter().map(|index| level[*index as usize]));
                changed.push(indices.clone());
                indices.iter_mut().for_each(|index| *index /= FAN_OUT);
                indices.dedup();
            }
            for address in old.iter().filter_map(Entry::address) {
                self.space.touch(address);
            }
            let needed: usize = changed.iter().map(Vec::len).sum();
            let more = self.take(needed.saturating_sub(places.len()))?;
            if more.is_empty() && self.space.dirty_pages().len() == changed[0].len() {
                break;
            }
            change.taken.extend(&more);
            places.extend(more);
        }
        old.iter().for_each(|entry| self.give_up(core, entry, change));
        let mut map = Map(self.map.0.clone());
        let mut places = places.iter();
        for (level, indices) in changed.iter().enumerate() {
            for (index, address) in indices.iter().zip(&mut places) {
                let mut node = Node::empty();
                if level == 0 {
                    self.space.store_page(*index, &mut node.0[..]);
                    let released = [&self.released, &self.released_before];
                    for given_up in [&change.freed, &change.dropped].into_iter().chain(released) {
                        given_up.mask(*index, &mut node.0[..]);
                    }
                } else {
                    let first = (*index * FAN_OUT) as usize;
                    let below = map.0[level - 1].iter().enumerate().skip(first);
                    for (child, entry) in below.take(FAN_OUT as usize) {
                        node.set(child as u64, *entry);
                    }
                }
                let place = Map::place(level, *index);
                map.0[level][*index as usize] = self.seal_node(core, place, *address, &node)?;
            }
        }
        Ok(Saved {
            map,
            pages: std::mem::take(&mut changed[0]),
        })
    }

    /// Goes on with a space map that was written.
    pub(super) fn adopt_map(&mut self, saved: Saved) {
        self.map = saved.map;
        self.space.clean_pages(&saved.pages);
    }
}
