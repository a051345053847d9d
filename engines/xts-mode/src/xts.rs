//! Data units as the crate's sectors.

use aes::{
    Aes128, Aes256,
    cipher::{
        Array, BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser, KeyInit,
        consts::{U16, U32, U64},
    },
};
use sealab_engine::{DataUnits, EngineError, InOutBuf, Key, Xts};
use xts_mode::Xts128;

pub(crate) struct Sectors<C>(Xts128<C>);

impl Sectors<Aes128> {
    pub(crate) fn aes128(key: &Key<32>) -> Self {
        let key: &Array<u8, U32> = key.expose().into();
        let (data, tweak) = key.split_ref::<U16>();
        Self(Xts128::new(Aes128::new(data), Aes128::new(tweak)))
    }
}

impl Sectors<Aes256> {
    pub(crate) fn aes256(key: &Key<64>) -> Self {
        let key: &Array<u8, U64> = key.expose().into();
        let (data, tweak) = key.split_ref::<U32>();
        Self(Xts128::new(Aes256::new(data), Aes256::new(tweak)))
    }
}

/// The crate works in place only, so from one buffer into another each sector is copied first. Its `encrypt_area` takes
/// the tweak from the sector's number and so cannot take a tweak for each unit; it calls `encrypt_sector` as we do.
impl<C> Xts for Sectors<C>
where
    C: BlockSizeUser<BlockSize = U16> + BlockCipherEncrypt + BlockCipherDecrypt + Send,
{
    fn encrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        units.check(&data)?;
        let mut rest = data;
        for tweak in units.tweaks() {
            let (sector, tail) = rest.split_at(units.unit_bytes());
            rest = tail;
            self.0
                .encrypt_sector(sector.into_out_with_copied_in(), Array(tweak.0));
        }
        Ok(())
    }

    fn decrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        units.check(&data)?;
        let mut rest = data;
        for tweak in units.tweaks() {
            let (sector, tail) = rest.split_at(units.unit_bytes());
            rest = tail;
            self.0
                .decrypt_sector(sector.into_out_with_copied_in(), Array(tweak.0));
        }
        Ok(())
    }
}
