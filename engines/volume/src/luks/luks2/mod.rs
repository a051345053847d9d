//! The header of LUKS2: two copies, each a binary header and a JSON text, then the area of the keyslots.
//!
//! Source: "LUKS2 On-Disk Format Specification", version 1.1.

mod binary;
mod check;
mod json;
mod keyslot_object;

use std::fmt;

use super::description::Description;
use super::error::quoted;
use super::{KdfLimits, LuksError, Refusal};
use crate::store::Store;

pub(super) use binary::{BINARY_BYTES, Binary, LABEL_BYTES, SIZES};
pub(super) use json::{
    Binary as Base64, Config, Decimal, DigestObject, IntegrityObject, MOST_OBJECTS, Metadata, Objects,
    SegmentObject, SegmentSize,
};
pub(super) use keyslot_object::keyslot_object;

/// Keyslot areas begin at multiples of this and are as long, in bytes.
pub(super) const AREA_ALIGNMENT: u64 = 4096;

/// A header, checked.
#[derive(Clone, Debug)]
pub(super) struct Luks2 {
    pub(super) binary: Binary,
    pub(super) metadata: Metadata,
    pub(super) description: Description,
    /// The sequence number of each copy, or what is wrong with it.
    pub(super) copies: [Result<u64, Refusal>; 2],
}

/// Both copies are broken.
#[derive(Debug)]
struct BothBroken(Refusal, Refusal);

impl fmt::Display for BothBroken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken (first copy: {}; second copy: {})", self.0, self.1)
    }
}

impl Luks2 {
    /// Reads the newer of the copies that are whole. `bytes` are the store's first, so many that both fit.
    pub(super) fn parse(bytes: &[u8], limits: &KdfLimits) -> Result<Self, Refusal> {
        let first = Binary::parse(bytes, 0);
        let second = match &first {
            Ok((header, _)) => Binary::parse(bytes, header.size),
            // Where the second one is, only it can tell.
            Err(_) => {
                let mut copies = SIZES.iter().map(|size| Binary::parse(bytes, *size));
                let found = copies.find(Result::is_ok);
                found.unwrap_or_else(|| Binary::parse(bytes, SIZES[0]))
            }
        };
        let number = |copy: &Result<(Binary, &[u8]), Refusal>| match copy {
            Ok((header, _)) => Ok(header.sequence),
            Err(refusal) => Err(refusal.clone()),
        };
        let copies = [number(&first), number(&second)];
        let (offset, (binary, json)) = match (first, second) {
            (Ok(first), Ok(second)) if first.0.sequence < second.0.sequence => (second.0.size, second),
            (Ok(first), _) => (0, first),
            (Err(_), Ok(second)) => (second.0.size, second),
            (Err(first), Err(second)) => {
                return Err(Refusal::new(
                    0,
                    "the header",
                    BothBroken(first, second),
                    "one whole copy or two",
                ));
            }
        };
        let offset = offset + BINARY_BYTES as u64;
        let metadata: Metadata = serde_json::from_slice(json).map_err(|error| {
            let found = quoted_error(&error.to_string());
            Refusal::new(offset, "the JSON text", found, "the objects of a LUKS2 volume")
        })?;
        let description = check::describe(&metadata, binary.size, offset, limits)?;
        Ok(Self {
            binary,
            metadata,
            description,
            copies,
        })
    }

    /// A header for a new volume, not yet written.
    pub(super) fn new(binary: Binary, metadata: Metadata, limits: &KdfLimits) -> Result<Self, Refusal> {
        let description = check::describe(&metadata, binary.size, BINARY_BYTES as u64, limits)?;
        let none = || Err(Refusal::new(0, "the copy", "not written", "a copy"));
        Ok(Self {
            binary,
            metadata,
            description,
            copies: [none(), none()],
        })
    }

    /// Writes both copies with the next sequence number, each whole and synced before the other: first the one that is
    /// broken, if one is, so that there is a whole one at any moment.
    pub(super) fn write(&mut self, store: &dyn Store, limits: &KdfLimits) -> Result<(), LuksError> {
        let header = |refusal| LuksError::Header {
            name: store.name(),
            refusal,
        };
        let json = serde_json::to_vec(&self.metadata).map_err(|error| LuksError::Store {
            place: format!("{}: the JSON text of the header", store.name()),
            source: error.into(),
        })?;
        let room = self.binary.size - BINARY_BYTES as u64;
        if json.len() as u64 >= room {
            return Err(header(Refusal::new(
                BINARY_BYTES as u64,
                "the JSON text",
                format!("{} bytes", json.len()),
                format!("less than {room}"),
            )));
        }
        let description = check::describe(&self.metadata, self.binary.size, BINARY_BYTES as u64, limits);
        self.description = description.map_err(header)?;
        let sequence = self.binary.sequence.checked_add(1).ok_or_else(|| {
            header(Refusal::new(
                0,
                "seqid",
                self.binary.sequence,
                "less than the greatest number",
            ))
        })?;
        self.binary.sequence = sequence;
        let behind = |copy: &Result<u64, Refusal>| *copy.as_ref().unwrap_or(&0);
        let order = if self.copies[1].is_err() || behind(&self.copies[1]) < behind(&self.copies[0]) {
            [1, 0]
        } else {
            [0, 1]
        };
        for copy in order {
            let offset = copy as u64 * self.binary.size;
            let mut salt = [0; 64];
            getrandom::fill(&mut salt)?;
            let bytes = self.binary.copy(offset, &json, &salt);
            let written = store.write_at(offset, &bytes).and_then(|()| store.sync());
            written.map_err(|source| LuksError::Store {
                place: format!("{}: writing the header at {offset}", store.name()),
                source,
            })?;
            self.copies[copy] = Ok(sequence);
        }
        Ok(())
    }
}

/// An error of the JSON parser, which may quote the text.
fn quoted_error(error: &str) -> String {
    quoted(error).trim_matches('"').to_owned()
}
