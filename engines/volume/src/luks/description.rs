//! What a header says, checked, in the form that both versions share.

use super::digest::Digest;
use super::keyslot::Keyslot;
use super::{Cipher, Refusal};
use crate::sector::SectorSize;

/// What it takes to open a volume.
#[derive(Clone, Debug)]
pub(super) struct Description {
    pub(super) cipher: Cipher,
    pub(super) sector_size: SectorSize,
    /// Where the sectors begin, in bytes of the data's store.
    pub(super) data_offset: u64,
    /// How many bytes of sectors there are; otherwise all that follow.
    pub(super) data_bytes: Option<u64>,
    /// In the order of their numbers.
    pub(super) keyslots: Vec<Keyslot>,
    pub(super) digest: Digest,
    /// Where the last byte of header and keyslots may be, in bytes: data on the same store begin here or later.
    pub(super) header_end: u64,
}

impl Description {
    /// That header and data fit the stores they are on.
    pub(super) fn check_stores(&self, header: u64, data: Option<u64>) -> Result<(), Refusal> {
        for keyslot in &self.keyslots {
            let area = keyslot.area;
            if area.offset + area.bytes > header {
                return Err(Refusal::new(
                    area.offset,
                    format!("the area of keyslot {}", keyslot.number),
                    format!("{} bytes at {}", area.bytes, area.offset),
                    format!("up to the store's end at {header}"),
                ));
            }
        }
        let offset = self.data_offset;
        if data.is_none() && offset < self.header_end {
            return Err(Refusal::new(
                0,
                "the data's offset",
                offset,
                format!("{} or more without a detached header", self.header_end),
            ));
        }
        let size = data.unwrap_or(header);
        let end = offset.checked_add(self.data_bytes.unwrap_or(self.sector_size.bytes() as u64));
        if end.is_none_or(|end| end > size) {
            let bytes = self
                .data_bytes
                .map_or("dynamic".to_owned(), |bytes| bytes.to_string());
            return Err(Refusal::new(
                0,
                "the data's place",
                format!("offset {offset}, size {bytes}"),
                format!("a sector or more, up to the store's end at {size}"),
            ));
        }
        Ok(())
    }
}

/// That no two of `areas` (offset, bytes, name) overlap.
pub(super) fn check_overlaps(mut areas: Vec<(u64, u64, String)>) -> Result<(), Refusal> {
    areas.sort();
    for pair in areas.windows(2) {
        let [(first, bytes, name), (second, _, other)] = pair else {
            continue;
        };
        if first.saturating_add(*bytes) > *second {
            return Err(Refusal::new(
                *second,
                format!("the area of {other}"),
                format!("at {second}, where {name} is"),
                format!("{} or more", first.saturating_add(*bytes)),
            ));
        }
    }
    Ok(())
}
