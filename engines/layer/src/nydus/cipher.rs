//! The cipher of a blob's chunks, and the padding of short ones.

use sealab_engine::{DataUnits, Engine, InOutBuf, TWEAK_BYTES as BLOCK, Tweak, Xts};
use zeroize::Zeroize;

use super::{BlobKey, NydusError};

/// The longest chunk, in bytes.
pub const MAX_CHUNK_BYTES: usize = 16 << 20;
/// The length of a stored chunk that had less than 16 bytes.
pub const PADDED_BYTES: usize = BLOCK + MAGIC.len();

/// What follows the padding.
const MAGIC: [u8; 2] = [0x78, 0x90];

/// The length of a chunk as it is stored, in bytes. (Nydus's own function says 16 for a padded one; it stores 18.)
pub fn stored_bytes(plain_bytes: usize) -> usize {
    if plain_bytes < BLOCK {
        PADDED_BYTES
    } else {
        plain_bytes
    }
}

/// Seals and opens the chunks of one blob. Belongs to one thread at a time.
pub struct ChunkCipher {
    xts: Box<dyn Xts>,
    tweak: Tweak,
}

impl ChunkCipher {
    /// The cipher under a blob's key; the engine must have AES-128-XTS.
    pub fn new(engine: &dyn Engine, key: &BlobKey) -> Result<Self, NydusError> {
        Ok(Self {
            xts: engine.xts(&key.key)?,
            tweak: key.tweak,
        })
    }

    /// Seals a chunk of at most [`MAX_CHUNK_BYTES`] into `stored`, whose content is replaced.
    ///
    /// An empty chunk is sealed as Nydus seals it: so that it cannot be opened.
    pub fn seal(&mut self, plain: &[u8], stored: &mut Vec<u8>) -> Result<(), NydusError> {
        if plain.len() > MAX_CHUNK_BYTES {
            return Err(NydusError::Length {
                found: plain.len(),
                expected: "at most 16777216",
            });
        }
        stored.resize(stored_bytes(plain.len()), 0);
        let tweaks = [self.tweak];
        let units = DataUnits::new(stored.len(), &tweaks)?;
        if plain.len() < BLOCK {
            let mut padded = [(BLOCK - plain.len()) as u8; PADDED_BYTES];
            padded[..plain.len()].copy_from_slice(plain);
            padded[BLOCK..].copy_from_slice(&MAGIC);
            let sealed = self.xts.encrypt(units, joined(&padded, stored)?);
            padded.zeroize();
            return Ok(sealed?);
        }
        Ok(self.xts.encrypt(units, joined(plain, stored)?)?)
    }

    /// Opens a stored chunk into `plain`, whose content is replaced, and which is a secret from then on. Whatever was
    /// changed, plaintext comes out: who opens a chunk must compare its digest.
    ///
    /// As Nydus does, a chunk of 18 bytes whose plaintext ends in `78 90` is taken for a padded one whether it was one or
    /// not: the byte before says how many go, and more than 15 is an error.
    pub fn open(&mut self, stored: &[u8], plain: &mut Vec<u8>) -> Result<(), NydusError> {
        if !(BLOCK..=MAX_CHUNK_BYTES).contains(&stored.len()) {
            return Err(NydusError::Length {
                found: stored.len(),
                expected: "16 to 16777216",
            });
        }
        plain.resize(stored.len(), 0);
        let tweaks = [self.tweak];
        let units = DataUnits::new(stored.len(), &tweaks)?;
        self.xts.decrypt(units, joined(stored, plain)?)?;
        if plain[BLOCK..] == MAGIC {
            let padding = plain[BLOCK - 1];
            if usize::from(padding) >= BLOCK {
                plain.zeroize();
                return Err(NydusError::Padding(padding));
            }
            plain[BLOCK - usize::from(padding)..].zeroize();
            plain.truncate(BLOCK - usize::from(padding));
        }
        Ok(())
    }
}

fn joined<'i, 'o>(input: &'i [u8], output: &'o mut [u8]) -> Result<InOutBuf<'i, 'o, u8>, NydusError> {
    let found = output.len();
    InOutBuf::new(input, output).map_err(|_| NydusError::Length {
        found,
        expected: "as many as its input",
    })
}
