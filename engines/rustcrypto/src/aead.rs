//! AES-GCM and ChaCha20-Poly1305, one message at a time.

use chacha20poly1305::aead::{AeadInOut, KeyInit, Nonce as CrateNonce, Tag as CrateTag};
use cipher::{
    array::ArraySize,
    consts::{U12, U16},
};
use inout::InOutBuf;
use sealab_engine::{Aead, EngineError, Messages, Tag};

/// One AEAD of RustCrypto's `aead` traits under one key.
pub(crate) struct Keyed<A>(A);

impl<A: KeyInit> Keyed<A> {
    pub(crate) fn new<const N: usize>(key: &[u8; N]) -> Self
    where
        A::KeySize: ArraySize<ArrayType<u8> = [u8; N]>,
    {
        Self(A::new(key.into()))
    }
}

impl<A> Aead for Keyed<A>
where
    A: AeadInOut<NonceSize = U12, TagSize = U16> + Send,
{
    fn seal(
        &mut self,
        messages: Messages<'_>,
        data: InOutBuf<'_, '_, u8>,
        tags: &mut [Tag],
    ) -> Result<(), EngineError> {
        messages.check(&data, tags)?;
        let mut rest = data;
        for ((range, nonce, associated_data), tag) in messages.iter().zip(tags) {
            let (message, later) = rest.split_at(range.len());
            rest = later;
            let nonce = CrateNonce::<A>::from(nonce.0);
            let sealed = self.0.encrypt_inout_detached(&nonce, associated_data, message);
            tag.0 = sealed
                .map_err(|error| EngineError::Library {
                    call: "encrypt_inout_detached",
                    detail: format!("{error}: {} bytes are too many for one message", range.len()),
                })?
                .into();
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
        let mut rest = data.reborrow();
        let mut failed = None;
        for (index, ((range, nonce, associated_data), tag)) in messages.iter().zip(tags).enumerate() {
            let (message, later) = rest.split_at(range.len());
            rest = later;
            let nonce = CrateNonce::<A>::from(nonce.0);
            let tag = CrateTag::<A>::from(tag.0);
            let opened = self
                .0
                .decrypt_inout_detached(&nonce, associated_data, message, &tag);
            if opened.is_err() {
                failed = Some(index);
                break;
            }
        }
        match failed {
            None => Ok(()),
            Some(index) => {
                data.get_out().fill(0);
                Err(EngineError::Unauthentic { index })
            }
        }
    }
}
