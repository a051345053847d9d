//! AES-GCM and ChaCha20-Poly1305 with detached tags.

use graviola::aead::{AesGcm, ChaCha20Poly1305};
use sealab_engine::{AeadKey, EngineError, InOutBuf, Messages, NONCE_BYTES, TAG_BYTES, Tag};

/// What graviola's AEADs have in common, for which it has no trait of its own.
pub(crate) trait Algorithm: Send {
    fn encrypt(&self, nonce: &[u8; NONCE_BYTES], ad: &[u8], message: &mut [u8], tag: &mut [u8; TAG_BYTES]);

    fn decrypt(
        &self,
        nonce: &[u8; NONCE_BYTES],
        ad: &[u8],
        message: &mut [u8],
        tag: &[u8],
    ) -> Result<(), graviola::Error>;
}

macro_rules! algorithm {
    ($name:ty) => {
        impl Algorithm for $name {
            fn encrypt(
                &self,
                nonce: &[u8; NONCE_BYTES],
                ad: &[u8],
                message: &mut [u8],
                tag: &mut [u8; TAG_BYTES],
            ) {
                self.encrypt(nonce, ad, message, tag);
            }

            fn decrypt(
                &self,
                nonce: &[u8; NONCE_BYTES],
                ad: &[u8],
                message: &mut [u8],
                tag: &[u8],
            ) -> Result<(), graviola::Error> {
                self.decrypt(nonce, ad, message, tag)
            }
        }
    };
}

algorithm!(AesGcm);
algorithm!(ChaCha20Poly1305);

struct Aead<A>(A);

/// The AEAD of `key`.
pub(crate) fn keyed(key: &AeadKey) -> Box<dyn sealab_engine::Aead> {
    match key {
        AeadKey::Aes128Gcm(key) => Box::new(Aead(AesGcm::new(key.expose()))),
        AeadKey::Aes256Gcm(key) => Box::new(Aead(AesGcm::new(key.expose()))),
        AeadKey::ChaCha20Poly1305(key) => Box::new(Aead(ChaCha20Poly1305::new(*key.expose()))),
    }
}

impl<A: Algorithm> Aead<A> {
    fn open_each(
        &self,
        messages: Messages<'_>,
        mut data: InOutBuf<'_, '_, u8>,
        tags: &[Tag],
    ) -> Result<(), EngineError> {
        for (index, ((range, nonce, associated_data), tag)) in messages.iter().zip(tags).enumerate() {
            let (message, rest) = data.split_at(range.len());
            self.0
                .decrypt(
                    &nonce.0,
                    associated_data,
                    message.into_out_with_copied_in(),
                    &tag.0,
                )
                .map_err(|_| EngineError::Unauthentic { index })?;
            data = rest;
        }
        Ok(())
    }
}

impl<A: Algorithm> sealab_engine::Aead for Aead<A> {
    fn seal(
        &mut self,
        messages: Messages<'_>,
        mut data: InOutBuf<'_, '_, u8>,
        tags: &mut [Tag],
    ) -> Result<(), EngineError> {
        messages.check(&data, tags)?;
        for ((range, nonce, associated_data), tag) in messages.iter().zip(tags) {
            let (message, rest) = data.split_at(range.len());
            self.0.encrypt(
                &nonce.0,
                associated_data,
                message.into_out_with_copied_in(),
                &mut tag.0,
            );
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
            // graviola clears the message that failed; those before it are ours to clear.
            data.get_out().fill(0);
        }
        opened
    }
}
