//! AES-256 in counter mode. OpenSSL counts the whole block up as a 128-bit big-endian number.

use openssl::cipher::CipherRef;
use sealab_engine::{CtrKey, EngineError, InOutBuf};

use crate::keyed::{Direction, Keyed};

pub(crate) struct Ctr(Keyed<16>);

impl Ctr {
    pub(crate) fn new(cipher: &CipherRef, key: &CtrKey) -> Result<Self, EngineError> {
        Ok(Self(Keyed::new(cipher, Direction::Encrypt, key.0.expose())?))
    }
}

impl sealab_engine::Ctr for Ctr {
    fn apply(&mut self, initial: &[u8; 16], data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        self.0.start(initial)?;
        self.0.update(data)
    }
}
