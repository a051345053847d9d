//! AES-256-CTR, then HMAC-SHA-256 over the ciphertext under the same key.
//!
//! An engine's HMAC takes its input in one call, so the ciphertext of a whole layer must be there, in memory or mapped.
//! Decryption is piece by piece: from a [`Verified`] layer any part is read in memory of the reader's own size.

use std::fmt;
use std::io;

use sealab_engine::{Ctr, CtrKey, Engine, EngineError, HmacSha256, InOutBuf, Key, MacKey};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::LayerError;

/// The length of a nonce, which is the whole first counter block, in bytes.
pub const NONCE_BYTES: usize = 16;
/// The length of a layer's code, in bytes.
pub const CODE_BYTES: usize = 32;

const BLOCK: usize = 16;

/// What a layer is sealed with: a key and a nonce, both for this layer alone.
#[derive(Clone)]
pub struct LayerKey {
    key: Key<32>,
    nonce: [u8; NONCE_BYTES],
}

impl LayerKey {
    /// A given key and nonce.
    pub fn new(key: &[u8; 32], nonce: &[u8; NONCE_BYTES]) -> Self {
        Self {
            key: Key::new(key),
            nonce: *nonce,
        }
    }

    /// A new key and nonce from the operating system's random numbers.
    pub fn generate() -> Result<Self, EngineError> {
        let mut key = Zeroizing::new([0; 32]);
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(key.as_mut_slice())
            .and_then(|()| getrandom::fill(&mut nonce))
            .map_err(|error| EngineError::Library {
                call: "getrandom",
                detail: error.to_string(),
            })?;
        Ok(Self::new(&key, &nonce))
    }

    /// The key itself.
    pub fn expose(&self) -> &[u8; 32] {
        self.key.expose()
    }

    /// The nonce.
    pub fn nonce(&self) -> &[u8; NONCE_BYTES] {
        &self.nonce
    }

    /// The counter mode under the key.
    pub(crate) fn ctr(&self, engine: &dyn Engine) -> Result<Box<dyn Ctr>, EngineError> {
        engine.ctr(&CtrKey(self.key.clone()))
    }

    /// HMAC-SHA-256 under the key.
    pub(crate) fn mac(&self, engine: &dyn Engine) -> Result<Box<dyn HmacSha256>, EngineError> {
        engine.hmac_sha256(&MacKey::new(self.key.expose()))
    }

    /// The counter block for the byte at `offset`, a multiple of 16.
    pub(crate) fn counter(&self, offset: u64) -> [u8; NONCE_BYTES] {
        let first = u128::from_be_bytes(self.nonce);
        first
            .wrapping_add(u128::from(offset / BLOCK as u64))
            .to_be_bytes()
    }
}

impl fmt::Debug for LayerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LayerKey(secret)")
    }
}

/// The cipher of one layer. Belongs to one thread at a time.
pub struct LayerCipher {
    ctr: Box<dyn Ctr>,
    mac: Box<dyn HmacSha256>,
    nonce: u128,
}

impl LayerCipher {
    /// The cipher under a layer's key and nonce.
    pub fn new(engine: &dyn Engine, key: &LayerKey) -> Result<Self, EngineError> {
        Ok(Self {
            ctr: key.ctr(engine)?,
            mac: key.mac(engine)?,
            nonce: u128::from_be_bytes(key.nonce),
        })
    }

    /// Encrypts a whole layer and gives its code.
    pub fn seal(&mut self, mut data: InOutBuf<'_, '_, u8>) -> Result<[u8; CODE_BYTES], EngineError> {
        self.ctr.apply(&self.nonce.to_be_bytes(), data.reborrow())?;
        self.mac.compute(&[data.get_out()])
    }

    /// Verifies a whole layer, then decrypts it. Where the code does not hold, nothing is written.
    pub fn open(&mut self, code: &[u8; CODE_BYTES], data: InOutBuf<'_, '_, u8>) -> Result<(), LayerError> {
        self.check(code, data.get_in())?;
        Ok(self.ctr.apply(&self.nonce.to_be_bytes(), data)?)
    }

    /// Verifies a whole layer, whose parts can then be read. `ciphertext` must not change until then: a mapped file
    /// that others may write to is no layer that was verified.
    pub fn verify<'a>(
        &'a mut self,
        code: &[u8; CODE_BYTES],
        ciphertext: &'a [u8],
    ) -> Result<Verified<'a>, LayerError> {
        self.check(code, ciphertext)?;
        Ok(Verified {
            cipher: self,
            ciphertext,
            position: 0,
        })
    }

    fn check(&mut self, code: &[u8; CODE_BYTES], ciphertext: &[u8]) -> Result<(), LayerError> {
        if bool::from(self.mac.compute(&[ciphertext])?.ct_eq(code)) {
            Ok(())
        } else {
            Err(LayerError::Unauthentic)
        }
    }

    /// Decrypts `input`, which stands `offset` bytes into the layer.
    fn decrypt_at(&mut self, offset: usize, input: &[u8], output: &mut [u8]) -> Result<(), EngineError> {
        let within = offset % BLOCK;
        let counter = self.nonce.wrapping_add((offset / BLOCK) as u128);
        let mut start = 0;
        if within != 0 {
            // The rest of a block whose start belongs to what was read before.
            start = input.len().min(BLOCK - within);
            let mut block = Zeroizing::new([0; BLOCK]);
            block[within..within + start].copy_from_slice(&input[..start]);
            self.ctr
                .apply(&counter.to_be_bytes(), InOutBuf::from(block.as_mut_slice()))?;
            output[..start].copy_from_slice(&block[within..within + start]);
        }
        let (input, output) = (&input[start..], &mut output[start..]);
        let counter = counter.wrapping_add(u128::from(within != 0));
        let data = InOutBuf::new(input, output).map_err(|_| EngineError::Length {
            what: "the output of a layer",
            found: input.len(),
            expected: "as long as the input".to_owned(),
        })?;
        self.ctr.apply(&counter.to_be_bytes(), data)
    }
}

/// A layer whose code holds. Reads as its plaintext, from any place.
pub struct Verified<'a> {
    cipher: &'a mut LayerCipher,
    ciphertext: &'a [u8],
    position: usize,
}

impl Verified<'_> {
    /// The length of the layer, in bytes.
    pub fn length(&self) -> usize {
        self.ciphertext.len()
    }

    /// Decrypts what stands at `offset` into `output`, as much as there is; says how much that was.
    pub fn read_at(&mut self, offset: usize, output: &mut [u8]) -> Result<usize, EngineError> {
        let rest = self.ciphertext.get(offset..).unwrap_or_default();
        let length = rest.len().min(output.len());
        self.cipher
            .decrypt_at(offset, &rest[..length], &mut output[..length])?;
        Ok(length)
    }
}

impl io::Read for Verified<'_> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        let length = self.read_at(self.position, output).map_err(io::Error::other)?;
        self.position += length;
        Ok(length)
    }
}
