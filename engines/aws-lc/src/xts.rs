//! AES-256-XTS: a context for each direction, since XTS decrypts under another key schedule than it encrypts.

use sealab_engine::{DataUnits, EngineError, InOutBuf, Key};

use crate::keyed::{Cipher, Direction, Keyed};

pub(crate) struct Xts {
    encrypting: Keyed,
    decrypting: Keyed,
}

impl Xts {
    pub(crate) fn new(key: &Key<64>) -> Result<Self, EngineError> {
        Ok(Self {
            encrypting: Keyed::new(Cipher::Xts, Direction::Encrypt, key.expose())?,
            decrypting: Keyed::new(Cipher::Xts, Direction::Decrypt, key.expose())?,
        })
    }
}

/// Each unit is one call: AWS-LC takes a call as a whole data unit and steals ciphertext at its end.
fn each_unit(
    keyed: &mut Keyed,
    units: DataUnits<'_>,
    mut data: InOutBuf<'_, '_, u8>,
) -> Result<(), EngineError> {
    units.check(&data)?;
    for tweak in units.tweaks() {
        let (unit, rest) = data.split_at(units.unit_bytes());
        keyed.start(&tweak.0)?;
        keyed.update(unit)?;
        data = rest;
    }
    Ok(())
}

impl sealab_engine::Xts for Xts {
    fn encrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        each_unit(&mut self.encrypting, units, data)
    }

    fn decrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        each_unit(&mut self.decrypting, units, data)
    }
}
