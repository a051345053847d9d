//! The sector ciphers of dm-crypt: how one sector of a volume is encrypted, and with some authenticated, on its own.
//!
//! None of them protects against an old sector being put back in its place, and those without a code let changed
//! ciphertext pass as changed plaintext. Sectors are numbered in units of 512 bytes, whatever their own size, as
//! dm-crypt does without `iv_large_sectors`, which LUKS2 never sets; the first sector of a LUKS segment has number 0.
//! Sources: the kernel's Documentation/admin-guide/device-mapper/dm-crypt.rst and drivers/md/dm-crypt.c.

mod aes_gcm_random;
mod batches;
mod cbc_essiv;
mod xts_hmac;
mod xts_plain64;

use sealab_engine::{EngineError, InOutBuf, KeyError};

pub use aes_gcm_random::AesGcmRandom;
pub use cbc_essiv::CbcEssiv;
pub use xts_hmac::XtsHmac;
pub use xts_plain64::XtsPlain64;

/// The unit in which sectors are numbered, in bytes.
pub const NUMBERED_BYTES: usize = 512;

/// A cipher of sectors under one key. Belongs to one thread at a time.
pub trait SectorCipher: Send {
    /// The size of each sector.
    fn sector_size(&self) -> SectorSize;

    /// How many bytes each sector has beside its data, 0 without authentication.
    fn metadata_bytes(&self) -> usize;

    /// Encrypts consecutive sectors, in place or from one buffer into another, and writes their metadata, sector after
    /// sector. `first` is the number of the first one in units of 512 bytes.
    fn encrypt_inout(
        &mut self,
        first: u64,
        data: InOutBuf<'_, '_, u8>,
        metadata: &mut [u8],
    ) -> Result<(), SectorError>;

    /// Decrypts what [`SectorCipher::encrypt_inout`] made. With metadata, a sector that does not hold is
    /// [`SectorError::Unauthentic`]; the output is then of no use, but holds no plaintext that was not verified.
    fn decrypt_inout(
        &mut self,
        first: u64,
        data: InOutBuf<'_, '_, u8>,
        metadata: &[u8],
    ) -> Result<(), SectorError>;

    /// [`SectorCipher::encrypt_inout`] in place.
    fn encrypt(&mut self, first: u64, data: &mut [u8], metadata: &mut [u8]) -> Result<(), SectorError> {
        self.encrypt_inout(first, InOutBuf::from(data), metadata)
    }

    /// [`SectorCipher::decrypt_inout`] in place.
    fn decrypt(&mut self, first: u64, data: &mut [u8], metadata: &[u8]) -> Result<(), SectorError> {
        self.decrypt_inout(first, InOutBuf::from(data), metadata)
    }
}

/// Why sectors were not encrypted or decrypted.
#[derive(Debug, thiserror::Error)]
pub enum SectorError {
    /// The engine reported an error.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The volume key is no key.
    #[error("the volume key: {0}")]
    Key(#[from] KeyError),
    /// Lengths do not fit each other or the volume.
    #[error("{what} is {found} bytes; it must be {expected}")]
    Length {
        /// The part in question.
        what: &'static str,
        /// Its length, in bytes.
        found: usize,
        /// What would be right.
        expected: String,
    },
    /// The sectors go on after the last one that has a number.
    #[error("{count} sectors from number {first} on go past the last number there is")]
    Number {
        /// The number of the first sector, in units of 512 bytes.
        first: u64,
        /// How many sectors there are.
        count: usize,
    },
    /// A sector's code does not hold: it was changed, stood elsewhere, or is another volume's.
    #[error("sector {number} (in units of 512 bytes) is not authentic")]
    Unauthentic {
        /// The first sector that failed, in units of 512 bytes.
        number: u64,
    },
}

/// The size of a sector: 512, 1024, 2048 or 4096 bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SectorSize(usize);

impl SectorSize {
    /// A sector of `bytes` bytes.
    pub fn new(bytes: usize) -> Result<Self, SectorError> {
        match bytes {
            512 | 1024 | 2048 | 4096 => Ok(Self(bytes)),
            found => Err(SectorError::Length {
                what: "a sector",
                found,
                expected: "512, 1024, 2048 or 4096".to_owned(),
            }),
        }
    }

    /// A sector of 1 to 256 AES blocks. No volume has such but for those of [`SectorSize::new`]; test vectors do, as one
    /// sector at a time.
    pub fn of_vector(bytes: usize) -> Result<Self, SectorError> {
        if (1..=4096).contains(&bytes) && bytes.is_multiple_of(16) {
            return Ok(Self(bytes));
        }
        Err(SectorError::Length {
            what: "a sector",
            found: bytes,
            expected: "16 to 4096 and a multiple of 16".to_owned(),
        })
    }

    /// The size in bytes.
    pub fn bytes(self) -> usize {
        self.0
    }

    /// How far the numbers of neighbours are apart.
    fn step(self) -> u64 {
        self.0.div_ceil(NUMBERED_BYTES) as u64
    }

    /// The number of the sector `index` places after `first`, which [`SectorSize::count`] has seen to exist.
    fn number(self, first: u64, index: usize) -> u64 {
        first + self.step() * index as u64
    }

    /// How many sectors `data` has, all with numbers, and that `metadata` has `each` bytes for every one.
    fn count(self, first: u64, data: usize, metadata: usize, each: usize) -> Result<usize, SectorError> {
        if !data.is_multiple_of(self.0) {
            return Err(SectorError::Length {
                what: "the data of sectors",
                found: data,
                expected: format!("a multiple of {}", self.0),
            });
        }
        let count = data / self.0;
        // No slice is longer than isize::MAX bytes, so this does not overflow.
        if metadata != count * each {
            return Err(SectorError::Length {
                what: "the metadata of sectors",
                found: metadata,
                expected: format!("{each} for each of {count} sectors"),
            });
        }
        let past = count.checked_sub(1).map(|last| self.step() * last as u64);
        if past.is_some_and(|past| first.checked_add(past).is_none()) {
            return Err(SectorError::Number { first, count });
        }
        Ok(count)
    }
}

/// The most sectors that are handed to the engine in one call.
const BATCH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sizes_of_dm_crypt_are_sectors() {
        for bytes in [512, 1024, 2048, 4096] {
            assert_eq!(SectorSize::new(bytes).unwrap().bytes(), bytes);
        }
        for bytes in [0, 16, 511, 768, 8192] {
            assert!(SectorSize::new(bytes).is_err());
        }
    }

    #[test]
    fn lengths_and_numbers_are_checked() {
        let size = SectorSize::new(4096).unwrap();
        assert_eq!(size.count(0, 0, 0, 28).unwrap(), 0);
        assert_eq!(size.count(u64::MAX, 4096, 28, 28).unwrap(), 1);
        assert_eq!(size.count(u64::MAX - 8, 8192, 56, 28).unwrap(), 2);
        assert!(matches!(
            size.count(u64::MAX - 7, 8192, 56, 28),
            Err(SectorError::Number { .. })
        ));
        assert!(size.count(0, 4095, 0, 28).is_err());
        assert!(size.count(0, 4097, 28, 28).is_err());
        assert!(size.count(0, 4096, 27, 28).is_err());
        assert_eq!(size.number(3, 2), 19);
    }
}
