//! The binary header of LUKS2, of which a device has two: 4096 bytes, big-endian, each before a copy of the JSON text.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use super::super::Refusal;
use super::super::bytes::{array, put_text, text};
use super::super::error::quoted;
use super::super::luks1::MAGIC;

/// The length of the binary header, in bytes.
pub(in super::super) const BINARY_BYTES: usize = 4096;
/// What a binary header and its JSON text may have together, in bytes.
pub(in super::super) const SIZES: [u64; 9] = [
    16 << 10,
    32 << 10,
    64 << 10,
    128 << 10,
    256 << 10,
    512 << 10,
    1 << 20,
    2 << 20,
    4 << 20,
];
/// The first bytes of the second copy.
const SECOND_MAGIC: &[u8; 6] = b"SKUL\xba\xbe";

const SIZE: usize = 8;
const SEQUENCE: usize = 16;
const LABEL: usize = 24;
const ALGORITHM: usize = 72;
const SALT: usize = 104;
const UUID: usize = 168;
const SUBSYSTEM: usize = 208;
const OFFSET: usize = 256;
const CHECKSUM: usize = 448;
const CHECKSUM_BYTES: usize = 64;

/// The length of a label or subsystem, with a zero at its end, in bytes.
pub(in super::super) const LABEL_BYTES: usize = 48;
/// The length of a UUID's field, with a zero at its end, in bytes.
pub(in super::super) const UUID_BYTES: usize = 40;

/// What both copies say alike.
#[derive(Clone, Debug)]
pub(in super::super) struct Binary {
    /// The length of a copy, in bytes: one of [`SIZES`].
    pub(in super::super) size: u64,
    /// Grows with every change.
    pub(in super::super) sequence: u64,
    pub(in super::super) label: String,
    pub(in super::super) subsystem: String,
    pub(in super::super) uuid: String,
}

impl Binary {
    /// Reads and checks the copy at `offset` of `bytes`, its checksum too; its JSON text, up to the zero at its end.
    pub(in super::super) fn parse(bytes: &[u8], offset: u64) -> Result<(Self, &[u8]), Refusal> {
        let place = |at: usize| offset + at as u64;
        let copy = usize::try_from(offset)
            .ok()
            .and_then(|offset| bytes.get(offset..))
            .unwrap_or_default();
        if copy.len() < BINARY_BYTES {
            return Err(Refusal::new(
                offset,
                "the header's length",
                copy.len(),
                format!("{BINARY_BYTES} bytes or more"),
            ));
        }
        let magic = if offset == 0 { MAGIC } else { SECOND_MAGIC };
        if &copy[..6] != magic || copy[6..8] != [0, 2] {
            return Err(Refusal::new(
                offset,
                "magic and version",
                quoted(&String::from_utf8_lossy(&copy[..8])),
                "those of LUKS version 2",
            ));
        }
        let size = u64::from_be_bytes(array(copy, SIZE));
        if !SIZES.contains(&size) || offset != 0 && offset != size {
            return Err(Refusal::new(
                place(SIZE),
                "hdr_size",
                size,
                "a power of two of 16384 to 4194304, at which the second copy begins",
            ));
        }
        let found = u64::from_be_bytes(array(copy, OFFSET));
        if found != offset {
            return Err(Refusal::new(place(OFFSET), "hdr_offset", found, offset));
        }
        let algorithm = text(&copy[ALGORITHM..SALT], place(ALGORITHM), "checksum_alg")?;
        if algorithm != "sha256" {
            return Err(Refusal::new(
                place(ALGORITHM),
                "checksum_alg",
                quoted(algorithm),
                "sha256",
            ));
        }
        // At most 4 MiB.
        let Some(copy) = copy.get(..size as usize) else {
            return Err(Refusal::new(
                place(SIZE),
                "hdr_size",
                size,
                format!("up to the end, {} bytes on", copy.len()),
            ));
        };
        let checksum = checksum(copy);
        if !bool::from(checksum[..].ct_eq(&copy[CHECKSUM..CHECKSUM + checksum.len()])) {
            return Err(Refusal::new(
                place(CHECKSUM),
                "csum",
                "not that of the header",
                "the SHA-256 of the header and its JSON text",
            ));
        }
        let json = &copy[BINARY_BYTES..];
        let Some(end) = json.iter().position(|byte| *byte == 0) else {
            return Err(Refusal::new(
                place(BINARY_BYTES),
                "the JSON text",
                "without an end",
                "a text with a zero after it, within its area",
            ));
        };
        let label = |at: usize, name| -> Result<String, Refusal> {
            Ok(text(&copy[at..at + LABEL_BYTES], place(at), name)?.to_owned())
        };
        let header = Self {
            size,
            sequence: u64::from_be_bytes(array(copy, SEQUENCE)),
            label: label(LABEL, "label")?,
            subsystem: label(SUBSYSTEM, "subsystem")?,
            uuid: text(&copy[UUID..UUID + UUID_BYTES], place(UUID), "uuid")?.to_owned(),
        };
        Ok((header, &json[..end]))
    }

    /// The copy that stands at `offset`, with its JSON text, for which the caller knows that there is room.
    pub(in super::super) fn copy(&self, offset: u64, json: &[u8], salt: &[u8; 64]) -> Vec<u8> {
        // At most 4 MiB.
        let mut copy = vec![0; self.size as usize];
        copy[..6].copy_from_slice(if offset == 0 { MAGIC } else { SECOND_MAGIC });
        copy[6..SIZE].copy_from_slice(&[0, 2]);
        copy[SIZE..SEQUENCE].copy_from_slice(&self.size.to_be_bytes());
        copy[SEQUENCE..LABEL].copy_from_slice(&self.sequence.to_be_bytes());
        put_text(&mut copy[LABEL..ALGORITHM], &self.label);
        put_text(&mut copy[ALGORITHM..SALT], "sha256");
        copy[SALT..UUID].copy_from_slice(salt);
        put_text(&mut copy[UUID..SUBSYSTEM], &self.uuid);
        put_text(&mut copy[SUBSYSTEM..OFFSET], &self.subsystem);
        copy[OFFSET..OFFSET + 8].copy_from_slice(&offset.to_be_bytes());
        copy[BINARY_BYTES..BINARY_BYTES + json.len()].copy_from_slice(json);
        let checksum = checksum(&copy);
        copy[CHECKSUM..CHECKSUM + checksum.len()].copy_from_slice(&checksum);
        copy
    }
}

/// The checksum of a copy, its own field taken as zeroes.
fn checksum(copy: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(&copy[..CHECKSUM])
        .chain_update([0; CHECKSUM_BYTES])
        .chain_update(&copy[CHECKSUM + CHECKSUM_BYTES..])
        .finalize()
        .into()
}
