//! The AES-256 block cipher: ECB without padding.

use openssl::cipher::CipherRef;
use sealab_engine::{BlockKey, EngineError, InOutBuf};

use crate::keyed::{Direction, Keyed};

pub(crate) struct Block {
    encrypting: Keyed<0, 16>,
    decrypting: Keyed<0, 16>,
}

impl Block {
    pub(crate) fn new(cipher: &CipherRef, key: &BlockKey) -> Result<Self, EngineError> {
        Ok(Self {
            encrypting: Keyed::new(cipher, Direction::Encrypt, key.0.expose())?,
            decrypting: Keyed::new(cipher, Direction::Decrypt, key.0.expose())?,
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
