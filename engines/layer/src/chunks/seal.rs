//! Making the chunks: tags over ciphertext, and the chunks of a STREAM.

use sealab_engine::{Aead, AeadKey, Engine, InOutBuf, Messages, TAG_BYTES, Tag};

use super::keys::derive;
use super::layer::TAGS_PURPOSE;
use super::stream_cipher::nonce;
use super::table::chunk_bytes_for;
use super::{CHUNK_BYTES, ChunkTable, StreamCipher};
use crate::Error;
use crate::ocicrypt::LayerKey;

/// Makes the tag table of a layer whose ciphertext goes by in order.
pub(crate) struct Tagger {
    aead: Box<dyn Aead>,
    table: ChunkTable,
}

impl Tagger {
    pub(crate) fn new(engine: &dyn Engine, key: &LayerKey, layer_bytes: u64) -> Result<Self, Error> {
        let chunk_bytes = chunk_bytes_for(layer_bytes)?;
        let keys = derive(key, TAGS_PURPOSE, chunk_bytes, layer_bytes)?;
        Ok(Self {
            aead: engine.aead(&AeadKey::Aes256Gcm(keys.key))?,
            table: ChunkTable {
                chunk_bytes,
                layer_bytes,
                commitment: keys.commitment,
                tags: Vec::with_capacity(layer_bytes.div_ceil(u64::from(chunk_bytes)) as usize),
            },
        })
    }

    pub(crate) fn chunk_bytes(&self) -> u32 {
        self.table.chunk_bytes
    }

    /// Takes the next ciphertext: whole chunks, but for the layer's end.
    pub(crate) fn update(&mut self, ciphertext: &[u8]) -> Result<(), Error> {
        for chunk in ciphertext.chunks(self.table.chunk_bytes as usize) {
            let nonces = [nonce(self.table.tags.len() as u64, false)];
            let mut tags = [Tag([0; TAG_BYTES])];
            let nothing = InOutBuf::from(&mut [][..]);
            self.aead
                .seal(Messages::equal(0, &nonces, chunk)?, nothing, &mut tags)?;
            self.table.tags.push(tags[0]);
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> ChunkTable {
        self.table
    }
}

/// Seals the chunks of a STREAM, each as its ciphertext and tag.
pub(crate) struct StreamSealer {
    aead: Box<dyn Aead>,
    commitment: [u8; 32],
    layer_bytes: u64,
}

impl StreamSealer {
    pub(crate) fn new(
        engine: &dyn Engine,
        cipher: StreamCipher,
        key: &LayerKey,
        layer_bytes: u64,
    ) -> Result<Self, Error> {
        let keys = derive(key, cipher.name(), CHUNK_BYTES, layer_bytes)?;
        Ok(Self {
            aead: engine.aead(&cipher.key(keys.key))?,
            commitment: keys.commitment,
            layer_bytes,
        })
    }

    pub(crate) fn commitment(&self) -> [u8; 32] {
        self.commitment
    }

    /// Seals what stands at `offset`, a multiple of the chunk's length: whole chunks, but for the layer's end.
    pub(crate) fn seal(&mut self, offset: u64, plain: &[u8], sealed: &mut Vec<u8>) -> Result<(), Error> {
        let chunk_bytes = CHUNK_BYTES as usize;
        // An empty layer is one empty chunk.
        let chunks = plain
            .len()
            .div_ceil(chunk_bytes)
            .max(usize::from(self.layer_bytes == 0));
        sealed.resize(plain.len() + chunks * TAG_BYTES, 0);
        let mut rest = sealed.as_mut_slice();
        for number in 0..chunks {
            let plain = &plain[number * chunk_bytes..plain.len().min((number + 1) * chunk_bytes)];
            let place = offset + (number * chunk_bytes) as u64;
            let last = place + plain.len() as u64 == self.layer_bytes;
            let nonces = [nonce(place / u64::from(CHUNK_BYTES), last)];
            let mut tags = [Tag([0; TAG_BYTES])];
            let (output, behind) = rest.split_at_mut(plain.len());
            let data = InOutBuf::new(plain, output)
                .map_err(|_| Error::malformed("a chunk", "its input and output differ in length"))?;
            self.aead
                .seal(Messages::equal(plain.len(), &nonces, &[])?, data, &mut tags)?;
            let (tag, behind) = behind.split_at_mut(TAG_BYTES);
            tag.copy_from_slice(&tags[0].0);
            rest = behind;
        }
        Ok(())
    }
}
