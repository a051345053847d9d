//! The AES-256 block cipher: ECB, without padding.

use sealab_engine::{BlockKey, EngineError, InOutBuf};

use crate::keyed::{Cipher, Direction, Keyed};

pub(crate) struct Block {
    encrypting: Keyed,
    decrypting: Keyed,
}

impl Block {
    pub(crate) fn new(key: &BlockKey) -> Result<Self, EngineError> {
        Ok(Self {
            encrypting: Keyed::new(Cipher::Ecb, Direction::Encrypt, key.0.expose())?,
            decrypting: Keyed::new(Cipher::Ecb, Direction::Decrypt, key.0.expose())?,
        })
    }
}

impl sealab_engine::BlockCipher for Block {
    fn encrypt_blocks(&mut self, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        self.encrypting.update(data)
    }

    fn decrypt_blocks(&mut self, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        self.decrypting.update(data)
    }
}
