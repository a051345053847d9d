//! dm-verity's superblock, 512 bytes, and what it says.
//!
//! Little-endian: magic `verity\0\0` | version u32 | hash type u32 | UUID 16 | algorithm 32, zero-terminated | data block
//! size u32 | hash block size u32 | data blocks u64 | salt size u16 | 6 unused | salt 256 | 168 unused.

use super::hash::Algorithm;
use crate::superblock::{SuperblockError, array, wrong};

/// The length of a superblock.
pub const SUPERBLOCK_BYTES: usize = 512;
const MAGIC: &[u8; 8] = b"verity\0\0";
const MAX_SALT: usize = 256;
const SALT_AT: usize = 88;

/// On which side of a block the salt is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HashType {
    /// Type 0, of Chrome OS: behind it.
    ChromeOs,
    /// Type 1: before it.
    Normal,
}

/// What one needs to know of a tree beside its root hash and its place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parameters {
    /// On which side of a block the salt is.
    pub hash_type: HashType,
    /// The hash.
    pub algorithm: Algorithm,
    /// The bytes of a block of data: a power of two of 512 to 65,536.
    pub data_block_bytes: u32,
    /// The bytes of a block of hashes: a power of two of 512 to 65,536.
    pub hash_block_bytes: u32,
    /// How many blocks of data there are, at least one.
    pub data_blocks: u64,
    /// At most 256 bytes; may be empty.
    pub salt: Vec<u8>,
    /// The UUID of the superblock, 16 bytes.
    pub uuid: [u8; 16],
}

/// Reads the superblock that `bytes` begin with. Nothing else is read: for fuzzing, and for showing what a disk says.
pub fn parse_superblock(bytes: &[u8]) -> Result<Parameters, SuperblockError> {
    let Some(bytes) = bytes.first_chunk::<SUPERBLOCK_BYTES>() else {
        let expected = format!("{SUPERBLOCK_BYTES} or more");
        return Err(wrong("the length", 0, bytes.len(), expected));
    };
    if &bytes[..8] != MAGIC {
        return Err(wrong(
            "signature",
            0,
            bytes[..8].escape_ascii(),
            "\"verity\\0\\0\"",
        ));
    }
    let u32_at = |at| u32::from_le_bytes(array(bytes, at));
    let version = u32_at(8);
    if version != 1 {
        return Err(wrong("version", 8, version, "1"));
    }
    let hash_type = match u32_at(12) {
        0 => HashType::ChromeOs,
        1 => HashType::Normal,
        found => return Err(wrong("hash_type", 12, found, "0 or 1")),
    };
    let name = &bytes[32..64];
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    let algorithm = Algorithm::from_name(&name[..end])
        .ok_or_else(|| wrong("algorithm", 32, name[..end].escape_ascii(), Algorithm::NAMES))?;
    let salt_bytes = usize::from(u16::from_le_bytes(array(bytes, 80)));
    if salt_bytes > MAX_SALT {
        return Err(wrong("salt_size", 80, salt_bytes, "at most 256"));
    }
    let parameters = Parameters {
        hash_type,
        algorithm,
        data_block_bytes: u32_at(64),
        hash_block_bytes: u32_at(68),
        data_blocks: u64::from_le_bytes(array(bytes, 72)),
        salt: bytes[SALT_AT..SALT_AT + salt_bytes].to_vec(),
        uuid: array(bytes, 16),
    };
    parameters.check()?;
    Ok(parameters)
}

impl Parameters {
    /// Parameters as `veritysetup format` chooses them, for `data_blocks` blocks: type 1, SHA-256, blocks of 4096 bytes.
    pub fn new(data_blocks: u64, salt: Vec<u8>, uuid: [u8; 16]) -> Self {
        Self {
            hash_type: HashType::Normal,
            algorithm: Algorithm::Sha256,
            data_block_bytes: 4096,
            hash_block_bytes: 4096,
            data_blocks,
            salt,
            uuid,
        }
    }

    /// The size of the data, in bytes.
    pub fn data_bytes(&self) -> u64 {
        self.data_blocks * u64::from(self.data_block_bytes)
    }

    /// That every field is in range.
    pub(super) fn check(&self) -> Result<(), SuperblockError> {
        for (field, offset, found) in [
            ("data_block_size", 64, self.data_block_bytes),
            ("hash_block_size", 68, self.hash_block_bytes),
        ] {
            if !found.is_power_of_two() || !(512..=65536).contains(&found) {
                return Err(wrong(field, offset, found, "a power of two of 512 to 65536"));
            }
        }
        let most = i64::MAX as u64 / u64::from(self.data_block_bytes);
        if !(1..=most).contains(&self.data_blocks) {
            return Err(wrong("data_blocks", 72, self.data_blocks, format!("1 to {most}")));
        }
        if self.salt.len() > MAX_SALT {
            return Err(wrong("salt_size", 80, self.salt.len(), "at most 256"));
        }
        Ok(())
    }

    pub(super) fn to_bytes(&self) -> [u8; SUPERBLOCK_BYTES] {
        let mut bytes = [0; SUPERBLOCK_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8] = 1;
        bytes[12] = match self.hash_type {
            HashType::ChromeOs => 0,
            HashType::Normal => 1,
        };
        bytes[16..32].copy_from_slice(&self.uuid);
        let name = self.algorithm.name().as_bytes();
        bytes[32..32 + name.len()].copy_from_slice(name);
        bytes[64..68].copy_from_slice(&self.data_block_bytes.to_le_bytes());
        bytes[68..72].copy_from_slice(&self.hash_block_bytes.to_le_bytes());
        bytes[72..80].copy_from_slice(&self.data_blocks.to_le_bytes());
        // At most 256.
        bytes[80..82].copy_from_slice(&(self.salt.len() as u16).to_le_bytes());
        bytes[SALT_AT..SALT_AT + self.salt.len()].copy_from_slice(&self.salt);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Parameters {
        Parameters::new(33, (0..=255).collect(), [7; 16])
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = sample().to_bytes();
        assert_eq!(parse_superblock(&bytes).unwrap(), sample());
        for length in [0, 1, 511] {
            assert_eq!(
                parse_superblock(&bytes[..length]).unwrap_err().field,
                "the length"
            );
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_name_and_place() {
        let cases: [(usize, &[u8], &str); 13] = [
            (0, b"V", "signature"),
            (8, &[2], "version"),
            (12, &[2], "hash_type"),
            (32, b"md5\0", "algorithm"),
            (32, &[b'x'; 32], "algorithm"),
            (64, &[0; 4], "data_block_size"),
            (64, &[0, 12, 0, 0], "data_block_size"),
            (64, &[0, 0, 2, 0], "data_block_size"),
            (68, &[0, 1, 0, 0], "hash_block_size"),
            (72, &[0; 8], "data_blocks"),
            (72, &(1u64 << 60).to_le_bytes(), "data_blocks"),
            (80, &300u16.to_le_bytes(), "salt_size"),
            (80, &[255, 255], "salt_size"),
        ];
        for (at, value, field) in cases {
            let mut bytes = sample().to_bytes();
            bytes[at..at + value.len()].copy_from_slice(value);
            let error = parse_superblock(&bytes).unwrap_err();
            assert_eq!((error.field, error.offset), (field, at), "{error}");
        }
    }
}
