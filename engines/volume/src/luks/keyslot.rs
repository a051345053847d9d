//! Keyslots: the volume key, split and encrypted under a passphrase.

use sealab_engine::Engine;
use zeroize::Zeroizing;

use super::anti_forensic::{self, STRIPES};
use super::digest::Digest;
use super::kdf::SALT_BYTES;
use super::{Cipher, Hash, LuksError, Pbkdf};
use crate::sector::SectorSize;
use crate::store::Store;

/// Key material is encrypted in sectors of this size, numbered from 0, in bytes.
pub(super) const AREA_SECTOR: usize = 512;

/// How one keyslot is made, and where its key material lies.
#[derive(Clone, Debug)]
pub(super) struct Keyslot {
    pub(super) number: u32,
    /// 0: only if asked for by number; 1: the usual; 2: before the others.
    pub(super) priority: u8,
    /// The length of the volume key, in bytes.
    pub(super) key_bytes: usize,
    pub(super) pbkdf: Pbkdf,
    pub(super) salt: [u8; SALT_BYTES],
    /// The hash of the anti-forensic split.
    pub(super) split_hash: Hash,
    pub(super) area: Area,
}

/// Where key material lies, and how it is encrypted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    /// In bytes of the header's store.
    pub(super) offset: u64,
    /// At least [`material_bytes`] of the volume key.
    pub(super) bytes: u64,
    pub(super) cipher: Cipher,
}

/// How many bytes the key material of a volume key takes: whole sectors, as every cipher's key has a multiple of 32 bytes.
pub(super) fn material_bytes(key_bytes: usize) -> usize {
    key_bytes * STRIPES
}

/// A volume key. Never printed, zeroized.
pub(super) type VolumeKey = Zeroizing<Vec<u8>>;

impl Keyslot {
    /// The volume key, if `passphrase` is the keyslot's.
    pub(super) fn unlock(
        &self,
        engine: &dyn Engine,
        store: &dyn Store,
        digest: &Digest,
        passphrase: &[u8],
    ) -> Result<Option<VolumeKey>, LuksError> {
        let mut material = Zeroizing::new(vec![0; material_bytes(self.key_bytes)]);
        store
            .read_at(self.area.offset, &mut material)
            .map_err(|source| self.failed("reading", store, source))?;
        self.cipher(engine, passphrase)?.decrypt(0, &mut material, &[])?;
        let key = anti_forensic::merge(self.split_hash, &material, self.key_bytes);
        Ok(digest.holds(&key).then_some(key))
    }

    /// Writes `key` under `passphrase` and syncs.
    pub(super) fn write(
        &self,
        engine: &dyn Engine,
        store: &dyn Store,
        key: &[u8],
        passphrase: &[u8],
    ) -> Result<(), LuksError> {
        let mut material = anti_forensic::split(self.split_hash, key)?;
        self.cipher(engine, passphrase)?
            .encrypt(0, &mut material, &mut [])?;
        self.put(store, &material)
    }

    /// Overwrites the key material with random bytes and syncs.
    pub(super) fn wipe(&self, store: &dyn Store) -> Result<(), LuksError> {
        let mut random = vec![0; material_bytes(self.key_bytes)];
        getrandom::fill(&mut random)?;
        self.put(store, &random)
    }

    fn put(&self, store: &dyn Store, material: &[u8]) -> Result<(), LuksError> {
        let written = store.write_at(self.area.offset, material);
        written
            .and_then(|()| store.sync())
            .map_err(|source| self.failed("writing", store, source))
    }

    fn cipher(
        &self,
        engine: &dyn Engine,
        passphrase: &[u8],
    ) -> Result<Box<dyn crate::sector::SectorCipher>, LuksError> {
        let key = self
            .pbkdf
            .derive(passphrase, &self.salt, self.area.cipher.key_bytes())?;
        let size = SectorSize::new(AREA_SECTOR)?;
        Ok(self.area.cipher.keyed(engine, &key, size)?)
    }

    fn failed(&self, action: &str, store: &dyn Store, source: std::io::Error) -> LuksError {
        LuksError::Store {
            place: format!(
                "{}: {action} the key material of keyslot {} at {}",
                store.name(),
                self.number,
                self.area.offset
            ),
            source,
        }
    }
}
