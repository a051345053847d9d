//! An AEAD per unit. Trailer: tag, then nonce, 28 bytes. Associated data: the unit's number, 64 bits little-endian.
//!
//! Nonces are deterministic (RFC 5116, section 3.2): the sealer's lane as the fixed field, then a counter that never
//! goes back while the sealer lives.

use sealab_engine::{
    Aead, AeadKey, Engine, EngineError, InOutBuf, NONCE_BYTES, Nonce, Primitive, TAG_BYTES, Tag,
};
use zeroize::Zeroizing;

use crate::batches::{BATCH, for_each_batch};
use crate::{Format, Plane, Protection, Sealer, Secret, Units};

pub(crate) static AES_128_GCM: AeadFormat = AeadFormat {
    primitives: &[Primitive::Aes128Gcm],
};
pub(crate) static AES_256_GCM: AeadFormat = AeadFormat {
    primitives: &[Primitive::Aes256Gcm],
};
pub(crate) static CHACHA20_POLY1305: AeadFormat = AeadFormat {
    primitives: &[Primitive::ChaCha20Poly1305],
};

const TRAILER_BYTES: usize = TAG_BYTES + NONCE_BYTES;
const NUMBER_BYTES: usize = 8;

pub(crate) struct AeadFormat {
    primitives: &'static [Primitive; 1],
}

impl Format for AeadFormat {
    fn id(&self) -> &'static str {
        self.primitives[0].id()
    }

    fn title(&self) -> &'static str {
        match self.primitives[0] {
            Primitive::Aes128Gcm => "AES-128-GCM per unit, bound to the unit's number",
            Primitive::Aes256Gcm => "AES-256-GCM per unit, bound to the unit's number",
            _ => "ChaCha20-Poly1305 per unit, bound to the unit's number",
        }
    }

    fn planes(&self) -> &'static [Plane] {
        &Plane::ALL
    }

    fn primitives(&self) -> &'static [Primitive] {
        self.primitives
    }

    fn protection(&self) -> Protection {
        Protection::ConfidentialityAndIntegrity
    }

    fn trailer_bytes(&self) -> usize {
        TRAILER_BYTES
    }

    fn sealer(
        &self,
        engine: &dyn Engine,
        secret: &Secret,
        lane: u32,
    ) -> Result<Box<dyn Sealer>, EngineError> {
        let bytes = Zeroizing::new(secret.cipher_key::<32>());
        let length = if self.primitives[0] == Primitive::Aes128Gcm {
            16
        } else {
            32
        };
        let key =
            AeadKey::new(self.primitives[0], &bytes[..length]).map_err(|error| EngineError::Library {
                call: "AeadKey::new",
                detail: error.to_string(),
            })?;
        Ok(Box::new(AeadSealer {
            aead: engine.aead(&key)?,
            lane,
            sealed: 0,
            nonces: [Nonce([0; NONCE_BYTES]); BATCH],
            tags: [Tag([0; TAG_BYTES]); BATCH],
            numbers: [[0; NUMBER_BYTES]; BATCH],
        }))
    }
}

struct AeadSealer {
    aead: Box<dyn Aead>,
    lane: u32,
    /// Messages sealed so far: the next nonce's counter.
    sealed: u64,
    nonces: [Nonce; BATCH],
    tags: [Tag; BATCH],
    numbers: [[u8; NUMBER_BYTES]; BATCH],
}

impl AeadSealer {
    fn number(&mut self, batch: Units<'_>) {
        for (bytes, number) in self.numbers.iter_mut().zip(batch.first..).take(batch.count()) {
            *bytes = number.to_le_bytes();
        }
    }
}

impl Sealer for AeadSealer {
    fn seal(
        &mut self,
        units: Units<'_>,
        data: InOutBuf<'_, '_, u8>,
        trailers: &mut [u8],
    ) -> Result<(), EngineError> {
        units.check(data.len(), trailers.len(), TRAILER_BYTES)?;
        for_each_batch(units, data, |batch, data, start| {
            let count = batch.count();
            for nonce in &mut self.nonces[..count] {
                nonce.0[..4].copy_from_slice(&self.lane.to_be_bytes());
                nonce.0[4..].copy_from_slice(&self.sealed.to_be_bytes());
                self.sealed += 1;
            }
            self.number(batch);
            let messages = batch.messages(&self.nonces[..count], self.numbers[..count].as_flattened())?;
            self.aead.seal(messages, data, &mut self.tags[..count])?;
            let trailers = trailers[start * TRAILER_BYTES..].chunks_exact_mut(TRAILER_BYTES);
            for ((trailer, tag), nonce) in trailers.zip(&self.tags[..count]).zip(&self.nonces) {
                trailer[..TAG_BYTES].copy_from_slice(&tag.0);
                trailer[TAG_BYTES..].copy_from_slice(&nonce.0);
            }
            Ok(())
        })
    }

    fn open(
        &mut self,
        units: Units<'_>,
        data: InOutBuf<'_, '_, u8>,
        trailers: &[u8],
    ) -> Result<(), EngineError> {
        units.check(data.len(), trailers.len(), TRAILER_BYTES)?;
        for_each_batch(units, data, |batch, data, start| {
            let count = batch.count();
            let trailers = trailers[start * TRAILER_BYTES..].chunks_exact(TRAILER_BYTES);
            for ((trailer, tag), nonce) in trailers.zip(&mut self.tags[..count]).zip(&mut self.nonces) {
                tag.0.copy_from_slice(&trailer[..TAG_BYTES]);
                nonce.0.copy_from_slice(&trailer[TAG_BYTES..]);
            }
            self.number(batch);
            let messages = batch.messages(&self.nonces[..count], self.numbers[..count].as_flattened())?;
            self.aead.open(messages, data, &self.tags[..count])
        })
    }
}
