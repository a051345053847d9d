//! `aes-xts-plain64` with `hmac-sha256` (dm-crypt's `capi:authenc(hmac(sha256),xts(aes))-plain64`, dm-integrity for the
//! codes), as `cryptsetup luksFormat --integrity hmac-sha256` sets it up.
//!
//! The volume key has 96 bytes: XTS's data key and tweak key, then the MAC's. The code of a sector covers its number (64
//! bits little-endian), its IV, which with plain64 says the same in 16 bytes, and its ciphertext; it is all 32 bytes of
//! the metadata. Verified with a volume that Linux 6.1 wrote.

use sealab_engine::{Engine, HmacSha256, InOutBuf, MacKey, Tweak};
use subtle::ConstantTimeEq;

use super::xts_plain64::{self, Direction, XtsPlain64};
use super::{SectorCipher, SectorError, SectorSize};

const KEY_BYTES: usize = 96;
const CODE_BYTES: usize = 32;

/// dm-crypt's `aes-xts-plain64` with `hmac-sha256`: encrypt, then authenticate, sector by sector.
pub struct XtsHmac {
    xts: XtsPlain64,
    mac: Box<dyn HmacSha256>,
}

impl XtsHmac {
    /// The cipher under a volume key.
    pub fn new(engine: &dyn Engine, key: &[u8; KEY_BYTES], size: SectorSize) -> Result<Self, SectorError> {
        let (xts_key, mac_key) = key.split_at(xts_plain64::KEY_BYTES);
        Ok(Self {
            xts: XtsPlain64::from_slice(engine, xts_key, size)?,
            mac: engine.hmac_sha256(&MacKey::new(mac_key))?,
        })
    }

    fn code(&mut self, number: u64, ciphertext: &[u8]) -> Result<[u8; CODE_BYTES], SectorError> {
        let iv = Tweak::plain64(number).0;
        Ok(self.mac.compute(&[&number.to_le_bytes(), &iv, ciphertext])?)
    }
}

impl SectorCipher for XtsHmac {
    fn sector_size(&self) -> SectorSize {
        self.xts.sector_size()
    }

    fn metadata_bytes(&self) -> usize {
        CODE_BYTES
    }

    fn encrypt_inout(
        &mut self,
        first: u64,
        mut data: InOutBuf<'_, '_, u8>,
        metadata: &mut [u8],
    ) -> Result<(), SectorError> {
        let size = self.sector_size();
        size.count(first, data.len(), metadata.len(), CODE_BYTES)?;
        self.xts.apply(Direction::Encrypt, first, data.reborrow())?;
        let sectors = data.get_out().chunks_exact(size.bytes());
        for (index, (sector, code)) in sectors.zip(metadata.chunks_exact_mut(CODE_BYTES)).enumerate() {
            code.copy_from_slice(&self.code(size.number(first, index), sector)?);
        }
        Ok(())
    }

    fn decrypt_inout(
        &mut self,
        first: u64,
        data: InOutBuf<'_, '_, u8>,
        metadata: &[u8],
    ) -> Result<(), SectorError> {
        let size = self.sector_size();
        size.count(first, data.len(), metadata.len(), CODE_BYTES)?;
        let sectors = data.get_in().chunks_exact(size.bytes());
        for (index, (sector, code)) in sectors.zip(metadata.chunks_exact(CODE_BYTES)).enumerate() {
            let number = size.number(first, index);
            if !bool::from(self.code(number, sector)?.ct_eq(code)) {
                return Err(SectorError::Unauthentic { number });
            }
        }
        self.xts.apply(Direction::Decrypt, first, data)
    }
}
