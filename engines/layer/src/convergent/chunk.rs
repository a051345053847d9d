//! One chunk: compressed, keyed by what is sealed, sealed; and back.
//!
//! The key follows from the very message that is sealed, not from the plaintext: another version of zstd compresses the
//! same plaintext to other bytes, and two messages under one key and nonce would give both away.

use sealab_engine::{
    AeadKey, Engine, EngineError, HmacSha256, InOutBuf, Key, Messages, NONCE_BYTES, Nonce, TAG_BYTES, Tag,
};
use zeroize::Zeroizing;
use zstd::bulk::{Compressor, Decompressor};

use super::MAX_CHUNK_BYTES;
use super::index::ChunkEntry;
use crate::Error;
use crate::image::Digest;

const LEVEL: i32 = 3;
const RAW: u8 = 0;
const ZSTD: u8 = 1;

/// What a chunk can be longer by as it is stored: how it is packed, and its tag.
const EXTRA_BYTES: usize = 1 + TAG_BYTES;

/// Each key seals one message alone, so one nonce does for all.
const NONCE: [Nonce; 1] = [Nonce([0; NONCE_BYTES])];

/// Whether chunks of `stored` bytes can hold `plain` bytes.
pub(super) fn fits(stored: u32, plain: u32) -> bool {
    let (stored, plain) = (stored as usize, plain as usize);
    (1..=MAX_CHUNK_BYTES).contains(&plain) && (EXTRA_BYTES + 1..=plain + EXTRA_BYTES).contains(&stored)
}

/// Seals chunks; belongs to one thread at a time.
pub(super) struct ChunkSealer<'e> {
    engine: &'e dyn Engine,
    keys: Box<dyn HmacSha256>,
    compressor: Compressor<'static>,
}

impl<'e> ChunkSealer<'e> {
    pub(super) fn new(engine: &'e dyn Engine, keys: Box<dyn HmacSha256>) -> Result<Self, Error> {
        Ok(Self {
            engine,
            keys,
            compressor: Compressor::new(LEVEL).map_err(Error::io("zstd".as_ref()))?,
        })
    }

    /// The chunk as it is stored, and its entry.
    pub(super) fn seal(&mut self, plain: &[u8]) -> Result<(ChunkEntry, Vec<u8>), Error> {
        let mut message = Zeroizing::new(vec![0; 1 + zstd::zstd_safe::compress_bound(plain.len())]);
        message[0] = ZSTD;
        let packed = self
            .compressor
            .compress_to_buffer(plain, &mut message[1..])
            .map_err(Error::io("zstd".as_ref()))?;
        if packed < plain.len() {
            message.truncate(1 + packed);
        } else {
            message.clear();
            message.push(RAW);
            message.extend_from_slice(plain);
        }
        let key = Zeroizing::new(self.keys.compute(&[&message])?);
        let mut stored = vec![0; message.len() + TAG_BYTES];
        let (sealed, tag) = stored.split_at_mut(message.len());
        let mut tags = [Tag([0; TAG_BYTES])];
        let data = InOutBuf::new(&message, sealed)
            .map_err(|_| Error::malformed("a chunk", "its input and output differ in length"))?;
        self.engine.aead(&AeadKey::Aes256Gcm(Key::new(&key)))?.seal(
            Messages::equal(message.len(), &NONCE, &[])?,
            data,
            &mut tags,
        )?;
        tag.copy_from_slice(&tags[0].0);
        let entry = ChunkEntry {
            digest: Digest::of(&stored),
            key,
            stored_bytes: stored.len() as u32,
            plain_bytes: plain.len() as u32,
        };
        Ok((entry, stored))
    }
}

/// Opens chunks; belongs to one thread at a time.
pub(crate) struct ChunkOpener<'e> {
    engine: &'e dyn Engine,
    decompressor: Decompressor<'static>,
}

impl<'e> ChunkOpener<'e> {
    pub(crate) fn new(engine: &'e dyn Engine) -> Result<Self, Error> {
        Ok(Self {
            engine,
            decompressor: Decompressor::new().map_err(Error::io("zstd".as_ref()))?,
        })
    }

    /// The plaintext of the chunk that is `stored`, which is overwritten.
    pub(super) fn open(
        &mut self,
        entry: &ChunkEntry,
        stored: &mut [u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        // Not the tag alone: whoever has the key, from another image with the same chunk, can make other ciphertext that
        // holds under it.
        let found = Digest::of(stored);
        if found != entry.digest {
            return Err(Error::Digest {
                expected: entry.digest,
                found,
            });
        }
        let place = || format!("the chunk {}", entry.digest);
        let message_bytes = stored.len().saturating_sub(TAG_BYTES);
        let (message, tag) = stored.split_at_mut(message_bytes);
        let mut tags = [Tag([0; TAG_BYTES])];
        tags[0].0.copy_from_slice(tag);
        self.engine
            .aead(&AeadKey::Aes256Gcm(Key::new(&entry.key)))?
            .open(
                Messages::equal(message_bytes, &NONCE, &[])?,
                InOutBuf::from(&mut *message),
                &tags,
            )
            .map_err(|error| match error {
                EngineError::Unauthentic { .. } => Error::unauthentic(
                    place(),
                    "it is not sealed under the key that the index has for it",
                ),
                other => other.into(),
            })?;
        let wanted = entry.plain_bytes as usize;
        let mut plain = Zeroizing::new(vec![0; wanted]);
        let found = match message.split_first() {
            Some((&RAW, raw)) if raw.len() == wanted => {
                plain.copy_from_slice(raw);
                Some(wanted)
            }
            Some((&ZSTD, packed)) => self
                .decompressor
                .decompress_to_buffer(packed, plain.as_mut_slice())
                .ok(),
            _ => None,
        };
        if found != Some(wanted) {
            return Err(Error::malformed(
                place(),
                format!("it does not unpack to the {wanted} bytes that the index has for it"),
            ));
        }
        Ok(plain)
    }
}
