//! Keys, and how a block is sealed with one.
//!
//! A session, from one opening for writing to the next, seals under a secret of its own that is drawn when it begins; no
//! state that is put back can make it use a nonce again, since the next session never knows the old key's counter but has
//! a new key. Within a session, nonces count up.

use std::sync::{Arc, Mutex, PoisonError};

use sealab_engine::{Aead, AeadKey, Engine, EngineError, InOutBuf, MacKey, Messages, Nonce, Primitive, Tag};
use zeroize::Zeroizing;

use super::entry::{Entry, nonce};
use super::geometry::BLOCK_BYTES;

/// Blocks that go to the engine at a time.
pub(super) const BATCH: usize = 64;

const ASSOCIATED_BYTES: usize = 24;

/// HKDF-Expand with SHA-256 (RFC 5869, section 2.3) for one block of output: `key` is uniformly random, so that the
/// extraction is left out (section 3.3).
pub(super) fn derive(
    engine: &dyn Engine,
    key: &[u8; 32],
    label: &str,
    context: &[u8],
) -> Result<Zeroizing<[u8; 32]>, EngineError> {
    let mut mac = engine.hmac_sha256(&MacKey::new(key))?;
    let derived = mac.compute(&[b"sealab sealed-log v1 ", label.as_bytes(), b"\0", context, &[1]])?;
    Ok(Zeroizing::new(derived))
}

/// AES-256-GCM under a derived key.
pub(super) fn aead(engine: &dyn Engine, key: &[u8; 32]) -> Result<Box<dyn Aead>, EngineError> {
    let key = AeadKey::new(Primitive::Aes256Gcm, key).map_err(|error| EngineError::Library {
        call: "AeadKey::new",
        detail: error.to_string(),
    })?;
    engine.aead(&key)
}

/// What a block is: where it belongs and where it lies. All of it is authenticated with the block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) domain: Domain,
    /// 0 for the blocks themselves, 1 for the nodes over them, and so on.
    pub(super) level: u32,
    /// The number among its level.
    pub(super) index: u64,
}

/// What a block or node belongs to.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Domain {
    /// The volume's content and its index.
    Data = 1,
    /// The space map.
    Map = 2,
}

impl Place {
    /// 1 byte domain, 1 byte level, 2 zero bytes, 4 bytes epoch, 8 bytes index, 8 bytes address, little-endian.
    fn associated(&self, epoch: u32, address: u64) -> [u8; ASSOCIATED_BYTES] {
        let mut bytes = [0; ASSOCIATED_BYTES];
        bytes[0] = self.domain as u8;
        bytes[1] = self.level as u8;
        bytes[4..8].copy_from_slice(&epoch.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.index.to_le_bytes());
        bytes[16..].copy_from_slice(&address.to_le_bytes());
        bytes
    }
}

/// One session's secret with what is derived from it.
pub(super) struct Epoch {
    pub(super) number: u32,
    engine: Arc<dyn Engine>,
    blocks: Zeroizing<[u8; 32]>,
    pub(super) journal: Zeroizing<[u8; 32]>,
    /// Ciphers that no thread uses at the moment.
    #[expect(
        clippy::vec_box,
        reason = "each is several thousand bytes, and is moved for every batch"
    )]
    idle: Mutex<Vec<Box<Cipher>>>,
}

impl Epoch {
    pub(super) fn new(engine: Arc<dyn Engine>, number: u32, secret: &[u8; 32]) -> Result<Self, EngineError> {
        let context = number.to_le_bytes();
        Ok(Self {
            number,
            blocks: derive(&*engine, secret, "blocks", &context)?,
            journal: derive(&*engine, secret, "journal", &context)?,
            engine,
            idle: Mutex::new(Vec::new()),
        })
    }

    /// Seals blocks end to end, at most [`BATCH`], the first with the number `sequence`, to the given places and addresses.
    pub(super) fn seal(
        &self,
        sequence: u64,
        places: &[(Place, u64)],
        data: InOutBuf<'_, '_, u8>,
        entries: &mut [Entry],
    ) -> Result<(), EngineError> {
        let count = places.len().min(BATCH);
        self.with(|cipher| {
            for (at, (place, address)) in places.iter().enumerate().take(count) {
                cipher.nonces[at] = nonce(sequence + at as u64);
                cipher.associated[at] = place.associated(self.number, *address);
            }
            let messages = messages(&cipher.nonces[..count], &cipher.associated[..count])?;
            cipher.aead.seal(messages, data, &mut cipher.tags[..count])?;
            for (at, (_, address)) in places.iter().enumerate().take(count) {
                entries[at] = Entry::new(*address, sequence + at as u64, self.number, cipher.tags[at]);
            }
            Ok(())
        })
    }

    /// Opens blocks end to end, at most [`BATCH`], all of this session.
    pub(super) fn open(
        &self,
        blocks: &[(Place, Entry)],
        data: InOutBuf<'_, '_, u8>,
    ) -> Result<(), EngineError> {
        let count = blocks.len().min(BATCH);
        self.with(|cipher| {
            for (at, (place, entry)) in blocks.iter().enumerate().take(count) {
                cipher.nonces[at] = nonce(entry.sequence());
                cipher.associated[at] = place.associated(self.number, entry.address().unwrap_or(u64::MAX));
                cipher.tags[at] = entry.tag();
            }
            let messages = messages(&cipher.nonces[..count], &cipher.associated[..count])?;
            cipher.aead.open(messages, data, &cipher.tags[..count])
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Cipher) -> Result<T, EngineError>) -> Result<T, EngineError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut cipher = match idle {
            Some(cipher) => cipher,
            None => Box::new(Cipher {
                aead: aead(&*self.engine, &self.blocks)?,
                nonces: [Nonce([0; 12]); BATCH],
                associated: [[0; ASSOCIATED_BYTES]; BATCH],
                tags: [Tag([0; 16]); BATCH],
            }),
        };
        let done = work(&mut cipher);
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(cipher);
        done
    }
}

/// A keyed cipher, with room for what goes with a batch.
struct Cipher {
    aead: Box<dyn Aead>,
    nonces: [Nonce; BATCH],
    associated: [[u8; ASSOCIATED_BYTES]; BATCH],
    tags: [Tag; BATCH],
}

fn messages<'a>(
    nonces: &'a [Nonce],
    associated: &'a [[u8; ASSOCIATED_BYTES]],
) -> Result<Messages<'a>, EngineError> {
    Messages::equal(BLOCK_BYTES, nonces, associated.as_flattened())
}
