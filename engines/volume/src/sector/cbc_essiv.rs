//! `aes-cbc-essiv:sha256` with a volume key of 256 bits: AES-256-CBC, the IV being the sector's number (as plain64 pads
//! it) encrypted under the SHA-256 of the volume key.
//!
//! Built from the engine's block cipher. Chaining makes encryption serial within a sector, so block after block is done
//! for a whole batch of sectors at once; decryption has no chain and is one call a batch.

use sealab_engine::{BlockCipher, BlockKey, Engine, InOutBuf, Key, Tweak};
use zeroize::Zeroizing;

use super::batches::batches;
use super::{BATCH, SectorCipher, SectorError, SectorSize};

const BLOCK: usize = 16;
/// What decryption keeps of the ciphertext at a time, small enough for the cache.
const SCRATCH_BYTES: usize = 64 << 10;

/// dm-crypt's `aes-cbc-essiv:sha256`. Nothing is authenticated, and who changes a block of ciphertext chooses bits of the
/// block after it.
pub struct CbcEssiv {
    cipher: Box<dyn BlockCipher>,
    iv_cipher: Box<dyn BlockCipher>,
    size: SectorSize,
    /// The IV of each sector of a batch, then in encryption the block before.
    chain: [[u8; BLOCK]; BATCH],
    ciphertext: Vec<u8>,
}

impl CbcEssiv {
    /// The cipher under a volume key.
    pub fn new(engine: &dyn Engine, key: &[u8; 32], size: SectorSize) -> Result<Self, SectorError> {
        let digest = Zeroizing::new(engine.sha256()?.digest(&[key])?);
        Ok(Self {
            cipher: engine.block_cipher(&BlockKey(Key::new(key)))?,
            iv_cipher: engine.block_cipher(&BlockKey(Key::new(&digest)))?,
            size,
            chain: [[0; BLOCK]; BATCH],
            ciphertext: vec![0; size.bytes() * (SCRATCH_BYTES / size.bytes()).min(BATCH)],
        })
    }

    /// How many sectors are a batch, at most [`BATCH`].
    fn batch_sectors(&self) -> usize {
        self.ciphertext.len() / self.size.bytes()
    }

    fn set_ivs(&mut self, first: u64, count: usize) -> Result<(), SectorError> {
        let ivs = &mut self.chain[..count];
        for (index, iv) in ivs.iter_mut().enumerate() {
            *iv = Tweak::plain64(self.size.number(first, index)).0;
        }
        Ok(self
            .iv_cipher
            .encrypt_blocks(InOutBuf::from(ivs.as_flattened_mut()))?)
    }
}

fn xor(block: &mut [u8], other: &[u8]) {
    for (byte, other) in block.iter_mut().zip(other) {
        *byte ^= other;
    }
}

impl SectorCipher for CbcEssiv {
    fn sector_size(&self) -> SectorSize {
        self.size
    }

    fn metadata_bytes(&self) -> usize {
        0
    }

    fn encrypt_inout(
        &mut self,
        first: u64,
        data: InOutBuf<'_, '_, u8>,
        metadata: &mut [u8],
    ) -> Result<(), SectorError> {
        self.size.count(first, data.len(), metadata.len(), 0)?;
        let bytes = self.size.bytes();
        for (place, mut data) in batches(data, self.size, self.batch_sectors(), None) {
            let count = data.len() / bytes;
            self.set_ivs(self.size.number(first, place), count)?;
            for offset in (0..bytes).step_by(BLOCK) {
                let chain = &mut self.chain[..count];
                for (block, sector) in chain.iter_mut().zip(data.get_in().chunks_exact(bytes)) {
                    xor(block, &sector[offset..offset + BLOCK]);
                }
                self.cipher
                    .encrypt_blocks(InOutBuf::from(chain.as_flattened_mut()))?;
                for (block, sector) in chain.iter().zip(data.get_out().chunks_exact_mut(bytes)) {
                    sector[offset..offset + BLOCK].copy_from_slice(block);
                }
            }
        }
        Ok(())
    }

    fn decrypt_inout(
        &mut self,
        first: u64,
        data: InOutBuf<'_, '_, u8>,
        metadata: &[u8],
    ) -> Result<(), SectorError> {
        self.size.count(first, data.len(), metadata.len(), 0)?;
        let bytes = self.size.bytes();
        for (place, mut data) in batches(data, self.size, self.batch_sectors(), None) {
            let count = data.len() / bytes;
            self.set_ivs(self.size.number(first, place), count)?;
            let ciphertext = &mut self.ciphertext[..data.len()];
            ciphertext.copy_from_slice(data.get_in());
            self.cipher.decrypt_blocks(data.reborrow())?;
            let sectors = data
                .get_out()
                .chunks_exact_mut(bytes)
                .zip(ciphertext.chunks_exact(bytes));
            for ((plain, ciphertext), iv) in sectors.zip(&self.chain) {
                let (first_block, rest) = plain.split_at_mut(BLOCK);
                xor(first_block, iv);
                // Each block with the ciphertext of the block before.
                xor(rest, ciphertext);
            }
        }
        Ok(())
    }
}
