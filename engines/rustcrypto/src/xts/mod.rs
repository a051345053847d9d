//! AES-XTS (IEEE 1619, NIST SP 800-38E) over the `aes` crate's parallel blocks.
//!
//! A batch goes through in groups of units: the units' tweaks are encrypted together, then the blocks of all the
//! group's units run through the data cipher as one stream, so that short units fill its parallel blocks too.

mod direction;
mod group;
mod running;
#[cfg(test)]
mod tests;
mod tweaks;

use aes::{
    Aes128, Aes128Enc, Aes256, Aes256Enc, Block,
    cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit},
};
use cipher::consts::{U16, U32, U64};
use inout::InOutBuf;
use sealab_engine::{DataUnits, EngineError, Key, Tweak, Xts};

use group::{FirstTweaks, Group};
#[cfg(test)]
use tweaks::{Cursor, WINDOW_BLOCKS, Window};

/// AES-128-XTS under one key.
pub type Aes128Xts = AesXts<Aes128, Aes128Enc>;
/// AES-256-XTS under one key.
pub type Aes256Xts = AesXts<Aes256, Aes256Enc>;

/// How many units' tweaks are encrypted at once: the widest parallel step of the `aes` crate.
const GROUP_UNITS: usize = 64;

/// XTS over the data cipher `D` and the tweak cipher `T`.
pub struct AesXts<D, T> {
    data: D,
    tweak: T,
}

impl Aes128Xts {
    /// XTS under `key`: the data key, then the tweak key.
    pub fn new(key: &Key<32>) -> Self {
        let key: &Array<u8, U32> = key.expose().into();
        let (data, tweak) = key.split_ref::<U16>();
        Self {
            data: Aes128::new(data),
            tweak: Aes128Enc::new(tweak),
        }
    }
}

impl Aes256Xts {
    /// XTS under `key`: the data key, then the tweak key.
    pub fn new(key: &Key<64>) -> Self {
        let key: &Array<u8, U64> = key.expose().into();
        let (data, tweak) = key.split_ref::<U32>();
        Self {
            data: Aes256::new(data),
            tweak: Aes256Enc::new(tweak),
        }
    }
}

impl<D, T> AesXts<D, T>
where
    T: BlockCipherEncrypt<BlockSize = U16>,
{
    /// Hands `data` to `run` group by group.
    fn groups(
        &self,
        units: DataUnits<'_>,
        data: InOutBuf<'_, '_, u8>,
        run: impl Fn(&D, Group<'_, '_, '_>),
    ) -> Result<(), EngineError> {
        units.check(&data)?;
        let mut rest = data;
        for tweaks in units.tweaks().chunks(GROUP_UNITS) {
            let (now, later) = rest.split_at(tweaks.len() * units.unit_bytes());
            rest = later;
            let mut first = [Block::default(); GROUP_UNITS];
            for (block, Tweak(tweak)) in first.iter_mut().zip(tweaks) {
                block.0 = *tweak;
            }
            self.tweak.encrypt_with_backend(FirstTweaks {
                blocks: &mut first,
                count: tweaks.len(),
            });
            run(
                &self.data,
                Group {
                    first: &first[..tweaks.len()],
                    unit_bytes: units.unit_bytes(),
                    data: now,
                },
            );
        }
        Ok(())
    }
}

impl<D, T> Xts for AesXts<D, T>
where
    D: BlockCipherEncrypt<BlockSize = U16> + BlockCipherDecrypt + Send,
    T: BlockCipherEncrypt<BlockSize = U16> + Send,
{
    fn encrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        self.groups(units, data, |cipher, group| cipher.encrypt_with_backend(group))
    }

    fn decrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        self.groups(units, data, |cipher, group| cipher.decrypt_with_backend(group))
    }
}
