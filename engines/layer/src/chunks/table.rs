//! The tag table of the format `ocicrypt-seekable`: a tag for each chunk of the ciphertext.
//!
//! Its tags are made under a key that only those have who have the layer's own, so the table need not be secret, and
//! nothing in it is taken on trust.

use sealab_engine::{TAG_BYTES, Tag};

use crate::Error;

use super::CHUNK_BYTES;

const MAGIC: [u8; 8] = *b"SLTAGS\0\x01";
const HEADER_BYTES: usize = 56;
/// Chunks are made longer until there are no more than these, as long as they may be.
const FEW_CHUNKS: u64 = 16 << 10;
const MAX_CHUNKS: u64 = 64 << 10;
const MAX_CHUNK_BYTES: u32 = 1 << 20;
const PLACE: &str = "the chunk table";

/// The longest table that is read or written, in bytes.
pub const MAX_TABLE_BYTES: usize = HEADER_BYTES + MAX_CHUNKS as usize * TAG_BYTES;

/// The tags of a layer's chunks.
#[derive(Clone, Debug)]
pub struct ChunkTable {
    pub(super) chunk_bytes: u32,
    pub(super) layer_bytes: u64,
    pub(super) commitment: [u8; 32],
    pub(super) tags: Vec<Tag>,
}

impl ChunkTable {
    /// Reads a table. Its length must fit what it says of the layer; whether its tags hold shows when chunks are read.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let wrong = |problem: String| Error::malformed(PLACE, problem);
        let (
            Some(&magic),
            Some(&chunk_bytes),
            Some(&zero),
            Some(&layer_bytes),
            Some(&commitment),
            Some(tags),
        ) = (
            bytes.first_chunk::<8>(),
            at::<4>(bytes, 8),
            at::<4>(bytes, 12),
            at::<8>(bytes, 16),
            at::<32>(bytes, 24),
            bytes.get(HEADER_BYTES..),
        )
        else {
            return Err(wrong(format!(
                "it has {} bytes; it must have at least {HEADER_BYTES}",
                bytes.len()
            )));
        };
        if magic != MAGIC || zero != [0; 4] {
            return Err(wrong("it does not begin as a table of version 1".to_owned()));
        }
        let chunk_bytes = u32::from_le_bytes(chunk_bytes);
        let layer_bytes = u64::from_le_bytes(layer_bytes);
        if !chunk_bytes.is_power_of_two() || !(CHUNK_BYTES..=MAX_CHUNK_BYTES).contains(&chunk_bytes) {
            return Err(wrong(format!(
                "offset 8: chunks have {chunk_bytes} bytes; they must have {CHUNK_BYTES} to {MAX_CHUNK_BYTES}, a power of 2"
            )));
        }
        let expected = layer_bytes.div_ceil(u64::from(chunk_bytes));
        if expected > MAX_CHUNKS || tags.len() as u64 != expected * TAG_BYTES as u64 {
            return Err(wrong(format!(
                "offset {HEADER_BYTES}: {} bytes of tags follow; a layer of {layer_bytes} bytes has {expected} tags of \
                 {TAG_BYTES}, at most {MAX_CHUNKS}",
                tags.len()
            )));
        }
        Ok(Self {
            chunk_bytes,
            layer_bytes,
            commitment,
            tags: tags.as_chunks().0.iter().map(|tag| Tag(*tag)).collect(),
        })
    }

    /// The table as it is written.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.tags.len() * TAG_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(self.chunk_bytes.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.layer_bytes.to_le_bytes());
        bytes.extend(self.commitment);
        bytes.extend(self.tags.iter().flat_map(|tag| tag.0));
        bytes
    }

    /// The length of each chunk but the last, in bytes.
    pub fn chunk_bytes(&self) -> u32 {
        self.chunk_bytes
    }

    /// The length of the layer, in bytes.
    pub fn layer_bytes(&self) -> u64 {
        self.layer_bytes
    }
}

/// How long the chunks of a layer of `layer_bytes` are, in bytes.
pub(super) fn chunk_bytes_for(layer_bytes: u64) -> Result<u32, Error> {
    let mut chunk_bytes = CHUNK_BYTES;
    while layer_bytes.div_ceil(u64::from(chunk_bytes)) > FEW_CHUNKS && chunk_bytes < MAX_CHUNK_BYTES {
        chunk_bytes *= 2;
    }
    if layer_bytes.div_ceil(u64::from(chunk_bytes)) > MAX_CHUNKS {
        let limit = MAX_CHUNKS * u64::from(MAX_CHUNK_BYTES);
        return Err(Error::malformed(
            PLACE,
            format!("the layer has {layer_bytes} bytes; a table is for at most {limit}"),
        ));
    }
    Ok(chunk_bytes)
}

fn at<const N: usize>(bytes: &[u8], offset: usize) -> Option<&[u8; N]> {
    bytes.get(offset..)?.first_chunk()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> ChunkTable {
        ChunkTable {
            chunk_bytes: CHUNK_BYTES,
            layer_bytes: u64::from(CHUNK_BYTES) + 1,
            commitment: [7; 32],
            tags: vec![Tag([1; 16]), Tag([2; 16])],
        }
    }

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let bytes = table().to_bytes();
        assert_eq!(bytes.len(), 56 + 32);
        let read = ChunkTable::parse(&bytes).unwrap();
        assert_eq!(read.to_bytes(), bytes);
        assert_eq!(read.layer_bytes(), 65537);
        assert_eq!(read.tags[1].0, [2; 16]);
    }

    #[test]
    fn tables_that_do_not_fit_are_refused() {
        let bytes = table().to_bytes();
        for length in 0..bytes.len() {
            assert!(ChunkTable::parse(&bytes[..length]).is_err(), "{length}");
        }
        assert!(ChunkTable::parse(&[bytes.as_slice(), &[0; 16]].concat()).is_err());
        // Magic, version, chunk length, reserved, layer length.
        for offset in [0, 7, 8, 12, 15, 18] {
            let mut changed = bytes.clone();
            changed[offset] ^= 3;
            assert!(ChunkTable::parse(&changed).is_err(), "{offset}");
        }
        // A length whose tags no memory could hold.
        let mut changed = bytes;
        changed[16..24].fill(0xff);
        assert!(ChunkTable::parse(&changed).is_err());
    }

    #[test]
    fn tables_stay_short() {
        assert_eq!(chunk_bytes_for(0).unwrap(), 64 << 10);
        assert_eq!(chunk_bytes_for(1 << 30).unwrap(), 64 << 10);
        assert_eq!(chunk_bytes_for((1 << 30) + 1).unwrap(), 128 << 10);
        assert_eq!(chunk_bytes_for(64 << 30).unwrap(), 1 << 20);
        assert!(chunk_bytes_for((64 << 30) + 1).is_err());
    }
}
