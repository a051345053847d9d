//! XTS, the AEADs, counter mode and the block cipher over a keyed context.

use sealab_engine::{
    Aead, AeadKey, BlockCipher, BlockKey, Ctr, CtrKey, DataUnits, EngineError, InOutBuf, Messages, Tag, Xts,
    XtsKey,
};

use super::api::Api;
use super::keyed::{Direction, Keyed};
use crate::batches::{each_unit, open_each, seal_each, whole_blocks};

/// A context for each direction, since these ciphers decrypt under another key schedule, or check a tag.
pub(crate) struct BothWays {
    encrypting: Keyed,
    decrypting: Keyed,
}

impl BothWays {
    pub(crate) fn xts(api: &'static Api, key: &XtsKey) -> Result<Self, EngineError> {
        let name = match key {
            XtsKey::Aes128(_) => c"AES-128-XTS",
            XtsKey::Aes256(_) => c"AES-256-XTS",
        };
        Ok(Self {
            encrypting: Keyed::new(api, name, Direction::Encrypt, key.expose())?,
            decrypting: Keyed::new(api, name, Direction::Decrypt, key.expose())?,
        })
    }

    pub(crate) fn aead(api: &'static Api, key: &AeadKey) -> Result<Self, EngineError> {
        let name = match key {
            AeadKey::Aes128Gcm(_) => c"AES-128-GCM",
            AeadKey::Aes256Gcm(_) => c"AES-256-GCM",
            AeadKey::ChaCha20Poly1305(_) => c"ChaCha20-Poly1305",
        };
        Ok(Self {
            encrypting: Keyed::new(api, name, Direction::Encrypt, key.expose())?,
            decrypting: Keyed::new(api, name, Direction::Decrypt, key.expose())?,
        })
    }

    pub(crate) fn block(api: &'static Api, key: &BlockKey) -> Result<Self, EngineError> {
        let keyed = |direction| Keyed::new(api, c"AES-256-ECB", direction, key.0.expose())?.without_padding();
        Ok(Self {
            encrypting: keyed(Direction::Encrypt)?,
            decrypting: keyed(Direction::Decrypt)?,
        })
    }
}

impl Xts for BothWays {
    fn encrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        each_unit(units, data, |tweak, unit| {
            self.encrypting.start(&tweak.0)?;
            self.encrypting.update(unit)
        })
    }

    fn decrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        each_unit(units, data, |tweak, unit| {
            self.decrypting.start(&tweak.0)?;
            self.decrypting.update(unit)
        })
    }
}

impl Aead for BothWays {
    fn seal(
        &mut self,
        messages: Messages<'_>,
        data: InOutBuf<'_, '_, u8>,
        tags: &mut [Tag],
    ) -> Result<(), EngineError> {
        seal_each(messages, data, tags, |nonce, associated_data, message, tag| {
            self.encrypting.start(&nonce.0)?;
            self.encrypting.associate(associated_data)?;
            self.encrypting.update(message)?;
            *tag = self.encrypting.tag()?;
            Ok(())
        })
    }

    fn open(
        &mut self,
        messages: Messages<'_>,
        data: InOutBuf<'_, '_, u8>,
        tags: &[Tag],
    ) -> Result<(), EngineError> {
        open_each(messages, data, tags, |nonce, associated_data, message, tag| {
            self.decrypting.start(&nonce.0)?;
            self.decrypting.associate(associated_data)?;
            self.decrypting.update(message)?;
            self.decrypting.verify(tag)
        })
    }
}

impl BlockCipher for BothWays {
    fn encrypt_blocks(&mut self, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        whole_blocks(&data)?;
        self.encrypting.update(data)
    }

    fn decrypt_blocks(&mut self, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        whole_blocks(&data)?;
        self.decrypting.update(data)
    }
}

/// Counter mode, which is its own inverse.
pub(crate) struct Stream(Keyed);

impl Stream {
    pub(crate) fn new(api: &'static Api, key: &CtrKey) -> Result<Self, EngineError> {
        Ok(Self(Keyed::new(
            api,
            c"AES-256-CTR",
            Direction::Encrypt,
            key.0.expose(),
        )?))
    }
}

impl Ctr for Stream {
    fn apply(&mut self, initial: &[u8; 16], data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        self.0.start(initial)?;
        self.0.update(data)
    }
}
