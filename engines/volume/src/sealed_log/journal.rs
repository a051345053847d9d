//! The journal: a ring of units of 512 bytes, each sealed, each bound to the one before, in which a commit's last unit says
//! that the commit is whole.
//!
//! A unit is what disks write whole, and is never written again with other content. It has 16 bytes of tag and 496 bytes
//! of ciphertext: 1 byte kind, 1 byte number of records, 6 zero bytes, 8 bytes number of the commit, then 12 records of 40 bytes:
//! 8 bytes block number, 32 bytes entry. Its nonce is its number since the volume was made, its associated data the tag of
//! the unit before and its number.

use sealab_engine::{Aead, Engine, EngineError, InOutBuf, Messages, Tag};

use super::entry::{ENTRY_BYTES, Entry, nonce};
use super::geometry::Geometry;
use super::seal::{Epoch, aead};

pub(super) const UNIT_BYTES: usize = 512;
const TAG_BYTES: usize = 16;
const HEAD_BYTES: usize = 16;
const RECORD_BYTES: usize = 8 + ENTRY_BYTES;
/// Records in a unit.
pub(super) const UNIT_RECORDS: usize = 12;

/// More records than fit into one unit follow.
const MORE: u8 = 1;
/// The commit's last unit.
const LAST: u8 = 2;
/// The commit's last unit; what it tells of was durable before it was written.
const LAST_SYNCED: u8 = 3;
/// Two records: the roots of the index and of the space map, in which all units before are contained.
const ROOTS: u8 = 4;

/// What a unit says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Unit {
    pub(super) commit: u64,
    pub(super) kind: UnitKind,
    pub(super) records: Vec<(u64, Entry)>,
}

/// What a unit is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum UnitKind {
    /// Records, and more units of the commit follow.
    More,
    /// Records, the commit's last ones.
    Last {
        /// What the commit wrote to the log was durable before this unit was written.
        synced: bool,
    },
    /// The roots of the index and of the space map; more units of the commit follow.
    Roots,
}

/// A place in the journal: the number of a unit, and the tag of the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) unit: u64,
    pub(super) previous: Tag,
}

/// The ring that the units go round.
pub(super) fn ring_units(geometry: &Geometry) -> u64 {
    geometry.journal * (super::geometry::BLOCK_BYTES / UNIT_BYTES) as u64
}

/// Where a unit stands, in bytes of the store.
pub(super) fn unit_offset(geometry: &Geometry, unit: u64) -> u64 {
    geometry.journal_offset() + unit % ring_units(geometry) * UNIT_BYTES as u64
}

/// Seals and opens units of one session.
pub(super) struct JournalCipher {
    aead: Box<dyn Aead>,
}

impl JournalCipher {
    pub(super) fn new(engine: &dyn Engine, epoch: &Epoch) -> Result<Self, EngineError> {
        Ok(Self {
            aead: aead(engine, &epoch.journal)?,
        })
    }

    /// Appends a sealed unit to `bytes` and moves `link` on.
    pub(super) fn seal(
        &mut self,
        link: &mut Link,
        unit: &Unit,
        bytes: &mut Vec<u8>,
    ) -> Result<(), EngineError> {
        let mut data = [0; UNIT_BYTES - TAG_BYTES];
        data[0] = match unit.kind {
            UnitKind::More => MORE,
            UnitKind::Last { synced: false } => LAST,
            UnitKind::Last { synced: true } => LAST_SYNCED,
            UnitKind::Roots => ROOTS,
        };
        data[1] = unit.records.len() as u8;
        data[8..16].copy_from_slice(&unit.commit.to_le_bytes());
        let rooms = data[HEAD_BYTES..].chunks_exact_mut(RECORD_BYTES);
        for (room, (block, entry)) in rooms.zip(&unit.records) {
            room[..8].copy_from_slice(&block.to_le_bytes());
            room[8..].copy_from_slice(&entry.0);
        }
        let associated = associated(link);
        let nonces = [nonce(link.unit)];
        let messages = Messages::equal(data.len(), &nonces, &associated)?;
        let mut tags = [Tag([0; TAG_BYTES])];
        self.aead
            .seal(messages, InOutBuf::from(&mut data[..]), &mut tags)?;
        bytes.extend_from_slice(&tags[0].0);
        bytes.extend_from_slice(&data);
        link.unit += 1;
        link.previous = tags[0];
        Ok(())
    }

    /// Opens the unit that `link` leads to and moves `link` on; `None` where there is none that is authentic.
    pub(super) fn open(
        &mut self,
        link: &mut Link,
        bytes: &[u8; UNIT_BYTES],
    ) -> Result<Option<Unit>, EngineError> {
        let tag = Tag(std::array::from_fn(|index| bytes[index]));
        let mut data: [u8; UNIT_BYTES - TAG_BYTES] = std::array::from_fn(|index| bytes[TAG_BYTES + index]);
        let associated = associated(link);
        let nonces = [nonce(link.unit)];
        let messages = Messages::equal(data.len(), &nonces, &associated)?;
        match self.aead.open(messages, InOutBuf::from(&mut data[..]), &[tag]) {
            Err(EngineError::Unauthentic { .. }) => return Ok(None),
            other => other?,
        }
        let kind = match data[0] {
            MORE => UnitKind::More,
            LAST => UnitKind::Last { synced: false },
            LAST_SYNCED => UnitKind::Last { synced: true },
            ROOTS => UnitKind::Roots,
            _ => return Ok(None),
        };
        let count = usize::from(data[1]);
        if count > UNIT_RECORDS || kind == UnitKind::Roots && count != 2 {
            return Ok(None);
        }
        let records = data[HEAD_BYTES..]
            .chunks_exact(RECORD_BYTES)
            .take(count)
            .map(|record| {
                let block = u64::from_le_bytes(std::array::from_fn(|index| record[index]));
                (block, Entry(std::array::from_fn(|index| record[8 + index])))
            })
            .collect();
        let commit = u64::from_le_bytes(std::array::from_fn(|index| data[8 + index]));
        link.unit += 1;
        link.previous = tag;
        Ok(Some(Unit {
            commit,
            kind,
            records,
        }))
    }
}

fn associated(link: &Link) -> [u8; TAG_BYTES + 8] {
    let mut associated = [0; TAG_BYTES + 8];
    associated[..TAG_BYTES].copy_from_slice(&link.previous.0);
    associated[TAG_BYTES..].copy_from_slice(&link.unit.to_le_bytes());
    associated
}
