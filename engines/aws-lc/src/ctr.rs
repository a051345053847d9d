//! AES-256 in counter mode. AWS-LC counts the whole block up as a 128-bit big-endian number.

use sealab_engine::{CtrKey, EngineError, InOutBuf};

use crate::keyed::{Cipher, Direction, Keyed};

pub(crate) struct Ctr(Keyed);

impl Ctr {
    pub(crate) fn new(key: &CtrKey) -> Result<Self, EngineError> {
        Ok(Self(Keyed::new(Cipher::Ctr, Direction::Encrypt, key.0.expose())?))
    }
}

impl sealab_engine::Ctr for Ctr {
    fn apply(&mut self, initial: &[u8; 16], data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        self.0.start(initial)?;
        self.0.update(data)
    }
}
