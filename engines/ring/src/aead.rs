//! AES-GCM and ChaCha20-Poly1305 with detached tags.

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, UnboundKey};
use sealab_engine::{AeadKey, EngineError, InOutBuf, Messages, Tag};

pub(crate) struct Aead(LessSafeKey);

impl Aead {
    pub(crate) fn new(key: &AeadKey) -> Result<Self, EngineError> {
        let algorithm = match key {
            AeadKey::Aes128Gcm(_) => &AES_128_GCM,
            AeadKey::Aes256Gcm(_) => &AES_256_GCM,
            AeadKey::ChaCha20Poly1305(_) => &CHACHA20_POLY1305,
        };
        match UnboundKey::new(algorithm, key.expose()) {
            Ok(key) => Ok(Self(LessSafeKey::new(key))),
            Err(error) => Err(EngineError::Library {
                call: "UnboundKey::new",
                detail: error.to_string(),
            }),
        }
    }

    fn open_each(
        &self,
        messages: Messages<'_>,
        mut data: InOutBuf<'_, '_, u8>,
        tags: &[Tag],
    ) -> Result<(), EngineError> {
        for (index, ((range, nonce, associated_data), tag)) in messages.iter().zip(tags).enumerate() {
            let (message, rest) = data.split_at(range.len());
            self.0
                .open_in_place_separate_tag(
                    ring::aead::Nonce::assume_unique_for_key(nonce.0),
                    Aad::from(associated_data),
                    tag.0.into(),
                    message.into_out_with_copied_in(),
                    0..,
                )
                .map_err(|_| EngineError::Unauthentic { index })?;
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
        for ((range, nonce, associated_data), tag) in messages.iter().zip(tags) {
            let (message, rest) = data.split_at(range.len());
            let sealed = self
                .0
                .seal_in_place_separate_tag(
                    ring::aead::Nonce::assume_unique_for_key(nonce.0),
                    Aad::from(associated_data),
                    message.into_out_with_copied_in(),
                )
                .map_err(|error| EngineError::Library {
                    call: "LessSafeKey::seal_in_place_separate_tag",
                    detail: error.to_string(),
                })?;
            tag.0.copy_from_slice(sealed.as_ref());
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
            // ring leaves the message that failed in an unspecified state.
            data.get_out().fill(0);
        }
        opened
    }
}
