//! The header: what the volume is like, and the keyslots that a passphrase opens.
//!
//! It stands twice, in the first two blocks. All of it is authenticated under the volume key, so that a passphrase that
//! opens a keyslot also tells whether anything else was changed.

use sealab_engine::{Engine, EngineError, InOutBuf, Messages, Nonce, Tag};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::error::SealedLogError;
use super::geometry::{BLOCK_BYTES, Geometry};
use super::seal::{aead, derive};
use crate::luks::{Argon2Cost, KdfLimits, Pbkdf};
use crate::store::Store;

const MAGIC: &[u8; 8] = b"SEALDLOG";
const VERSION: u32 = 1;
/// How many passphrases there can be.
pub(super) const KEYSLOTS: usize = 8;
const KEYSLOTS_AT: usize = 1024;
const KEYSLOT_BYTES: usize = 128;
const SALT_BYTES: usize = 32;
const CODE_AT: usize = BLOCK_BYTES - 32;
/// The volume was made with a trusted counter.
const COUNTED: u32 = 1;
/// Argon2id, the one key derivation there is.
const ARGON2ID: u32 = 1;

/// What a header says.
pub(super) struct Header {
    pub(super) uuid: [u8; 16],
    pub(super) geometry: Geometry,
    /// The counter's number when the volume had no commit, if it was made with a counter.
    pub(super) counter_base: Option<u64>,
    /// Counts headers; the higher one is the later one.
    pub(super) generation: u64,
    pub(super) keyslots: [Option<Keyslot>; KEYSLOTS],
}

/// The volume key sealed under a passphrase.
#[derive(Clone)]
pub(super) struct Keyslot {
    pub(super) cost: Argon2Cost,
    salt: [u8; SALT_BYTES],
    nonce: [u8; 12],
    wrapped: [u8; 32],
    tag: [u8; 16],
}

pub(super) type VolumeKey = Zeroizing<[u8; 32]>;

impl Keyslot {
    /// Seals the volume key under a passphrase with a fresh salt and nonce.
    pub(super) fn new(
        engine: &dyn Engine,
        uuid: &[u8; 16],
        cost: Argon2Cost,
        passphrase: &[u8],
        key: &VolumeKey,
    ) -> Result<Self, SealedLogError> {
        let mut slot = Self {
            cost,
            salt: [0; SALT_BYTES],
            nonce: [0; 12],
            wrapped: **key,
            tag: [0; 16],
        };
        getrandom::fill(&mut slot.salt)
            .and_then(|()| getrandom::fill(&mut slot.nonce))
            .map_err(SealedLogError::Random)?;
        let (nonces, associated) = (slot.nonces(), slot.associated(uuid));
        let messages = Messages::equal(32, &nonces, &associated)?;
        let mut tags = [Tag([0; 16])];
        let mut wrapped = Zeroizing::new(slot.wrapped);
        aead(engine, &*slot.derived(passphrase)?)?.seal(
            messages,
            InOutBuf::from(&mut wrapped[..]),
            &mut tags,
        )?;
        (slot.wrapped, slot.tag) = (*wrapped, tags[0].0);
        Ok(slot)
    }

    /// The volume key, if the passphrase is right.
    fn open(
        &self,
        engine: &dyn Engine,
        uuid: &[u8; 16],
        passphrase: &[u8],
    ) -> Result<Option<VolumeKey>, SealedLogError> {
        let (nonces, associated) = (self.nonces(), self.associated(uuid));
        let messages = Messages::equal(32, &nonces, &associated)?;
        let mut key = Zeroizing::new(self.wrapped);
        let derived = self.derived(passphrase)?;
        match aead(engine, &derived)?.open(messages, InOutBuf::from(&mut key[..]), &[Tag(self.tag)]) {
            Ok(()) => Ok(Some(key)),
            Err(EngineError::Unauthentic { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn derived(&self, passphrase: &[u8]) -> Result<Zeroizing<[u8; 32]>, SealedLogError> {
        let pbkdf = Pbkdf::Argon2id(self.cost);
        if let Some((name, found, allowed)) = pbkdf.out_of_bounds(&KdfLimits::default()) {
            return Err(SealedLogError::Derivation(format!(
                "Argon2id's {name} is {found}; it must be {allowed}"
            )));
        }
        let derived = pbkdf
            .derive(passphrase, &self.salt, 32)
            .map_err(|error| SealedLogError::Derivation(error.to_string()))?;
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(&derived);
        Ok(key)
    }

    fn nonces(&self) -> [Nonce; 1] {
        [Nonce(self.nonce)]
    }

    /// The volume and what the derivation costs.
    fn associated(&self, uuid: &[u8; 16]) -> [u8; 28] {
        let mut associated = [0; 28];
        associated[..16].copy_from_slice(uuid);
        associated[16..].copy_from_slice(self.parameters().as_flattened());
        associated
    }

    fn parameters(&self) -> [[u8; 4]; 3] {
        [self.cost.time, self.cost.memory, self.cost.cpus].map(u32::to_le_bytes)
    }

    fn write(&self, bytes: &mut [u8]) {
        bytes[..4].copy_from_slice(&ARGON2ID.to_le_bytes());
        bytes[4..16].copy_from_slice(self.parameters().as_flattened());
        bytes[16..48].copy_from_slice(&self.salt);
        bytes[48..60].copy_from_slice(&self.nonce);
        bytes[64..96].copy_from_slice(&self.wrapped);
        bytes[96..112].copy_from_slice(&self.tag);
    }

    fn read(bytes: &[u8]) -> Self {
        Self {
            cost: Argon2Cost {
                time: u32::from_le_bytes(array(bytes, 4)),
                memory: u32::from_le_bytes(array(bytes, 8)),
                cpus: u32::from_le_bytes(array(bytes, 12)),
            },
            salt: array(bytes, 16),
            nonce: array(bytes, 48),
            wrapped: array(bytes, 64),
            tag: array(bytes, 96),
        }
    }
}

impl Header {
    /// As it stands on the store, authenticated under the volume key.
    fn bytes(&self, engine: &dyn Engine, key: &VolumeKey) -> Result<Box<[u8; BLOCK_BYTES]>, SealedLogError> {
        let mut bytes = Box::new([0; BLOCK_BYTES]);
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        let flags = if self.counter_base.is_some() { COUNTED } else { 0 };
        bytes[12..16].copy_from_slice(&flags.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.uuid);
        let Geometry { blocks, log, journal } = self.geometry;
        let numbers = [
            blocks,
            log,
            journal,
            self.counter_base.unwrap_or(0),
            self.generation,
        ];
        for (room, number) in bytes[32..].chunks_exact_mut(8).zip(numbers) {
            room.copy_from_slice(&number.to_le_bytes());
        }
        let rooms = bytes[KEYSLOTS_AT..].chunks_exact_mut(KEYSLOT_BYTES);
        for (room, keyslot) in rooms.zip(&self.keyslots) {
            if let Some(keyslot) = keyslot {
                keyslot.write(room);
            }
        }
        let code = code(engine, key, &bytes)?;
        bytes[CODE_AT..].copy_from_slice(&code);
        Ok(bytes)
    }

    /// Writes both copies, one after the other is durable.
    pub(super) fn store(
        &self,
        engine: &dyn Engine,
        key: &VolumeKey,
        store: &dyn Store,
    ) -> Result<(), SealedLogError> {
        let bytes = self.bytes(engine, key)?;
        for copy in [1, 0] {
            store
                .write_at(copy * BLOCK_BYTES as u64, &bytes[..])
                .and_then(|()| store.sync())
                .map_err(|error| {
                    SealedLogError::store(format!("{}: writing the header", store.name()), error)
                })?;
        }
        Ok(())
    }

    /// What a block says, which nothing vouches for yet.
    pub(super) fn parse(name: &str, bytes: &[u8; BLOCK_BYTES]) -> Result<Self, SealedLogError> {
        let wrong = |offset: usize, found: String, expected: &str| SealedLogError::Header {
            name: name.to_owned(),
            offset,
            found,
            expected: expected.to_owned(),
        };
        if bytes[..8] != MAGIC[..] {
            return Err(wrong(0, format!("{:02x?}", &bytes[..8]), "the magic SEALDLOG"));
        }
        let version = u32::from_le_bytes(array(bytes, 8));
        if version != VERSION {
            return Err(wrong(
                8,
                format!("version {version}"),
                "version 1, the only one that this program knows",
            ));
        }
        let flags = u32::from_le_bytes(array(bytes, 12));
        if flags & !COUNTED != 0 {
            return Err(wrong(12, format!("flags {flags:#x}"), "0 or 1"));
        }
        let number = |index: usize| u64::from_le_bytes(array(bytes, 32 + 8 * index));
        let geometry = Geometry {
            blocks: number(0),
            log: number(1),
            journal: number(2),
        };
        if geometry.checked_bytes().is_none() {
            let found = format!(
                "{} blocks in a log of {} with a journal of {}",
                geometry.blocks, geometry.log, geometry.journal
            );
            return Err(wrong(32, found, "a volume that its log has room for"));
        }
        let mut keyslots = [const { None }; KEYSLOTS];
        for (index, keyslot) in keyslots.iter_mut().enumerate() {
            let at = KEYSLOTS_AT + index * KEYSLOT_BYTES;
            *keyslot = match u32::from_le_bytes(array(bytes, at)) {
                0 => None,
                ARGON2ID => Some(Keyslot::read(&bytes[at..at + KEYSLOT_BYTES])),
                other => return Err(wrong(at, format!("keyslot kind {other}"), "0 or 1")),
            };
        }
        Ok(Self {
            uuid: array(bytes, 16),
            geometry,
            counter_base: (flags & COUNTED != 0).then(|| number(3)),
            generation: number(4),
            keyslots,
        })
    }

    /// Reads the header and opens it: the later of the two copies that are right.
    pub(super) fn open(
        engine: &dyn Engine,
        store: &dyn Store,
        passphrase: &[u8],
    ) -> Result<(Self, VolumeKey, usize), SealedLogError> {
        let [first, second] = [read_copy(store, 0)?, read_copy(store, 1)?];
        let name = store.name();
        let opened = Self::open_copy(engine, &name, passphrase, &first);
        if first == second {
            return opened;
        }
        match [opened, Self::open_copy(engine, &name, passphrase, &second)] {
            [Ok(first), Ok(second)] => Ok(if second.0.generation > first.0.generation {
                second
            } else {
                first
            }),
            [Ok(first), Err(_)] => Ok(first),
            [Err(_), Ok(second)] => Ok(second),
            // What the second one says is of use only where the first is no header at all.
            [Err(SealedLogError::Header { .. }), Err(second)] => Err(second),
            [Err(first), Err(_)] => Err(first),
        }
    }

    fn open_copy(
        engine: &dyn Engine,
        name: &str,
        passphrase: &[u8],
        bytes: &[u8; BLOCK_BYTES],
    ) -> Result<(Self, VolumeKey, usize), SealedLogError> {
        let header = Self::parse(name, bytes)?;
        for (index, keyslot) in header.keyslots.iter().enumerate() {
            let Some(keyslot) = keyslot else { continue };
            let Some(key) = keyslot.open(engine, &header.uuid, passphrase)? else {
                continue;
            };
            let held = bool::from(code(engine, &key, bytes)?.ct_eq(&bytes[CODE_AT..]));
            return match held {
                true => Ok((header, key, index)),
                false => Err(SealedLogError::HeaderForged(name.to_owned())),
            };
        }
        Err(SealedLogError::Passphrase(name.to_owned()))
    }
}

/// One of the two copies.
pub(super) fn read_copy(store: &dyn Store, copy: u64) -> Result<Box<[u8; BLOCK_BYTES]>, SealedLogError> {
    let name = store.name();
    if store.size() < (copy + 1) * BLOCK_BYTES as u64 {
        return Err(SealedLogError::Size {
            name,
            bytes: store.size(),
            expected: "at least its header".to_owned(),
        });
    }
    let mut bytes = Box::new([0; BLOCK_BYTES]);
    store
        .read_at(copy * BLOCK_BYTES as u64, &mut bytes[..])
        .map_err(|error| SealedLogError::store(format!("{name}: reading the header"), error))?;
    Ok(bytes)
}

fn code(engine: &dyn Engine, key: &VolumeKey, bytes: &[u8; BLOCK_BYTES]) -> Result<[u8; 32], SealedLogError> {
    let key = derive(engine, key, "header", b"")?;
    let mut mac = engine.hmac_sha256(&sealab_engine::MacKey::new(&*key))?;
    Ok(mac.compute(&[&bytes[..CODE_AT]])?)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[at + index])
}
