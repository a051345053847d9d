//! A section of the journal: entries in its first eight sectors, then the blocks they are for.
//!
//! An entry: sector u64 | the last 8 bytes of each sector of its block | tag. Every sector of a section ends in a commit
//! id, which says in which round it was written and where it belongs; that is why entries keep the last bytes.

use std::ops::Range;

use super::SECTOR_BYTES;
use super::layout::{ENTRY_SECTORS, Layout};

/// How many rounds there are before the same commit ids come again.
pub(super) const ROUNDS: u8 = 4;
const COMMIT_ID_BYTES: usize = 8;
/// The upper half of the sector number of an entry that holds nothing.
const UNUSED: u32 = u32::MAX;

/// The round after `round`.
pub(super) fn next_round(round: u8) -> u8 {
    (round + 1) % ROUNDS
}

/// The round before `round`.
pub(super) fn previous_round(round: u8) -> u8 {
    (round + ROUNDS - 1) % ROUNDS
}

/// What stands at the end of sector `sector` of section `section` that was written in `round`.
fn commit_id(section: u32, sector: usize, round: u8) -> u64 {
    // As long as the journal is not encrypted, the kernel's ids are 0x1111…, 0x2222…, 0x3333…, 0x4444….
    let round = 0x1111_1111_1111_1111 * u64::from(round + 1);
    round ^ ((u64::from(section) << 32) | sector as u64)
}

/// A section in memory. Its blocks are whole: their last bytes are in place, and no commit ids.
#[derive(Clone)]
pub(super) struct Section(Vec<u8>);

impl Section {
    /// A section whose entries hold nothing.
    pub(super) fn new(layout: &Layout) -> Self {
        let mut section = Self(vec![0; layout.section_bytes()]);
        for entry in 0..layout.section_entries() {
            let at = place(layout, entry);
            section.0[at + 4..at + 8].copy_from_slice(&UNUSED.to_le_bytes());
        }
        section
    }

    /// The section that stands on the disk as `bytes`, whose commit ids were checked.
    pub(super) fn from_disk(layout: &Layout, bytes: Vec<u8>) -> Self {
        let mut section = Self(bytes);
        for entry in 0..layout.section_entries() {
            if section.sector(layout, entry).is_none() {
                continue;
            }
            for (index, last) in section.last_bytes(layout, entry) {
                section.0.copy_within(last, index);
            }
        }
        section
    }

    /// As it is to stand on the disk as number `number`, written in `round`.
    pub(super) fn stamped(&self, layout: &Layout, number: u32, round: u8) -> Vec<u8> {
        let mut bytes = self.0.clone();
        for (index, sector) in bytes.chunks_exact_mut(SECTOR_BYTES).enumerate() {
            let id = commit_id(number, index, round).to_le_bytes();
            sector[SECTOR_BYTES - COMMIT_ID_BYTES..].copy_from_slice(&id);
        }
        debug_assert_eq!(bytes.len(), layout.section_bytes());
        bytes
    }

    /// The data sector whose block an entry holds.
    pub(super) fn sector(&self, layout: &Layout, entry: usize) -> Option<u64> {
        let at = place(layout, entry);
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[at..at + 8]);
        let sector = u64::from_le_bytes(bytes);
        ((sector >> 32) as u32 != UNUSED).then_some(sector)
    }

    /// Puts a block and its tag into an entry.
    pub(super) fn put(&mut self, layout: &Layout, entry: usize, sector: u64, data: &[u8], tag: &[u8]) {
        let at = place(layout, entry);
        self.0[at..at + 8].copy_from_slice(&sector.to_le_bytes());
        let block = self.block_range(layout, entry);
        self.0[block].copy_from_slice(data);
        for (index, last) in self.last_bytes(layout, entry) {
            self.0.copy_within(index..index + COMMIT_ID_BYTES, last.start);
        }
        let tag_at = tag_range(layout, entry);
        self.0[tag_at].copy_from_slice(tag);
    }

    /// The blocks of some entries, one after another.
    pub(super) fn blocks(&self, layout: &Layout, entries: Range<usize>) -> &[u8] {
        let bytes = entries.len() * layout.block_bytes();
        let start = self.block_range(layout, entries.start).start;
        &self.0[start..start + bytes]
    }

    /// The tag of an entry.
    pub(super) fn tag(&self, layout: &Layout, entry: usize) -> &[u8] {
        &self.0[tag_range(layout, entry)]
    }

    fn block_range(&self, layout: &Layout, entry: usize) -> Range<usize> {
        let start = ENTRY_SECTORS * SECTOR_BYTES + entry * layout.block_bytes();
        start..start + layout.block_bytes()
    }

    /// For every sector of an entry's block: where its last bytes are, and where the entry keeps them.
    fn last_bytes(
        &self,
        layout: &Layout,
        entry: usize,
    ) -> impl Iterator<Item = (usize, Range<usize>)> + use<> {
        let block = self.block_range(layout, entry).start;
        let kept = place(layout, entry) + 8;
        (0..layout.sectors_per_block()).map(move |sector| {
            let last = block + (sector + 1) * SECTOR_BYTES - COMMIT_ID_BYTES;
            let kept = kept + sector * COMMIT_ID_BYTES;
            (last, kept..kept + COMMIT_ID_BYTES)
        })
    }
}

/// Where an entry begins, in bytes of its section.
fn place(layout: &Layout, entry: usize) -> usize {
    entry % ENTRY_SECTORS * SECTOR_BYTES + entry / ENTRY_SECTORS * layout.entry_bytes()
}

fn tag_range(layout: &Layout, entry: usize) -> Range<usize> {
    let start = place(layout, entry) + 8 + layout.sectors_per_block() * COMMIT_ID_BYTES;
    start..start + layout.tag_bytes()
}

/// The rounds in which the sectors of section `number` were written, from `bytes` of the disk; the first sector that was
/// written in none is the error.
pub(super) fn rounds(bytes: &[u8], number: u32) -> impl Iterator<Item = Result<u8, usize>> {
    bytes
        .chunks_exact(SECTOR_BYTES)
        .enumerate()
        .map(move |(index, sector)| {
            let mut id = [0; COMMIT_ID_BYTES];
            id.copy_from_slice(&sector[SECTOR_BYTES - COMMIT_ID_BYTES..]);
            let id = u64::from_le_bytes(id);
            let found = (0..ROUNDS).find(|round| commit_id(number, index, *round) == id);
            found.ok_or(index)
        })
}
