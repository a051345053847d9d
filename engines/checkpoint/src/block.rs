//! The raw AES-256 block cipher over a unit's blocks: the limit that every AES mode stands beside. A probe only; equal
//! blocks give equal ciphertext.

use sealab_engine::{BlockCipher, BlockKey, Engine, EngineError, InOutBuf, Key, Primitive};
use zeroize::Zeroizing;

use crate::{Format, Plane, Protection, Sealer, Secret, Units};

pub(crate) struct Block;

impl Format for Block {
    fn id(&self) -> &'static str {
        Primitive::Aes256Block.id()
    }

    fn title(&self) -> &'static str {
        "raw AES-256 blocks, the limit's probe; protects nothing"
    }

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Page]
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[Primitive::Aes256Block]
    }

    fn protection(&self) -> Protection {
        Protection::Nothing
    }

    fn trailer_bytes(&self) -> usize {
        0
    }

    fn sealer(&self, engine: &dyn Engine, secret: &Secret, _: u32) -> Result<Box<dyn Sealer>, EngineError> {
        let bytes = Zeroizing::new(secret.cipher_key());
        Ok(Box::new(BlockSealer(
            engine.block_cipher(&BlockKey(Key::new(&bytes)))?,
        )))
    }
}

struct BlockSealer(Box<dyn BlockCipher>);

impl Sealer for BlockSealer {
    fn seal(
        &mut self,
        units: Units<'_>,
        data: InOutBuf<'_, '_, u8>,
        trailers: &mut [u8],
    ) -> Result<(), EngineError> {
        units.check(data.len(), trailers.len(), 0)?;
        self.0.encrypt_blocks(data)
    }

    fn open(
        &mut self,
        units: Units<'_>,
        data: InOutBuf<'_, '_, u8>,
        trailers: &[u8],
    ) -> Result<(), EngineError> {
        units.check(data.len(), trailers.len(), 0)?;
        self.0.decrypt_blocks(data)
    }
}
