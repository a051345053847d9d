//! AES-GCM and ChaCha20-Poly1305 with detached tags.

use openssl::cipher::CipherRef;
use sealab_engine::{AeadKey, EngineError, InOutBuf, Messages, NONCE_BYTES, Tag};

use crate::keyed::{Direction, Keyed};

pub(crate) struct Aead {
    sealing: Keyed<NONCE_BYTES>,
    opening: Keyed<NONCE_BYTES>,
}

impl Aead {
    pub(crate) fn new(cipher: &CipherRef, key: &AeadKey) -> Result<Self, EngineError> {
        Ok(Self {
            sealing: Keyed::new(cipher, Direction::Encrypt, key.expose())?,
            opening: Keyed::new(cipher, Direction::Decrypt, key.expose())?,
        })
    }

    fn open_each(
        &mut self,
        messages: Messages<'_>,
        mut data: InOutBuf<'_, '_, u8>,
        tags: &[Tag],
    ) -> Result<(), EngineError> {
        let keyed = &mut self.opening;
        for (index, ((range, nonce, associated_data), tag)) in messages.iter().zip(tags).enumerate() {
            let (message, rest) = data.split_at(range.len());
            keyed.start(&nonce.0)?;
            keyed.expect_tag(tag)?;
            keyed.associated_data(associated_data)?;
            keyed.update(message)?;
            keyed.finish().map_err(|_| EngineError::Unauthentic { index })?;
            data = rest;
        }
        Ok(())
    }
}

impl sealab_engine::Aead for Aead {
    fn seal(
        &mut self,
        messages: Messages<'_>,
        mut data: InOutBuf<'_, '_, u8>,
        tags: &mut [Tag],
    ) -> Result<(), EngineError> {
        messages.check(&data, tags)?;
        let keyed = &mut self.sealing;
        for ((range, nonce, associated_data), tag) in messages.iter().zip(tags) {
            let (message, rest) = data.split_at(range.len());
            keyed.start(&nonce.0)?;
            keyed.associated_data(associated_data)?;
            keyed.update(message)?;
            keyed.finish()?;
            keyed.tag(tag)?;
            data = rest;
        }
        Ok(())
    }

    fn open(
        &mut self,
        messages: Messages<'_>,
        mut data: InOutBuf<'_, '_, u8>,
        tags: &[Tag],
    ) -> Result<(), EngineError> {
        messages.check(&data, tags)?;
        let opened = self.open_each(messages, data.reborrow(), tags);
        if opened.is_err() {
            // EVP writes plaintext before it has seen the tag.
            data.get_out().fill(0);
        }
        opened
    }
}
