//! Where the parts of a log lie on its store.

use std::ops::Range;

use super::error::SealedLogError;
use super::geometry::{BLOCK_BYTES, Geometry, SLOT_BYTES};
use super::header::Header;

/// Byte ranges of a store, as the header says; nothing vouches for them until the log is opened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Layout {
    /// The two copies of the header.
    pub headers: [Range<u64>; 2],
    /// The two slots for superblocks.
    pub superblocks: [Range<u64>; 2],
    /// The journal.
    pub journal: Range<u64>,
    /// The log: blocks of the volume, of the index, and of the space map.
    pub log: Range<u64>,
    /// The size of the volume, in bytes.
    pub volume: u64,
    /// Whether a trusted counter counts the commits.
    pub counted: bool,
    /// Which keyslots are in use.
    pub keyslots: Vec<usize>,
    /// The volume's identifier.
    pub uuid: [u8; 16],
}

/// What the header says that begins with `bytes`, for showing and fuzzing.
///
/// # Errors
/// What is wrong with the header, or that there is less than one.
pub fn parse_layout(name: &str, bytes: &[u8]) -> Result<Layout, SealedLogError> {
    let first = bytes
        .first_chunk::<BLOCK_BYTES>()
        .ok_or_else(|| SealedLogError::Size {
            name: name.to_owned(),
            bytes: bytes.len() as u64,
            expected: format!("a header of {BLOCK_BYTES} bytes"),
        })?;
    let header = Header::parse(name, first)?;
    let geometry = header.geometry;
    let block = BLOCK_BYTES as u64;
    let slot = |slot: usize| Geometry::slot_offset(slot)..Geometry::slot_offset(slot) + SLOT_BYTES as u64;
    Ok(Layout {
        headers: [0..block, block..2 * block],
        superblocks: [slot(0), slot(1)],
        journal: geometry.journal_offset()..geometry.offset(0),
        log: geometry.offset(0)..geometry.offset(geometry.log),
        volume: geometry.blocks * block,
        counted: header.counter_base.is_some(),
        keyslots: (0..header.keyslots.len())
            .filter(|index| header.keyslots[*index].is_some())
            .collect(),
        uuid: header.uuid,
    })
}
