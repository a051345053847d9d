//! The AES-256 block cipher alone.

use aes::{
    Aes256,
    cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit},
};
use cipher::consts::U16;
use inout::InOutBuf;
use sealab_engine::{BlockCipher, BlockKey, EngineError};

pub(crate) struct Aes256Block(Aes256);

impl Aes256Block {
    pub(crate) fn new(key: &BlockKey) -> Self {
        Self(Aes256::new(key.0.expose().into()))
    }
}

impl BlockCipher for Aes256Block {
    fn encrypt_blocks(&mut self, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        self.0.encrypt_blocks_inout(blocks(data)?);
        Ok(())
    }

    fn decrypt_blocks(&mut self, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        self.0.decrypt_blocks_inout(blocks(data)?);
        Ok(())
    }
}

fn blocks<'inp, 'out>(
    data: InOutBuf<'inp, 'out, u8>,
) -> Result<InOutBuf<'inp, 'out, aes::Block>, EngineError> {
    let found = data.len();
    let (blocks, partial) = data.into_chunks::<U16>();
    if partial.is_empty() {
        return Ok(blocks);
    }
    Err(EngineError::Length {
        what: "the data of a block cipher",
        found,
        expected: "a multiple of 16".to_owned(),
    })
}
