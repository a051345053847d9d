//! `aes-gcm-random` (dm-crypt's `capi:gcm(aes)-random`, dm-integrity for the metadata), as `cryptsetup luksFormat --cipher
//! aes-gcm-random --integrity aead` sets it up.
//!
//! Every write of a sector draws a nonce of 96 random bits. The associated data are the sector's number (64 bits
//! little-endian) and the nonce, the metadata the tag and then the nonce, 28 bytes. After 2^32 writes two nonces are equal
//! with a chance of 2^-33 (NIST SP 800-38D, section 8.3, allows no more): 16 TiB written with sectors of 4096 bytes.

use sealab_engine::{
    Aead, AeadKey, Engine, EngineError, InOutBuf, Messages, NONCE_BYTES, Nonce, Primitive, TAG_BYTES, Tag,
};

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
        let count = self.check(first, data, metadata)?;
        if nonces.len() != count {
            return Err(SectorError::Length {
                what: "the list of nonces",
                found: nonces.len() * NONCE_BYTES,
                expected: format!("{NONCE_BYTES} for each of {count} sectors"),
            });
        }
        let mut given = nonces.iter();
        self.encrypt_drawing(first, data, metadata, |nonces| {
            for (nonce, given) in nonces.iter_mut().zip(&mut given) {
                *nonce = *given;
            }
            Ok(())
        })
    }

    fn check(&self, first: u64, data: &[u8], metadata: &[u8]) -> Result<usize, SectorError> {
        self.size.count(first, data.len(), metadata.len(), METADATA_BYTES)
    }

    fn encrypt_drawing(
        &mut self,
        first: u64,
        data: &mut [u8],
        metadata: &mut [u8],
        mut draw: impl FnMut(&mut [Nonce]) -> Result<(), EngineError>,
    ) -> Result<(), SectorError> {
        let bytes = self.size.bytes();
        let batches = data
            .chunks_mut(bytes * BATCH)
            .zip(metadata.chunks_mut(METADATA_BYTES * BATCH));
        for (batch, (data, metadata)) in batches.enumerate() {
            let count = data.len() / bytes;
            draw(&mut self.nonces[..count])?;
            self.associate(self.size.number(first, batch * BATCH), count);
            let messages = Messages::equal(
                bytes,
                &self.nonces[..count],
                self.associated[..count].as_flattened(),
            )?;
            self.aead
                .seal(messages, InOutBuf::from(data), &mut self.tags[..count])?;
            let sectors = metadata.chunks_exact_mut(METADATA_BYTES);
            for ((sector, tag), nonce) in sectors.zip(&self.tags).zip(&self.nonces) {
                sector[..TAG_BYTES].copy_from_slice(&tag.0);
                sector[TAG_BYTES..].copy_from_slice(&nonce.0);
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

    fn encrypt(&mut self, first: u64, data: &mut [u8], metadata: &mut [u8]) -> Result<(), SectorError> {
        self.check(first, data, metadata)?;
        self.encrypt_drawing(first, data, metadata, |nonces| {
            let mut random = [0; NONCE_BYTES * BATCH];
            let random = &mut random[..NONCE_BYTES * nonces.len()];
            getrandom::fill(random).map_err(|error| EngineError::Library {
                call: "getrandom",
                detail: error.to_string(),
            })?;
            for (nonce, random) in nonces.iter_mut().zip(random.chunks_exact(NONCE_BYTES)) {
                nonce.0.copy_from_slice(random);
            }
            Ok(())
        })
    }

    fn decrypt(&mut self, first: u64, data: &mut [u8], metadata: &[u8]) -> Result<(), SectorError> {
        self.check(first, data, metadata)?;
        let bytes = self.size.bytes();
        let batches = data
            .chunks_mut(bytes * BATCH)
            .zip(metadata.chunks(METADATA_BYTES * BATCH));
        for (batch, (data, metadata)) in batches.enumerate() {
            let count = data.len() / bytes;
            let sectors = metadata.chunks_exact(METADATA_BYTES);
            for ((sector, tag), nonce) in sectors.zip(&mut self.tags).zip(&mut self.nonces) {
                tag.0.copy_from_slice(&sector[..TAG_BYTES]);
                nonce.0.copy_from_slice(&sector[TAG_BYTES..]);
            }
            let first = self.size.number(first, batch * BATCH);
            self.associate(first, count);
            let messages = Messages::equal(
                bytes,
                &self.nonces[..count],
                self.associated[..count].as_flattened(),
            )?;
            match self
                .aead
                .open(messages, InOutBuf::from(data), &self.tags[..count])
            {
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
