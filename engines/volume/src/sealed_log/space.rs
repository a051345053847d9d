//! Which blocks of the log are taken.
//!
//! Blocks are handed out segment by segment: an empty segment is filled from its start to its end, so that what is written
//! goes to the store in long pieces. Where no segment is empty, the holes of the emptiest one are filled (threaded
//! logging): nothing has to be moved to make room.

use super::geometry::{Geometry, PAGE_BITS};

const WORD: u64 = u64::BITS as u64;
const PAGE_WORDS: usize = (PAGE_BITS / WORD) as usize;

/// One bit a block, and what follows from them.
pub(super) struct Space {
    taken: Vec<u64>,
    blocks: u64,
    segment_blocks: u64,
    /// How many blocks of each segment are not taken.
    free_in: Vec<u16>,
    free: u64,
    /// Pages whose bits differ from what was last written, or will.
    dirty: Vec<bool>,
    /// The segment that is filled, and where.
    cursor: u64,
    end: u64,
}

impl Space {
    /// All blocks free; every page counts as written, since zeroes are what an unwritten one means.
    pub(super) fn new(geometry: &Geometry) -> Self {
        let segment_blocks = geometry.segment_blocks();
        let segments = geometry.log.div_ceil(segment_blocks);
        let free_in = (0..segments)
            .map(|segment| (geometry.log - segment * segment_blocks).min(segment_blocks) as u16)
            .collect();
        let pages = geometry.pages() as usize;
        Self {
            taken: vec![0; pages * PAGE_WORDS],
            blocks: geometry.log,
            segment_blocks,
            free_in,
            free: geometry.log,
            dirty: vec![false; pages],
            cursor: 0,
            end: 0,
        }
    }

    /// How many blocks are not taken.
    pub(super) fn free(&self) -> u64 {
        self.free
    }

    /// Takes the next free block.
    pub(super) fn take(&mut self) -> Option<u64> {
        loop {
            if let Some(address) = self.next_free() {
                self.set(address);
                self.cursor = address + 1;
                return Some(address);
            }
            let segment = self.next_segment()?;
            self.cursor = segment * self.segment_blocks;
            self.end = (self.cursor + self.segment_blocks).min(self.blocks);
        }
    }

    /// The first free block from the cursor to the segment's end.
    fn next_free(&self) -> Option<u64> {
        let mut at = self.cursor;
        while at < self.end {
            let word = self.taken[(at / WORD) as usize] >> (at % WORD);
            let skipped = u64::from(word.trailing_ones());
            if skipped == 0 {
                return Some(at);
            }
            at += skipped.min(WORD - at % WORD);
        }
        None
    }

    /// The next empty segment behind the cursor, else the emptiest of all.
    fn next_segment(&self) -> Option<u64> {
        if self.free == 0 {
            return None;
        }
        let segments = self.free_in.len();
        let start = (self.cursor / self.segment_blocks) as usize;
        let whole = self.segment_blocks as u16;
        let around = (start..segments).chain(0..start.min(segments));
        let mut best = (0, 0);
        for segment in around {
            let free = self.free_in[segment];
            if free == whole {
                return Some(segment as u64);
            }
            if free > best.0 {
                best = (free, segment);
            }
        }
        (best.0 > 0).then_some(best.1 as u64)
    }

    /// Whether a block is taken.
    pub(super) fn is_taken(&self, address: u64) -> bool {
        self.taken[(address / WORD) as usize] >> (address % WORD) & 1 == 1
    }

    /// Marks a block as taken; `false` where it was, or where there is no such block.
    pub(super) fn set(&mut self, address: u64) -> bool {
        if address >= self.blocks || self.is_taken(address) {
            return false;
        }
        self.taken[(address / WORD) as usize] |= 1 << (address % WORD);
        self.free_in[(address / self.segment_blocks) as usize] -= 1;
        self.free -= 1;
        self.touch(address);
        true
    }

    /// Marks a block as free.
    pub(super) fn clear(&mut self, address: u64) {
        if address < self.blocks && self.is_taken(address) {
            self.taken[(address / WORD) as usize] &= !(1 << (address % WORD));
            self.free_in[(address / self.segment_blocks) as usize] += 1;
            self.free += 1;
        }
    }

    /// Notes that the page that speaks for a block will have to be written.
    pub(super) fn touch(&mut self, address: u64) {
        if let Some(dirty) = self.dirty.get_mut((address / PAGE_BITS) as usize) {
            *dirty = true;
        }
    }

    /// The pages that have to be written.
    pub(super) fn dirty_pages(&self) -> Vec<u64> {
        (0..self.dirty.len() as u64)
            .filter(|page| self.dirty[*page as usize])
            .collect()
    }

    pub(super) fn clean_pages(&mut self, pages: &[u64]) {
        for page in pages {
            self.dirty[*page as usize] = false;
        }
    }

    /// Has a page written; whether it was not to be anyway.
    pub(super) fn dirty_page(&mut self, page: u64) -> bool {
        !std::mem::replace(&mut self.dirty[page as usize], true)
    }

    /// Writes the bits of a page.
    pub(super) fn store_page(&self, page: u64, bytes: &mut [u8]) {
        let words = &self.taken[page as usize * PAGE_WORDS..][..PAGE_WORDS];
        for (bytes, word) in bytes.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
    }

    /// Takes the bits of a stored page. Bits beyond the last block are passed over.
    pub(super) fn load_page(&mut self, page: u64, bytes: &[u8]) {
        for (index, bytes) in bytes.chunks_exact(8).enumerate() {
            let mut word = u64::from_le_bytes(std::array::from_fn(|byte| bytes[byte]));
            while word != 0 {
                let address = page * PAGE_BITS + index as u64 * WORD + u64::from(word.trailing_zeros());
                self.set(address);
                word &= word - 1;
            }
        }
        self.dirty[page as usize] = false;
    }

    /// The share of the log that is taken, in thousandths.
    pub(super) fn taken_permille(&self) -> u64 {
        (self.blocks - self.free) * 1000 / self.blocks
    }

    /// The segments with the fewest blocks taken, at most `most`, none that is empty, none with more than `taken` of a
    /// thousand blocks taken, and not the one that is being filled.
    pub(super) fn emptiest(&self, most: usize, taken: u64) -> Vec<u64> {
        let filling = self.end.saturating_sub(1) / self.segment_blocks;
        let limit = self.segment_blocks * taken / 1000;
        let mut found: Vec<(u64, u64)> = (0..self.free_in.len() as u64)
            .filter(|segment| *segment != filling)
            .map(|segment| {
                (
                    self.segment_blocks - u64::from(self.free_in[segment as usize]).min(self.segment_blocks),
                    segment,
                )
            })
            .filter(|(used, _)| (1..=limit).contains(used))
            .collect();
        found.sort_unstable();
        found.truncate(most);
        found.into_iter().map(|(_, segment)| segment).collect()
    }

    /// How many segments there are.
    pub(super) fn segments(&self) -> usize {
        self.free_in.len()
    }

    /// The segment of a block.
    pub(super) fn segment(&self, address: u64) -> u64 {
        address / self.segment_blocks
    }

    /// How much memory this takes, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.taken.len() * 8 + self.free_in.len() * 2 + self.dirty.len()
    }
}
