//! What was written since the index was last written: block by block, in memory that is known beforehand.
//!
//! Blocks lie in the order in which they were first written, and a table of their places is searched by linear probing.
//! Nothing is taken out but all of it, so that a table that leaves a quarter empty does, with 4 bytes a place.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use super::entry::Entry;

/// What a block takes, in bytes: its slot, and 4/3 places.
pub(super) const RECENT_MEMORY: usize = size_of::<(u64, Entry)>() + 6;

/// Entries by block of the volume.
pub(super) struct Recent {
    slots: Vec<(u64, Entry)>,
    /// Slots counted from 1; 0 is empty.
    places: Vec<u32>,
    most: usize,
    hasher: RandomState,
}

impl Recent {
    /// Room for `most` blocks, at most 2^31; more take more memory until the next [`Recent::clear`].
    pub(super) fn new(most: usize) -> Self {
        Self {
            slots: Vec::with_capacity(most),
            places: vec![0; places(most)],
            most,
            hasher: RandomState::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn get(&self, block: u64) -> Option<Entry> {
        if self.slots.is_empty() {
            return None;
        }
        let slot = self.places[self.place(block)].checked_sub(1)?;
        Some(self.slots[slot as usize].1)
    }

    /// The slot of a block, and the entry that was there before.
    pub(super) fn insert(&mut self, block: u64, entry: Entry) -> (u32, Option<Entry>) {
        let place = self.place(block);
        if let Some(slot) = self.places[place].checked_sub(1) {
            let before = std::mem::replace(&mut self.slots[slot as usize].1, entry);
            return (slot, Some(before));
        }
        if places(self.slots.len() + 1) > self.places.len() {
            self.grow();
            return self.insert(block, entry);
        }
        self.slots.push((block, entry));
        self.places[place] = self.slots.len() as u32;
        (self.slots.len() as u32 - 1, None)
    }

    /// What was put into a slot last.
    pub(super) fn slot(&self, slot: u32) -> Option<(u64, Entry)> {
        self.slots.get(slot as usize).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, Entry)> {
        self.slots.iter().copied()
    }

    pub(super) fn clear(&mut self) {
        if self.places.len() > places(self.most) {
            *self = Self::new(self.most);
            return;
        }
        self.slots.clear();
        self.places.fill(0);
    }

    /// Where a block is in the table, or where it belongs.
    fn place(&self, block: u64) -> usize {
        let len = self.places.len();
        let hash = u128::from(self.hasher.hash_one(block));
        let mut place = ((hash * len as u128) >> 64) as usize;
        while let Some(slot) = self.places[place].checked_sub(1) {
            if self.slots[slot as usize].0 == block {
                break;
            }
            place = if place + 1 == len { 0 } else { place + 1 };
        }
        place
    }

    fn grow(&mut self) {
        self.places = vec![0; places(2 * self.slots.len() + 1)];
        for slot in 0..self.slots.len() {
            let place = self.place(self.slots[slot].0);
            self.places[place] = slot as u32 + 1;
        }
    }
}

/// Places in the table for `most` blocks.
fn places(most: usize) -> usize {
    most + most / 3 + 1
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn the_last_entry_of_each_block_is_found() {
        let mut recent = Recent::new(100);
        for round in 0..2 {
            let mut model = HashMap::new();
            for number in 0..1000u64 {
                // More blocks than there was room for, each several times.
                let (block, entry) = (number * number % 401 + round, Entry::removed(number + 1, 1));
                let (slot, before) = recent.insert(block, entry);
                assert_eq!(before, model.insert(block, entry));
                assert_eq!(recent.slot(slot), Some((block, entry)));
            }
            assert!(model.len() > 150 && recent.len() == model.len());
            assert!((0..500).all(|block| recent.get(block) == model.get(&block).copied()));
            assert!(
                recent
                    .iter()
                    .all(|(block, entry)| model.remove(&block) == Some(entry))
            );
            recent.clear();
            assert!(recent.len() == 0 && recent.get(1).is_none());
            assert_eq!(recent.places.len(), places(100));
        }
    }
}
