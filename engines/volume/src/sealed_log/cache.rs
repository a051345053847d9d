//! Index nodes in memory, as many as there is room for.

use std::collections::HashMap;

use zeroize::Zeroize;

use super::entry::{ENTRY_BYTES, Entry};
use super::geometry::{BLOCK_BYTES, FAN_OUT};

/// A node of the index: [`FAN_OUT`] entries.
#[derive(Clone)]
pub(super) struct Node(pub(super) Box<[u8; BLOCK_BYTES]>);

impl Node {
    pub(super) fn empty() -> Self {
        Self(Box::new([0; BLOCK_BYTES]))
    }

    pub(super) fn get(&self, slot: u64) -> Entry {
        let at = (slot % FAN_OUT) as usize * ENTRY_BYTES;
        Entry(std::array::from_fn(|index| self.0[at + index]))
    }

    pub(super) fn set(&mut self, slot: u64, entry: Entry) {
        let at = (slot % FAN_OUT) as usize * ENTRY_BYTES;
        self.0[at..at + ENTRY_BYTES].copy_from_slice(&entry.0);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }
}

/// Logical addresses are not to be told by what memory leaves behind.
impl Drop for Node {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The level of a node, 1 for those over blocks, and its number among that level.
pub(super) type NodeId = (u32, u64);

struct Slot {
    id: NodeId,
    node: Node,
    used: bool,
}

/// Nodes by their place; those that were not used for a round of the clock go first.
pub(super) struct Cache {
    slots: Vec<Slot>,
    places: HashMap<NodeId, usize>,
    capacity: usize,
    hand: usize,
}

/// What a node takes with its bookkeeping, in bytes: an allocation, a slot, and up to 5 places of 25 bytes in a hash table of
/// which half is always empty.
pub(super) const NODE_MEMORY: usize = BLOCK_BYTES + 16 + size_of::<Slot>() + 5 * 25;
/// So many nodes are kept in any case.
const LEAST_NODES: usize = 8;

impl Cache {
    pub(super) fn new(capacity: usize) -> Self {
        let capacity = capacity.max(LEAST_NODES);
        Self {
            slots: Vec::with_capacity(capacity),
            places: HashMap::with_capacity(2 * capacity),
            capacity,
            hand: 0,
        }
    }

    /// Keeps no more than `capacity` nodes from now on, of which it was made for at least as many.
    pub(super) fn limit(&mut self, capacity: usize) {
        self.capacity = capacity.max(LEAST_NODES);
        while self.slots.len() > self.capacity {
            if let Some(slot) = self.slots.pop() {
                self.places.remove(&slot.id);
            }
            self.hand = 0;
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn get(&mut self, id: NodeId) -> Option<&Node> {
        let slot = &mut self.slots[*self.places.get(&id)?];
        slot.used = true;
        Some(&slot.node)
    }

    /// Puts a node in place of the one that was there, or of one that has not been used for long.
    pub(super) fn insert(&mut self, id: NodeId, node: Node) {
        if let Some(place) = self.places.get(&id) {
            self.slots[*place].node = node;
            return;
        }
        let slot = Slot {
            id,
            node,
            used: false,
        };
        if self.slots.len() < self.capacity {
            self.places.insert(id, self.slots.len());
            self.slots.push(slot);
            return;
        }
        while std::mem::take(&mut self.slots[self.hand].used) {
            self.hand = (self.hand + 1) % self.slots.len();
        }
        self.places.remove(&self.slots[self.hand].id);
        self.places.insert(id, self.hand);
        self.slots[self.hand] = slot;
        self.hand = (self.hand + 1) % self.slots.len();
    }

    pub(super) fn remove(&mut self, id: NodeId) {
        if let Some(place) = self.places.remove(&id) {
            self.slots.swap_remove(place);
            if let Some(moved) = self.slots.get(place) {
                self.places.insert(moved.id, place);
            }
            self.hand = 0;
        }
    }

    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.places.clear();
        self.hand = 0;
    }
}
