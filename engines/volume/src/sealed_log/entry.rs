//! What the index keeps of a block: where it lies, under which nonce it was sealed, and its tag.

use sealab_engine::{NONCE_BYTES, Nonce, TAG_BYTES, Tag};

/// The length of an entry, in bytes.
pub(super) const ENTRY_BYTES: usize = 32;

/// The address beyond the largest: addresses have 48 bits, and 0 says that there is none.
pub(super) const MOST_ADDRESSES: u64 = (1 << 48) - 1;

/// 6 bytes address + 1 (0: the block reads as zeroes), 6 bytes sequence, 4 bytes epoch, 16 bytes tag, all little-endian.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Entry(pub(super) [u8; ENTRY_BYTES]);

impl Entry {
    /// A block that was never written.
    pub(super) const UNMAPPED: Self = Self([0; ENTRY_BYTES]);

    pub(super) fn new(address: u64, sequence: u64, epoch: u32, tag: Tag) -> Self {
        let mut entry = Self::removed(sequence, epoch);
        entry.0[..6].copy_from_slice(&(address + 1).to_le_bytes()[..6]);
        entry.0[16..].copy_from_slice(&tag.0);
        entry
    }

    /// A block that was discarded; when is told as for a block that was written.
    pub(super) fn removed(sequence: u64, epoch: u32) -> Self {
        let mut bytes = [0; ENTRY_BYTES];
        bytes[6..12].copy_from_slice(&sequence.to_le_bytes()[..6]);
        bytes[12..16].copy_from_slice(&epoch.to_le_bytes());
        Self(bytes)
    }

    /// Where the block lies, in blocks of the log.
    pub(super) fn address(&self) -> Option<u64> {
        self.number(0).checked_sub(1)
    }

    /// The number of the seal within its epoch, which makes the nonce.
    pub(super) fn sequence(&self) -> u64 {
        self.number(6)
    }

    /// The session that sealed it.
    pub(super) fn epoch(&self) -> u32 {
        u32::from_le_bytes(std::array::from_fn(|index| self.0[12 + index]))
    }

    pub(super) fn tag(&self) -> Tag {
        Tag(std::array::from_fn(|index| {
            self.0[ENTRY_BYTES - TAG_BYTES + index]
        }))
    }

    fn number(&self, at: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes[..6].copy_from_slice(&self.0[at..at + 6]);
        u64::from_le_bytes(bytes)
    }
}

/// The nonce of a seal.
pub(super) fn nonce(sequence: u64) -> Nonce {
    let mut bytes = [0; NONCE_BYTES];
    bytes[..8].copy_from_slice(&sequence.to_le_bytes());
    Nonce(bytes)
}
