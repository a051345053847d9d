//! AES-256-CTR, then HMAC-SHA-256 over the ciphertext (encrypt-then-MAC), per unit, under independent keys.
//!
//! Trailer: the 32-byte code, then the 12 varying bytes of the first counter block (lane and message counter; the
//! block counter starts at 0), 44 bytes. The code covers the unit's number, those 12 bytes and the ciphertext, each of
//! fixed length but the last, so no two inputs read alike.

use sealab_engine::{
    Ctr, CtrKey, Engine, EngineError, HmacSha256, InOutBuf, Key, MacKey, NONCE_BYTES, Primitive,
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::batches::for_each_batch;
use crate::{Format, Plane, Protection, Sealer, Secret, Units};

const CODE_BYTES: usize = 32;
const TRAILER_BYTES: usize = CODE_BYTES + NONCE_BYTES;

pub(crate) struct CtrHmac;

impl Format for CtrHmac {
    fn id(&self) -> &'static str {
        "aes-256-ctr-hmac-sha256"
    }

    fn title(&self) -> &'static str {
        "AES-256-CTR, then HMAC-SHA-256, per unit, bound to the unit's number"
    }

    fn planes(&self) -> &'static [Plane] {
        &Plane::ALL
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[Primitive::Aes256Ctr, Primitive::HmacSha256]
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
        let cipher_key = Zeroizing::new(secret.cipher_key());
        Ok(Box::new(CtrHmacSealer {
            ctr: engine.ctr(&CtrKey(Key::new(&cipher_key)))?,
            mac: engine.hmac_sha256(&MacKey::new(secret.mac_key()))?,
            lane,
            sealed: 0,
        }))
    }
}

struct CtrHmacSealer {
    ctr: Box<dyn Ctr>,
    mac: Box<dyn HmacSha256>,
    lane: u32,
    /// Units sealed so far: the next nonce's counter.
    sealed: u64,
}

fn initial_counter(nonce: &[u8]) -> [u8; 16] {
    let mut block = [0; 16];
    block[..NONCE_BYTES].copy_from_slice(nonce);
    block
}

impl Sealer for CtrHmacSealer {
    fn seal(
        &mut self,
        units: Units<'_>,
        data: InOutBuf<'_, '_, u8>,
        trailers: &mut [u8],
    ) -> Result<(), EngineError> {
        units.check(data.len(), trailers.len(), TRAILER_BYTES)?;
        for_each_batch(units, data, |batch, mut rest, start| {
            let trailers = trailers[start * TRAILER_BYTES..].chunks_exact_mut(TRAILER_BYTES);
            for ((length, number), trailer) in batch.iter_lengths().zip(batch.first..).zip(trailers) {
                let (mut unit, tail) = rest.split_at(length);
                rest = tail;
                let (code, nonce) = trailer.split_at_mut(CODE_BYTES);
                nonce[..4].copy_from_slice(&self.lane.to_be_bytes());
                nonce[4..].copy_from_slice(&self.sealed.to_be_bytes());
                self.sealed += 1;
                self.ctr.apply(&initial_counter(nonce), unit.reborrow())?;
                code.copy_from_slice(
                    &self
                        .mac
                        .compute(&[&number.to_le_bytes(), nonce, unit.get_out()])?,
                );
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
        for_each_batch(units, data, |batch, mut rest, start| {
            let trailers = trailers[start * TRAILER_BYTES..].chunks_exact(TRAILER_BYTES);
            let numbered = batch.iter_lengths().zip(batch.first..).zip(trailers);
            for (index, ((length, number), trailer)) in numbered.enumerate() {
                let (unit, tail) = rest.split_at(length);
                rest = tail;
                let (code, nonce) = trailer.split_at(CODE_BYTES);
                let computed = self.mac.compute(&[&number.to_le_bytes(), nonce, unit.get_in()])?;
                if !bool::from(computed.ct_eq(code)) {
                    return Err(EngineError::Unauthentic { index });
                }
                self.ctr.apply(&initial_counter(nonce), unit)?;
            }
            Ok(())
        })
    }
}
