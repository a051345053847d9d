//! A layer in chunks, and the opening of its chunks in any order.

use sealab_engine::{Aead, AeadKey, Ctr, Engine, EngineError, InOutBuf, Messages, TAG_BYTES, Tag};
use subtle::ConstantTimeEq;

use super::keys::{ChunkKeys, derive};
use super::stream_cipher::nonce;
use super::{CHUNK_BYTES, ChunkTable, StreamCipher};
use crate::Error;
use crate::ocicrypt::LayerKey;

pub(super) const TAGS_PURPOSE: &str = "sealab ocicrypt-seekable v1 aes-256-gcm";

/// What opens a layer's chunks, all keys checked against what commits to them.
#[derive(Debug)]
pub(crate) struct ChunkedLayer {
    kind: Kind,
    chunk_bytes: u32,
    layer_bytes: u64,
}

#[derive(Debug)]
enum Kind {
    Tagged {
        layer: LayerKey,
        tag_key: AeadKey,
        tags: Vec<Tag>,
    },
    Stream(AeadKey),
}

/// The length of a STREAM whose layer has `layer_bytes`.
pub(crate) fn stream_bytes(layer_bytes: u64) -> u64 {
    let chunks = layer_bytes.div_ceil(u64::from(CHUNK_BYTES)).max(1);
    layer_bytes + chunks * TAG_BYTES as u64
}

impl ChunkedLayer {
    /// A layer of `stored_bytes` with its tag table.
    pub(crate) fn tagged(layer: &LayerKey, table: ChunkTable, stored_bytes: u64) -> Result<Self, Error> {
        if table.layer_bytes != stored_bytes {
            return Err(Error::malformed(
                "the chunk table",
                format!(
                    "it is for a layer of {} bytes; the layer has {stored_bytes}",
                    table.layer_bytes
                ),
            ));
        }
        let keys = derive(layer, TAGS_PURPOSE, table.chunk_bytes, stored_bytes)?;
        committed(&keys, &table.commitment)?;
        Ok(Self {
            kind: Kind::Tagged {
                layer: layer.clone(),
                tag_key: AeadKey::Aes256Gcm(keys.key),
                tags: table.tags,
            },
            chunk_bytes: table.chunk_bytes,
            layer_bytes: stored_bytes,
        })
    }

    /// A STREAM of `stored_bytes`.
    pub(crate) fn stream(
        cipher: StreamCipher,
        layer: &LayerKey,
        commitment: &[u8; 32],
        stored_bytes: u64,
    ) -> Result<Self, Error> {
        let chunks = stored_bytes.div_ceil(u64::from(CHUNK_BYTES) + TAG_BYTES as u64);
        let layer_bytes = stored_bytes
            .checked_sub(chunks * TAG_BYTES as u64)
            .filter(|bytes| stream_bytes(*bytes) == stored_bytes)
            .ok_or_else(|| {
                Error::malformed(
                    "the layer",
                    format!("no stream of chunks has {stored_bytes} bytes: it was cut"),
                )
            })?;
        let keys = derive(layer, cipher.name(), CHUNK_BYTES, layer_bytes)?;
        committed(&keys, commitment)?;
        Ok(Self {
            kind: Kind::Stream(cipher.key(keys.key)),
            chunk_bytes: CHUNK_BYTES,
            layer_bytes,
        })
    }

    pub(crate) fn layer_bytes(&self) -> u64 {
        self.layer_bytes
    }

    pub(crate) fn chunk_bytes(&self) -> u64 {
        u64::from(self.chunk_bytes)
    }

    /// How many chunks there are; an empty layer has one in a STREAM and none with tags.
    pub(super) fn chunks(&self) -> u64 {
        let chunks = self.layer_bytes.div_ceil(self.chunk_bytes());
        match self.kind {
            Kind::Tagged { .. } => chunks,
            Kind::Stream(_) => chunks.max(1),
        }
    }

    /// The length of a chunk's plaintext, in bytes.
    pub(crate) fn plain_bytes(&self, chunk: u64) -> usize {
        let start = chunk.saturating_mul(self.chunk_bytes());
        self.layer_bytes.saturating_sub(start).min(self.chunk_bytes()) as usize
    }

    /// What each chunk is longer by as it is stored, in bytes.
    pub(crate) fn extra_bytes(&self) -> usize {
        match self.kind {
            Kind::Tagged { .. } => 0,
            Kind::Stream(_) => TAG_BYTES,
        }
    }

    /// Where a chunk is stored.
    pub(crate) fn stored_at(&self, chunk: u64) -> u64 {
        chunk * (self.chunk_bytes() + self.extra_bytes() as u64)
    }

    pub(crate) fn opener(&self, engine: &dyn Engine) -> Result<Opener<'_>, EngineError> {
        let (aead, ctr) = match &self.kind {
            Kind::Tagged { layer, tag_key, .. } => (engine.aead(tag_key)?, Some(layer.ctr(engine)?)),
            Kind::Stream(key) => (engine.aead(key)?, None),
        };
        Ok(Opener {
            layer: self,
            aead,
            ctr,
        })
    }
}

fn committed(keys: &ChunkKeys, commitment: &[u8; 32]) -> Result<(), Error> {
    if bool::from(keys.commitment.ct_eq(commitment)) {
        return Ok(());
    }
    Err(Error::unauthentic(
        "the layer's chunks",
        "they are not for this key, or the layer was cut or lengthened: what commits to them does not hold",
    ))
}

/// Opens chunks in any order; belongs to one thread at a time.
pub(crate) struct Opener<'l> {
    layer: &'l ChunkedLayer,
    aead: Box<dyn Aead>,
    ctr: Option<Box<dyn Ctr>>,
}

impl Opener<'_> {
    /// Verifies a chunk as it is stored and decrypts it in place; its plaintext is then at the front. A chunk that does
    /// not hold is left encrypted or zeros.
    pub(crate) fn open(&mut self, chunk: u64, stored: &mut [u8]) -> Result<(), Error> {
        let plain_bytes = self.layer.plain_bytes(chunk);
        if chunk >= self.layer.chunks() || stored.len() != plain_bytes + self.layer.extra_bytes() {
            return Err(Error::malformed(
                format!("chunk {chunk}"),
                format!(
                    "{} bytes were read; the layer has not this chunk in this length",
                    stored.len()
                ),
            ));
        }
        let opened = match (&self.layer.kind, &mut self.ctr) {
            (Kind::Tagged { layer, tags, .. }, Some(ctr)) => {
                let nonces = [nonce(chunk, false)];
                let messages = Messages::equal(0, &nonces, stored)?;
                let tags = [tags[chunk as usize]];
                let nothing = InOutBuf::from(&mut [][..]);
                self.aead.open(messages, nothing, &tags).and_then(|()| {
                    let counter = layer.counter(chunk * self.layer.chunk_bytes());
                    ctr.apply(&counter, InOutBuf::from(stored))
                })
            }
            _ => {
                let (data, tag) = stored.split_at_mut(plain_bytes);
                let mut tags = [Tag([0; TAG_BYTES])];
                tags[0].0.copy_from_slice(tag);
                let nonces = [nonce(chunk, chunk + 1 == self.layer.chunks())];
                let messages = Messages::equal(plain_bytes, &nonces, &[])?;
                self.aead.open(messages, InOutBuf::from(data), &tags)
            }
        };
        opened.map_err(|error| match error {
            EngineError::Unauthentic { .. } => Error::unauthentic(
                format!(
                    "chunk {chunk}, from byte {} of the layer",
                    chunk * self.layer.chunk_bytes()
                ),
                "its tag does not hold: it was changed, or it stands elsewhere in a layer",
            ),
            other => other.into(),
        })
    }
}
