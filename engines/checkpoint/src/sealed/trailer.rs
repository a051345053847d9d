//! The trailer, in clear: where the index is and which, and a code over that.

use sealab_engine::Engine;

use super::Error;
use super::header::array;
use super::keys::{Keys, equal};
use crate::image::Fault;

pub(super) const TRAILER_BYTES: usize = 96;
const MAGIC: [u8; 8] = *b"SLCK-END";
const MAC_OFFSET: usize = 64;

/// A trailer's content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Trailer {
    /// Where the index starts in the file.
    pub(super) index_offset: u64,
    /// Bytes of the index as it is stored.
    pub(super) index_bytes: u64,
    /// How many groups there are before it.
    pub(super) data_groups: u64,
    /// The chained digest of its groups.
    pub(super) index_digest: [u8; 32],
}

impl Trailer {
    /// The trailer's bytes, bound to the header by its code.
    pub(super) fn encode(
        &self,
        engine: &dyn Engine,
        keys: &Keys,
        header_mac: &[u8],
    ) -> Result<[u8; TRAILER_BYTES], Error> {
        let mut bytes = [0; TRAILER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.index_offset.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.index_bytes.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.data_groups.to_le_bytes());
        bytes[32..MAC_OFFSET].copy_from_slice(&self.index_digest);
        let mac = keys.trailer_mac(engine, &[header_mac, &bytes[..MAC_OFFSET]])?;
        bytes[MAC_OFFSET..].copy_from_slice(&mac);
        Ok(bytes)
    }

    /// Reads the trailer that starts at `offset`.
    pub(super) fn decode(
        file: &str,
        offset: u64,
        bytes: &[u8; TRAILER_BYTES],
        engine: &dyn Engine,
        keys: &Keys,
        header_mac: &[u8],
    ) -> Result<Self, Error> {
        let trailer = Self::of_bytes(file, offset, bytes)?;
        let mac = keys.trailer_mac(engine, &[header_mac, &bytes[..MAC_OFFSET]])?;
        if !equal(&mac, &array(&bytes[MAC_OFFSET..])) {
            return Err(Error::unauthentic(file, offset, "the trailer"));
        }
        Ok(trailer)
    }

    /// What the trailer says, authentic or not.
    pub(super) fn of_bytes(file: &str, offset: u64, bytes: &[u8; TRAILER_BYTES]) -> Result<Self, Error> {
        if bytes[..8] != MAGIC {
            let fault = Fault::value(
                "the file's end",
                "no trailer",
                "the trailer, with nothing cut off or added",
            );
            return Err(fault.at(file, offset).into());
        }
        Ok(Self {
            index_offset: u64::from_le_bytes(array(&bytes[8..])),
            index_bytes: u64::from_le_bytes(array(&bytes[16..])),
            data_groups: u64::from_le_bytes(array(&bytes[24..])),
            index_digest: array(&bytes[32..]),
        })
    }
}
