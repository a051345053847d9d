//! XTS: a context for each direction, since XTS decrypts under another key schedule than it encrypts.

use openssl::cipher::CipherRef;
use sealab_engine::{DataUnits, EngineError, InOutBuf, XtsKey};

use crate::keyed::{Direction, Keyed};

pub(crate) struct Xts {
    encrypting: Keyed<16>,
    decrypting: Keyed<16>,
}

impl Xts {
    pub(crate) fn new(cipher: &CipherRef, key: &XtsKey) -> Result<Self, EngineError> {
        Ok(Self {
            encrypting: Keyed::new(cipher, Direction::Encrypt, key.expose())?,
            decrypting: Keyed::new(cipher, Direction::Decrypt, key.expose())?,
        })
    }
}

/// Each unit is one update: OpenSSL takes an update of an XTS context as a whole data unit and steals ciphertext at
/// its end.
fn each_unit(
    keyed: &mut Keyed<16>,
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
