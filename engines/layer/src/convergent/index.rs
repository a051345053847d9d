//! The index of a layer's chunks, which is sealed: it holds their keys.

use sealab_engine::{AeadKey, Engine, EngineError, InOutBuf, Messages, NONCE_BYTES, Nonce, TAG_BYTES, Tag};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{CONVERGENT, chunk};
use crate::Error;
use crate::chunks::derive;
use crate::image::Digest;
use crate::ocicrypt::{CODE_BYTES, LayerKey};

const MAGIC: [u8; 8] = *b"SLCHNK\0\x01";
const HEADER_BYTES: usize = 24;
const ENTRY_BYTES: usize = 72;
/// The most chunks of a layer: more do not fit into a manifest.
const MAX_CHUNKS: usize = 32 << 10;
const MAX_INDEX_BYTES: usize = HEADER_BYTES + MAX_CHUNKS * ENTRY_BYTES;
const PLACE: &str = "the chunk index";

/// The layer's key seals one index alone.
const NONCE: [Nonce; 1] = [Nonce([0; NONCE_BYTES])];

/// One chunk.
#[derive(Clone)]
pub(crate) struct ChunkEntry {
    /// The blob that it is stored in.
    pub(crate) digest: Digest,
    pub(super) key: Zeroizing<[u8; 32]>,
    /// The blob's length, in bytes.
    pub(crate) stored_bytes: u32,
    /// The plaintext's length, in bytes.
    pub(super) plain_bytes: u32,
}

/// The chunks of a layer, in order.
#[derive(Default)]
pub(crate) struct ChunkIndex {
    pub(crate) entries: Vec<ChunkEntry>,
    pub(super) layer_bytes: u64,
}

/// The length of a sealed index that is read, if `stored_bytes` is one.
pub(crate) fn sealed_index_bytes(stored_bytes: u64) -> Result<usize, Error> {
    let bytes = usize::try_from(stored_bytes).ok().filter(|bytes| {
        (HEADER_BYTES + TAG_BYTES..=MAX_INDEX_BYTES + TAG_BYTES).contains(bytes)
            && (bytes - HEADER_BYTES - TAG_BYTES).is_multiple_of(ENTRY_BYTES)
    });
    bytes.ok_or_else(|| {
        Error::malformed(
            PLACE,
            format!(
                "it has {stored_bytes} bytes; an index has {ENTRY_BYTES} bytes for each of at most {MAX_CHUNKS} chunks and \
                 {} more",
                HEADER_BYTES + TAG_BYTES
            ),
        )
    })
}

impl ChunkIndex {
    /// Adds the layer's next chunk.
    pub(super) fn push(&mut self, entry: ChunkEntry) -> Result<(), Error> {
        if self.entries.len() == MAX_CHUNKS {
            return Err(Error::malformed(
                PLACE,
                format!("the layer has more than {MAX_CHUNKS} chunks, the most that an index may have"),
            ));
        }
        self.layer_bytes += u64::from(entry.plain_bytes);
        self.entries.push(entry);
        Ok(())
    }

    /// Seals the index under the layer's key; gives also what commits to that key.
    pub(super) fn seal(
        &self,
        engine: &dyn Engine,
        layer: &LayerKey,
    ) -> Result<(Vec<u8>, [u8; CODE_BYTES]), Error> {
        let mut plain = Zeroizing::new(Vec::with_capacity(
            HEADER_BYTES + self.entries.len() * ENTRY_BYTES,
        ));
        plain.extend(MAGIC);
        plain.extend(self.layer_bytes.to_le_bytes());
        plain.extend((self.entries.len() as u32).to_le_bytes());
        plain.extend([0; 4]);
        for entry in &self.entries {
            plain.extend(entry.digest.bytes());
            plain.extend(*entry.key);
            plain.extend(entry.stored_bytes.to_le_bytes());
            plain.extend(entry.plain_bytes.to_le_bytes());
        }
        let mut sealed = vec![0; plain.len() + TAG_BYTES];
        let keys = derive(layer, CONVERGENT, 0, sealed.len() as u64)?;
        let (output, tag) = sealed.split_at_mut(plain.len());
        let mut tags = [Tag([0; TAG_BYTES])];
        let data = InOutBuf::new(&plain, output)
            .map_err(|_| Error::malformed(PLACE, "its input and output differ in length"))?;
        engine.aead(&AeadKey::Aes256Gcm(keys.key))?.seal(
            Messages::equal(plain.len(), &NONCE, &[])?,
            data,
            &mut tags,
        )?;
        tag.copy_from_slice(&tags[0].0);
        Ok((sealed, keys.commitment))
    }

    /// Opens a sealed index, of a length that [`sealed_index_bytes`] takes.
    pub(super) fn open(
        engine: &dyn Engine,
        layer: &LayerKey,
        commitment: &[u8; CODE_BYTES],
        mut sealed: Zeroizing<Vec<u8>>,
    ) -> Result<Self, Error> {
        let plain_bytes = sealed_index_bytes(sealed.len() as u64)? - TAG_BYTES;
        let keys = derive(layer, CONVERGENT, 0, sealed.len() as u64)?;
        if !bool::from(keys.commitment.ct_eq(commitment)) {
            return Err(Error::unauthentic(
                PLACE,
                "it is not for this key, or it was cut or lengthened: what commits to it does not hold",
            ));
        }
        let (plain, tag) = sealed.split_at_mut(plain_bytes);
        let mut tags = [Tag([0; TAG_BYTES])];
        tags[0].0.copy_from_slice(tag);
        engine
            .aead(&AeadKey::Aes256Gcm(keys.key))?
            .open(
                Messages::equal(plain_bytes, &NONCE, &[])?,
                InOutBuf::from(&mut *plain),
                &tags,
            )
            .map_err(|error| match error {
                EngineError::Unauthentic { .. } => {
                    Error::unauthentic(PLACE, "its tag does not hold: it was changed")
                }
                other => other.into(),
            })?;
        Self::parse(plain)
    }

    /// Whoever sealed it may have made it with care or without: nothing in it is taken on trust.
    fn parse(plain: &[u8]) -> Result<Self, Error> {
        let wrong =
            |offset: usize, problem: String| Error::malformed(format!("{PLACE}, offset {offset}"), problem);
        let (header, entries) = plain
            .split_at_checked(HEADER_BYTES)
            .ok_or_else(|| wrong(0, format!("it has {} bytes", plain.len())))?;
        let (entries, []) = entries.as_chunks::<ENTRY_BYTES>() else {
            return Err(wrong(
                HEADER_BYTES,
                "its entries are no multiple of their length".to_owned(),
            ));
        };
        let layer_bytes = u64::from_le_bytes(octets(header, 8));
        let count = u32::from_le_bytes(octets(header, 16)) as usize;
        if header[..8] != MAGIC || header[20..] != [0; 4] {
            return Err(wrong(0, "it does not begin as an index of version 1".to_owned()));
        }
        if count != entries.len() || count > MAX_CHUNKS {
            return Err(wrong(
                16,
                format!("it is for {count} chunks; it has {}", entries.len()),
            ));
        }
        let mut index = Self::default();
        for (number, bytes) in entries.iter().enumerate() {
            let entry = ChunkEntry {
                digest: Digest::new(octets(bytes, 0)),
                key: Zeroizing::new(octets(bytes, 32)),
                stored_bytes: u32::from_le_bytes(octets(bytes, 64)),
                plain_bytes: u32::from_le_bytes(octets(bytes, 68)),
            };
            if !chunk::fits(entry.stored_bytes, entry.plain_bytes) {
                return Err(wrong(
                    HEADER_BYTES + number * ENTRY_BYTES + 64,
                    format!(
                        "chunk {number} has {} bytes stored in {}; no chunk has",
                        entry.plain_bytes, entry.stored_bytes
                    ),
                ));
            }
            index.push(entry)?;
        }
        if index.layer_bytes != layer_bytes {
            return Err(wrong(
                8,
                format!(
                    "it is for a layer of {layer_bytes} bytes; its chunks have {}",
                    index.layer_bytes
                ),
            ));
        }
        Ok(index)
    }
}

/// `N` bytes at `offset`, which must be there.
fn octets<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    let mut octets = [0; N];
    octets.copy_from_slice(&bytes[offset..offset + N]);
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine() -> Box<dyn Engine> {
        (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap()
    }

    fn index() -> ChunkIndex {
        let mut index = ChunkIndex::default();
        for number in 0..3 {
            let entry = ChunkEntry {
                digest: Digest::of(&[number]),
                key: Zeroizing::new([number; 32]),
                stored_bytes: 100,
                plain_bytes: 1000,
            };
            index.push(entry).unwrap();
        }
        index
    }

    #[test]
    fn an_index_is_read_as_it_was_sealed() {
        let (engine, key) = (engine(), LayerKey::generate().unwrap());
        let (sealed, commitment) = index().seal(&*engine, &key).unwrap();
        assert_eq!(sealed.len(), 24 + 3 * 72 + 16);
        let open = |key: &LayerKey, commitment: &[u8; 32], sealed: &[u8]| {
            ChunkIndex::open(&*engine, key, commitment, Zeroizing::new(sealed.to_vec()))
        };
        let opened = open(&key, &commitment, &sealed).unwrap();
        assert_eq!((opened.layer_bytes, opened.entries.len()), (3000, 3));
        assert_eq!(opened.entries[2].digest, Digest::of(&[2]));
        assert_eq!(*opened.entries[2].key, [2; 32]);
        // Cut anywhere, at an entry's end too.
        for length in 0..sealed.len() {
            assert!(open(&key, &commitment, &sealed[..length]).is_err(), "{length}");
        }
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(open(&key, &commitment, &changed).is_err(), "{place}");
        }
        let other = LayerKey::generate().unwrap();
        assert!(open(&other, &commitment, &sealed).is_err());
        assert!(open(&key, &[0; 32], &sealed).is_err());
        assert!(sealed_index_bytes(u64::MAX).is_err());
    }

    #[test]
    fn an_index_that_contradicts_itself_is_refused() {
        let (engine, key) = (engine(), LayerKey::generate().unwrap());
        let seal = |change: &dyn Fn(&mut ChunkIndex)| {
            let mut index = index();
            change(&mut index);
            let (sealed, commitment) = index.seal(&*engine, &key).unwrap();
            ChunkIndex::open(&*engine, &key, &commitment, Zeroizing::new(sealed))
                .err()
                .map(|error| error.to_string())
        };
        assert_eq!(seal(&|_| {}), None);
        let refused = |change: &dyn Fn(&mut ChunkIndex), expected: &str| {
            let found = seal(change).unwrap();
            assert!(found.contains(expected), "{found}");
        };
        refused(
            &|index| index.layer_bytes += 1,
            "offset 8: it is for a layer of 3001 bytes",
        );
        refused(
            &|index| index.entries[1].plain_bytes = 0,
            "offset 160: chunk 1 has 0 bytes",
        );
        refused(
            &|index| index.entries[1].plain_bytes = u32::MAX,
            "chunk 1 has 4294967295 bytes",
        );
        refused(
            &|index| index.entries[0].stored_bytes = 1018,
            "offset 88: chunk 0 has 1000 bytes stored in 1018",
        );
        refused(&|index| index.entries[0].stored_bytes = 17, "stored in 17");
    }
}
