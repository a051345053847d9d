//! The index: a tree with 128 entries a node, in which each entry vouches for the node or block that it leads to.
//!
//! Nodes are never changed where they lie. What was written since is kept in memory and in the journal, until there is so
//! much of it that it is worth while to write the nodes concerned anew, up to the root.

use sealab_engine::InOutBuf;

use super::addresses::AddressSet;
use super::cache::{Node, NodeId};
use super::entry::Entry;
use super::geometry::FAN_OUT;
use super::map::Saved;
use super::seal::{Domain, Place};
use super::state::{Core, State, data_place, lengths};
use crate::VolumeError;

/// What is known of a block without reading.
pub(super) enum Found {
    /// Where it is.
    Entry(Entry),
    /// This node would have to be read first; it is where the entry says.
    Missing(NodeId, Entry),
}

/// What a change of the index took and gives up.
pub(super) struct Change {
    pub(super) taken: AddressSet,
    /// What commits tell of: free once the next one is durable.
    pub(super) freed: AddressSet,
    /// What no commit tells of: free once the change is made.
    pub(super) dropped: AddressSet,
}

fn node_place((level, index): NodeId) -> Place {
    Place {
        domain: Domain::Data,
        level,
        index,
    }
}

impl Core {
    /// A node from the store, or from `waiting`, its ciphertext, if it waits to be written.
    pub(super) fn read_node(
        &self,
        id: NodeId,
        entry: Entry,
        waiting: Option<Node>,
    ) -> Result<Node, VolumeError> {
        let Some(address) = entry.address() else {
            return Ok(Node::empty());
        };
        let mut node = match waiting {
            Some(node) => node,
            None => {
                let mut node = Node::empty();
                self.fetch(address, &mut node.0[..])?;
                node
            }
        };
        self.open(node_place(id), entry, &mut node.0[..])?;
        Ok(node)
    }
}

impl State {
    /// Where a block of the volume is.
    pub(super) fn find(&mut self, block: u64) -> Found {
        match self.recent.get(block) {
            Some(entry) => Found::Entry(entry),
            None => self.find_under(0, block),
        }
    }

    /// Where the blocks from `first` on are, as far as one node of the index in memory tells; how many these are.
    pub(super) fn find_run(&mut self, first: u64, blocks: &mut [(Place, Entry)]) -> usize {
        let Some(node) = self.cache.get((1, first / FAN_OUT)) else {
            return 0;
        };
        let count = blocks.len().min((FAN_OUT - first % FAN_OUT) as usize);
        for (block, found) in (first..).zip(&mut blocks[..count]) {
            let recent = self.recent.get(block);
            *found = (data_place(block), recent.unwrap_or_else(|| node.get(block)));
        }
        count
    }

    /// Where the index says that a node is, or a block for level 0.
    fn find_under(&mut self, level: u32, index: u64) -> Found {
        let above = |parent: u32| index.checked_shr(7 * (parent - level)).unwrap_or(0);
        let mut parent = level + 1;
        let mut entry = loop {
            if parent > self.levels {
                break self.root;
            }
            if let Some(node) = self.cache.get((parent, above(parent))) {
                break node.get(above(parent - 1));
            }
            parent += 1;
        };
        // What `entry` leads to.
        parent -= 1;
        if parent > level && entry.address().is_some() {
            return Found::Missing((parent, above(parent)), entry);
        }
        if entry.address().is_none() {
            entry = Entry::UNMAPPED;
        }
        Found::Entry(entry)
    }

    /// Keeps a node that was read without the lock, if it is still the one.
    pub(super) fn keep(&mut self, id: NodeId, entry: Entry, node: Node) {
        if matches!(self.find_under(id.0, id.1), Found::Entry(now) if now == entry) {
            self.cache.insert(id, node);
        }
    }

    /// The ciphertext of a node if it waits to be written, else nothing.
    pub(super) fn waiting_node(&self, entry: &Entry) -> Option<Node> {
        let mut node = Node::empty();
        node.0.copy_from_slice(self.batch.get(entry.address()?)?);
        Some(node)
    }

    /// Where a block of the volume is, reading nodes with the lock held.
    pub(super) fn find_now(&mut self, core: &Core, block: u64) -> Result<Entry, VolumeError> {
        loop {
            match self.find(block) {
                Found::Entry(entry) => return Ok(entry),
                Found::Missing(id, entry) => {
                    let node = self.node(core, id, entry)?;
                    self.cache.insert(id, node);
                }
            }
        }
    }

    /// A copy of a node.
    pub(super) fn node(&mut self, core: &Core, id: NodeId, entry: Entry) -> Result<Node, VolumeError> {
        if let Some(node) = self.cache.get(id) {
            return Ok(node.clone());
        }
        core.read_node(id, entry, self.waiting_node(&entry))
    }

    /// Seals a block, node or page to `address`, in place of what waits to be written there if something does.
    pub(super) fn seal_to(
        &mut self,
        core: &Core,
        place: Place,
        address: u64,
        data: &[u8],
    ) -> Result<Entry, VolumeError> {
        let sequence = self.next(1)?;
        let mut entries = [Entry::UNMAPPED];
        let data = InOutBuf::new(data, self.batch.place(address)).map_err(lengths)?;
        let sealed = core
            .writer()?
            .seal(sequence, &[(place, address)], data, &mut entries);
        sealed.map_err(|error| self.broken(error))?;
        Ok(entries[0])
    }

    /// Seals a node or a page to `address`.
    pub(super) fn seal_node(
        &mut self,
        core: &Core,
        place: Place,
        address: u64,
        node: &Node,
    ) -> Result<Entry, VolumeError> {
        self.make_way(core, 1)?;
        let entry = self.seal_to(core, place, address, &node.0[..])?;
        self.statistics.index_blocks += 1;
        Ok(entry)
    }

    /// Notes that a change gives up the block that an entry names.
    pub(super) fn give_up(&self, core: &Core, entry: &Entry, change: &mut Change) {
        let Some(address) = entry.address() else { return };
        if self.is_pending(core, entry) {
            change.dropped.insert(address);
        } else {
            change.freed.insert(address);
        }
    }

    /// Gives up what the index still names though it was overwritten or discarded since, as far as that was not done: for
    /// room without writing the index.
    pub(super) fn examine(&mut self, core: &Core) -> Result<(), VolumeError> {
        while let Some((block, _)) = self.recent.slot(self.examined) {
            let old = loop {
                match self.find_under(0, block) {
                    Found::Entry(old) => break old,
                    Found::Missing(id, entry) => {
                        let node = self.node(core, id, entry)?;
                        self.cache.insert(id, node);
                    }
                }
            };
            if old.address().is_some_and(|address| self.gone.insert(address)) {
                self.release(core, &old);
            }
            self.examined += 1;
        }
        Ok(())
    }

    /// Writes the index with all that is recent, and the nodes over the blocks that are `touched` in any case. It is there for
    /// good with the next commit. After an error all is as before, but that some blocks were written that are free.
    pub(super) fn write_index(&mut self, core: &Core) -> Result<(), VolumeError> {
        // Their numbers alone: what is recent takes the most memory there is.
        let mut updates: Vec<u64> = Vec::with_capacity(self.touched.len() + self.recent.len());
        updates.extend(&self.touched);
        updates.extend(self.recent.iter().map(|(block, _)| block));
        updates.sort_unstable();
        updates.dedup();
        let empty = || AddressSet::new(&core.geometry);
        let mut change = Change {
            taken: empty(),
            freed: empty(),
            dropped: empty(),
        };
        match self.grow(core, &updates, &mut change) {
            Ok((root, map)) => {
                self.root = root;
                self.adopt_map(map);
                change.dropped.each(&mut |address| self.space.clear(address));
                self.released.absorb(change.freed);
                self.recent.clear();
                self.touched.clear();
                self.examined = 0;
                self.gone.clear();
                self.pending.clear();
                self.root_pending = true;
                self.statistics.index_writes += 1;
                Ok(())
            }
            Err(error) => {
                change.taken.each(&mut |address| self.space.clear(address));
                self.cache.clear();
                Err(error)
            }
        }
    }

    /// The root of the new index, with the space map written.
    fn grow(
        &mut self,
        core: &Core,
        updates: &[u64],
        change: &mut Change,
    ) -> Result<(Entry, Saved), VolumeError> {
        let id = (self.levels, 0);
        let node = self.rebuild(core, id, self.root, updates, change)?;
        let old = self.root;
        let root = self.seal_nodes(core, id.0, vec![(0, node, old)], change)?[0].1;
        let map = self.save_map(core, change)?;
        Ok((root, map))
    }

    /// The new content of a node; what is below it is sealed.
    fn rebuild(
        &mut self,
        core: &Core,
        (level, index): NodeId,
        entry: Entry,
        updates: &[u64],
        change: &mut Change,
    ) -> Result<Node, VolumeError> {
        let mut node = self.node(core, (level, index), entry)?;
        if level == 1 {
            for block in updates {
                let Some(entry) = self.recent.get(*block) else {
                    continue;
                };
                let old = node.get(*block);
                if old.address().is_some_and(|address| !self.gone.contains(address)) {
                    self.give_up(core, &old, change);
                }
                let mapped = entry.address().is_some();
                node.set(*block, if mapped { entry } else { Entry::UNMAPPED });
            }
            return Ok(node);
        }
        let shift = 7 * (level - 1);
        let mut children = Vec::new();
        for updates in updates.chunk_by(|one, other| one >> shift == other >> shift) {
            let child = updates[0] >> shift;
            let old = node.get(child);
            let rebuilt = self.rebuild(core, (level - 1, child), old, updates, change)?;
            children.push((child, rebuilt, old));
        }
        for (child, entry) in self.seal_nodes(core, level - 1, children, change)? {
            node.set(child, entry);
        }
        Ok(node)
    }

    /// Seals nodes of a level, in an order that tells nothing of theirs; empty ones are left out.
    fn seal_nodes(
        &mut self,
        core: &Core,
        level: u32,
        nodes: Vec<(u64, Node, Entry)>,
        change: &mut Change,
    ) -> Result<Vec<(u64, Entry)>, VolumeError> {
        nodes
            .iter()
            .for_each(|(_, _, old)| self.give_up(core, old, change));
        let (empty, mut full): (Vec<_>, Vec<_>) = nodes.into_iter().partition(|(_, node, _)| node.is_empty());
        shuffle(&mut full)?;
        let addresses = self.take(full.len())?;
        change.taken.extend(&addresses);
        let mut entries = Vec::with_capacity(empty.len() + full.len());
        for (index, _, _) in empty {
            self.cache.remove((level, index));
            entries.push((index, Entry::UNMAPPED));
        }
        for ((index, node, _), address) in full.into_iter().zip(addresses) {
            entries.push((
                index,
                self.seal_node(core, node_place((level, index)), address, &node)?,
            ));
            self.cache.insert((level, index), node);
        }
        Ok(entries)
    }
}

/// Any order is as likely as any other (Fisher and Yates), up to 2^-57.
fn shuffle<T>(items: &mut [T]) -> Result<(), VolumeError> {
    let mut random = vec![0; items.len() * 8];
    getrandom::fill(&mut random).map_err(|error| VolumeError::Store {
        place: "random numbers".to_owned(),
        source: std::io::Error::other(error),
    })?;
    for (last, bytes) in (1..items.len()).zip(random.chunks_exact(8)) {
        let number = u64::from_le_bytes(std::array::from_fn(|index| bytes[index]));
        items.swap(last, (number % (last as u64 + 1)) as usize);
    }
    Ok(())
}
