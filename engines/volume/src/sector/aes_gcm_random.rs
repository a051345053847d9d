//! `aes-gcm-random` (dm-crypt's `capi:gcm(aes)-random`, dm-integrity for the metadata), as `cryptsetup luksFormat --cipher
//! aes-gcm-random --integrity aead` sets it up.
//!
//! Every write of a sector draws a nonce of 96 random bits. The associated data are the sector's number (64 bits
//! little-endian) and the nonce, the metadata the tag and then the nonce, 28 bytes. After 2^32 writes two nonces are equal
//! with a chance of 2^-33 (NIST SP 800-38D, section 8.3, allows no more): 16 TiB written with sectors of 4096 bytes.

use sealab_engine::{
    Aead, AeadKey, Engine, EngineError, InOutBuf, Messages, NONCE_BYTES, Nonce, Primitive, TAG_BYTES, Tag,
};

use super::batches::{Stored, batches};
use super::{BATCH, SectorCipher, SectorError, SectorSize};

const METADATA_BYTES: usize = TAG_BYTES + NONCE_BYTES;
const NUMBER_BYTES: usize = 8;
const ASSOCIATED_BYTES: usize = NUMBER_BYTES + NONCE_BYTES;

/// dm-crypt's `aes-gcm-random` with a volume key of 256 bits.
pub struct AesGcmRandom {
    aead: Box<dyn Aead>,
    size: SectorSize,
    nonces: [Nonce; BATCH],
    tags: [Tag; BATCH],
    associated: [[u8; ASSOCIATED_BYTES]; BATCH],
}

impl AesGcmRandom {
    /// The cipher under a volume key.
    pub fn new(engine: &dyn Engine, key: &[u8; 32], size: SectorSize) -> Result<Self, SectorError> {
        Ok(Self {
            aead: engine.aead(&AeadKey::new(Primitive::Aes256Gcm, key)?)?,
            size,
            nonces: [Nonce([0; NONCE_BYTES]); BATCH],
            tags: [Tag([0; TAG_BYTES]); BATCH],
            associated: [[0; ASSOCIATED_BYTES]; BATCH],
        })
    }

    /// As [`SectorCipher::encrypt`], with the given nonces, one a sector. Only to compute known values again: a nonce
    /// used twice under a key gives both sectors and the authentication key away.
    pub fn encrypt_with_nonces(
        &mut self,
        first: u64,
        nonces: &[Nonce],
        data: &mut [u8],
        metadata: &mut [u8],
    ) -> Result<(), SectorError> {
        let count = self.check(first, data.len(), metadata)?;
        if nonces.len() != count {
            return Err(SectorError::Length {
                what: "the list of nonces",
                found: nonces.len() * NONCE_BYTES,
                expected: format!("{NONCE_BYTES} for each of {count} sectors"),
            });
        }
        for (sector, nonce) in metadata.chunks_exact_mut(METADATA_BYTES).zip(nonces) {
            sector[TAG_BYTES..].copy_from_slice(&nonce.0);
        }
        self.seal(first, InOutBuf::from(data), metadata)
    }

    fn check(&self, first: u64, data: usize, metadata: &[u8]) -> Result<usize, SectorError> {
        self.size.count(first, data, metadata.len(), METADATA_BYTES)
    }

    /// Encrypts sectors with the nonces that stand in their metadata.
    fn seal(
        &mut self,
        first: u64,
        data: InOutBuf<'_, '_, u8>,
        metadata: &mut [u8],
    ) -> Result<(), SectorError> {
        let bytes = self.size.bytes();
        for (place, data) in batches(data, self.size, BATCH, Some(Stored::Output)) {
            let count = data.len() / bytes;
            let metadata = &mut metadata[place * METADATA_BYTES..][..count * METADATA_BYTES];
            for (sector, nonce) in metadata.chunks_exact(METADATA_BYTES).zip(&mut self.nonces) {
                nonce.0.copy_from_slice(&sector[TAG_BYTES..]);
            }
            self.associate(self.size.number(first, place), count);
            let messages = Messages::equal(
                bytes,
                &self.nonces[..count],
                self.associated[..count].as_flattened(),
            )?;
            self.aead.seal(messages, data, &mut self.tags[..count])?;
            for (sector, tag) in metadata.chunks_exact_mut(METADATA_BYTES).zip(&self.tags) {
                sector[..TAG_BYTES].copy_from_slice(&tag.0);
            }
        }
        Ok(())
    }

    /// Writes the associated data of a batch of sectors whose nonces are set.
    fn associate(&mut self, first: u64, count: usize) {
        let sectors = self.associated[..count].iter_mut().zip(&self.nonces);
        for (index, (associated, nonce)) in sectors.enumerate() {
            let number = self.size.number(first, index);
            associated[..NUMBER_BYTES].copy_from_slice(&number.to_le_bytes());
            associated[NUMBER_BYTES..].copy_from_slice(&nonce.0);
        }
    }
}

impl SectorCipher for AesGcmRandom {
    fn sector_size(&self) -> SectorSize {
        self.size
    }

    fn metadata_bytes(&self) -> usize {
        METADATA_BYTES
    }

    fn encrypt_inout(
        &mut self,
        first: u64,
        data: InOutBuf<'_, '_, u8>,
        metadata: &mut [u8],
    ) -> Result<(), SectorError> {
        self.check(first, data.len(), metadata)?;
        // All of them before the output is touched: without random numbers nothing has happened.
        for metadata in metadata.chunks_mut(METADATA_BYTES * BATCH) {
            let sectors = metadata.chunks_exact_mut(METADATA_BYTES);
            let mut random = [0; NONCE_BYTES * BATCH];
            let random = &mut random[..NONCE_BYTES * sectors.len()];
            getrandom::fill(random).map_err(|error| EngineError::Library {
                call: "getrandom",
                detail: error.to_string(),
            })?;
            for (sector, nonce) in sectors.zip(random.chunks_exact(NONCE_BYTES)) {
                sector[TAG_BYTES..].copy_from_slice(nonce);
            }
        }
        self.seal(first, data, metadata)
    }

    fn decrypt_inout(
        &mut self,
        first: u64,
        data: InOutBuf<'_, '_, u8>,
        metadata: &[u8],
    ) -> Result<(), SectorError> {
        self.check(first, data.len(), metadata)?;
        let bytes = self.size.bytes();
        for (place, data) in batches(data, self.size, BATCH, Some(Stored::Input)) {
            let count = data.len() / bytes;
            let metadata = &metadata[place * METADATA_BYTES..][..count * METADATA_BYTES];
            let sectors = metadata.chunks_exact(METADATA_BYTES);
            for ((sector, tag), nonce) in sectors.zip(&mut self.tags).zip(&mut self.nonces) {
                tag.0.copy_from_slice(&sector[..TAG_BYTES]);
                nonce.0.copy_from_slice(&sector[TAG_BYTES..]);
            }
            let first = self.size.number(first, place);
            self.associate(first, count);
            let messages = Messages::equal(
                bytes,
                &self.nonces[..count],
                self.associated[..count].as_flattened(),
            )?;
            match self.aead.open(messages, data, &self.tags[..count]) {
                Err(EngineError::Unauthentic { index }) => {
                    let number = self.size.number(first, index);
                    return Err(SectorError::Unauthentic { number });
                }
                other => other?,
            }
        }
        Ok(())
    }
}
