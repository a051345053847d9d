//! How a store is divided: headers, superblock slots, journal, log.

use super::entry::MOST_ADDRESSES;

/// The bytes of a block: of the volume, of the log, of an index node.
pub const BLOCK_BYTES: usize = 4096;
/// Entries in a node of the index.
pub(super) const FAN_OUT: u64 = 128;
/// Blocks of the log that a page of the space map speaks for.
pub(super) const PAGE_BITS: u64 = BLOCK_BYTES as u64 * 8;
/// Copies of the header, a block each.
const HEADER_BLOCKS: u64 = 2;
/// Blocks of each of the two superblock slots.
const SLOT_BLOCKS: u64 = 32;
/// The bytes of a superblock slot.
pub(super) const SLOT_BYTES: usize = SLOT_BLOCKS as usize * BLOCK_BYTES;
/// The journal's least and most blocks; between these, it has a 256th of the log.
const JOURNAL_BLOCKS: [u64; 2] = [16, 16 << 10];
/// The fewest blocks left for what is written between two commits: more than are written at a time.
const LEAST_SLACK: u64 = 80;
/// The fewest blocks of a log that is worth having.
const LEAST_LOG: u64 = 128;

/// How many blocks each part has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Geometry {
    /// Blocks of the volume.
    pub(super) blocks: u64,
    /// Blocks of the log.
    pub(super) log: u64,
    /// Blocks of the journal.
    pub(super) journal: u64,
}

impl Geometry {
    /// The division of a store of `bytes` bytes, with as large a volume as there is room for; `None` where the store is
    /// too small or too large.
    pub(super) fn of_store(bytes: u64) -> Option<Self> {
        let room = (bytes / BLOCK_BYTES as u64).checked_sub(HEADER_BLOCKS + 2 * SLOT_BLOCKS)?;
        // A little less than 256/257, so that the parts never exceed the whole.
        let journal = (room / 257).clamp(JOURNAL_BLOCKS[0], JOURNAL_BLOCKS[1]);
        let log = room
            .checked_sub(journal)
            .filter(|log| (LEAST_LOG..=MOST_ADDRESSES).contains(log))?;
        let (mut least, mut most) = (0, log);
        while least < most {
            let middle = (least + most).div_ceil(2);
            let tried = Self {
                blocks: middle,
                log,
                journal,
            };
            if tried.fits() {
                least = middle
            } else {
                most = middle - 1
            }
        }
        let geometry = Self {
            blocks: least,
            log,
            journal,
        };
        (least > 0).then_some(geometry)
    }

    /// The bytes of the smallest store for a volume of `bytes` bytes.
    pub(super) fn store_bytes(bytes: u64) -> Option<u64> {
        let blocks = bytes.div_ceil(BLOCK_BYTES as u64).max(1);
        let enough = |total: u64| {
            let bytes = total.checked_mul(BLOCK_BYTES as u64);
            bytes
                .and_then(Self::of_store)
                .is_some_and(|geometry| geometry.blocks >= blocks)
        };
        let (mut least, mut most) = (blocks, blocks.checked_mul(2)?.checked_add(1024)?);
        if !enough(most) {
            return None;
        }
        while least < most {
            let middle = (least + most) / 2;
            if enough(middle) {
                most = middle
            } else {
                least = middle + 1
            }
        }
        Some(least * BLOCK_BYTES as u64)
    }

    /// Whether a volume that is written all over can be overwritten for ever: room for all its blocks, for the index
    /// twice, as a new one is written before the old one is given up, and for what is written between two commits.
    pub(super) fn fits(&self) -> bool {
        let needed = self
            .index_blocks()
            .checked_mul(2)
            .and_then(|index| self.blocks.checked_add(index)?.checked_add(self.slack()));
        needed.is_some_and(|needed| needed <= self.log)
    }

    /// Blocks that are left for what is written between two commits of a full volume.
    fn slack(&self) -> u64 {
        (self.log / 200).max(LEAST_SLACK)
    }

    /// The most blocks that the index and the space map have.
    pub(super) fn index_blocks(&self) -> u64 {
        let pages = self.pages();
        tree_blocks(self.blocks) + pages + tree_blocks(pages)
    }

    /// Pages of the space map.
    pub(super) fn pages(&self) -> u64 {
        self.log.div_ceil(PAGE_BITS)
    }

    /// Blocks of a segment: a power of two, 4 MiB for all but small logs.
    pub(super) fn segment_blocks(&self) -> u64 {
        (self.log / 32).clamp(16, 1024).next_power_of_two()
    }

    /// Where a block of the log lies, in bytes of the store.
    pub(super) fn offset(&self, address: u64) -> u64 {
        (HEADER_BLOCKS + 2 * SLOT_BLOCKS + self.journal + address) * BLOCK_BYTES as u64
    }

    /// Where the journal begins, in bytes of the store.
    pub(super) fn journal_offset(&self) -> u64 {
        (HEADER_BLOCKS + 2 * SLOT_BLOCKS) * BLOCK_BYTES as u64
    }

    /// Where a superblock slot begins, in bytes of the store.
    pub(super) fn slot_offset(slot: usize) -> u64 {
        (HEADER_BLOCKS + slot as u64 * SLOT_BLOCKS) * BLOCK_BYTES as u64
    }

    /// How many bytes of a store are used, if the numbers can be: a header may claim any.
    pub(super) fn checked_bytes(&self) -> Option<u64> {
        let sane = self.blocks > 0
            && (LEAST_LOG..=MOST_ADDRESSES).contains(&self.log)
            && (JOURNAL_BLOCKS[0]..=JOURNAL_BLOCKS[1]).contains(&self.journal)
            && self.blocks <= self.log
            && self.fits();
        (HEADER_BLOCKS + 2 * SLOT_BLOCKS + self.journal)
            .checked_add(self.log)
            .filter(|_| sane)
            .and_then(|blocks| blocks.checked_mul(BLOCK_BYTES as u64))
    }
}

/// How many levels of nodes stand over `leaves` blocks.
pub(super) fn levels(leaves: u64) -> u32 {
    let (mut levels, mut nodes) = (1, leaves.div_ceil(FAN_OUT));
    while nodes > 1 {
        nodes = nodes.div_ceil(FAN_OUT);
        levels += 1;
    }
    levels
}

/// How many nodes stand over `leaves` blocks.
fn tree_blocks(leaves: u64) -> u64 {
    let (mut all, mut nodes) = (0, leaves);
    for _ in 0..levels(leaves) {
        nodes = nodes.div_ceil(FAN_OUT);
        all += nodes;
    }
    all
}
