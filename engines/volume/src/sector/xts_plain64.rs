//! `aes-xts-plain64` with a volume key of 512 bits (AES-256-XTS) or 256 bits (AES-128-XTS), the tweak being the sector's
//! number.

use sealab_engine::{DataUnits, Engine, InOutBuf, Primitive, Tweak, XtsKey};

use super::batches::{Stored, batches};
use super::{BATCH, SectorCipher, SectorError, SectorSize};

/// The length of AES-256-XTS's volume key, in bytes: the data key, then the tweak key.
pub(super) const KEY_BYTES: usize = 64;

/// dm-crypt's `aes-xts-plain64`. Nothing is authenticated.
pub struct XtsPlain64 {
    xts: Box<dyn sealab_engine::Xts>,
    size: SectorSize,
    tweaks: [Tweak; BATCH],
}

impl XtsPlain64 {
    /// The cipher under a volume key of AES-256-XTS.
    pub fn new(engine: &dyn Engine, key: &[u8; KEY_BYTES], size: SectorSize) -> Result<Self, SectorError> {
        Self::from_slice(engine, key, size)
    }

    /// The cipher under a volume key of AES-128-XTS.
    pub fn with_aes_128(engine: &dyn Engine, key: &[u8; 32], size: SectorSize) -> Result<Self, SectorError> {
        Self::of(engine, Primitive::Aes128Xts, key, size)
    }

    /// As [`XtsPlain64::new`]; a key of another length is an error.
    pub(super) fn from_slice(engine: &dyn Engine, key: &[u8], size: SectorSize) -> Result<Self, SectorError> {
        Self::of(engine, Primitive::Aes256Xts, key, size)
    }

    fn of(
        engine: &dyn Engine,
        primitive: Primitive,
        key: &[u8],
        size: SectorSize,
    ) -> Result<Self, SectorError> {
        Ok(Self {
            xts: engine.xts(&XtsKey::new(primitive, key)?)?,
            size,
            tweaks: [Tweak([0; 16]); BATCH],
        })
    }

    /// Encrypts or decrypts sectors whose lengths and numbers are checked.
    pub(super) fn apply(
        &mut self,
        direction: Direction,
        first: u64,
        data: InOutBuf<'_, '_, u8>,
    ) -> Result<(), SectorError> {
        let bytes = self.size.bytes();
        let stored = match direction {
            Direction::Decrypt => Stored::Input,
            Direction::Encrypt => Stored::Output,
        };
        for (place, data) in batches(data, self.size, BATCH, Some(stored)) {
            let tweaks = &mut self.tweaks[..data.len() / bytes];
            for (tweak, index) in tweaks.iter_mut().zip(place..) {
                *tweak = Tweak::plain64(self.size.number(first, index));
            }
            let units = DataUnits::new(bytes, tweaks)?;
            match direction {
                Direction::Decrypt => self.xts.decrypt(units, data)?,
                Direction::Encrypt => self.xts.encrypt(units, data)?,
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
pub(super) enum Direction {
    Decrypt,
    Encrypt,
}

impl SectorCipher for XtsPlain64 {
    fn sector_size(&self) -> SectorSize {
        self.size
    }

    fn metadata_bytes(&self) -> usize {
        0
    }

    fn encrypt_inout(
        &mut self,
        first: u64,
        data: InOutBuf<'_, '_, u8>,
        metadata: &mut [u8],
    ) -> Result<(), SectorError> {
        self.size.count(first, data.len(), metadata.len(), 0)?;
        self.apply(Direction::Encrypt, first, data)
    }

    fn decrypt_inout(
        &mut self,
        first: u64,
        data: InOutBuf<'_, '_, u8>,
        metadata: &[u8],
    ) -> Result<(), SectorError> {
        self.size.count(first, data.len(), metadata.len(), 0)?;
        self.apply(Direction::Decrypt, first, data)
    }
}
