//! A header on a store: reading, unlocking, changing its keyslots, mending it.

use std::io;

use sealab_engine::Engine;
use serde_json::Value;

use super::description::Description;
use super::kdf::SALT_BYTES;
use super::keyslot::{Area, Keyslot, VolumeKey};
use super::luks1::{KEYSLOTS, Luks1, MAGIC};
use super::luks2::{BINARY_BYTES, DigestObject, Luks2, MOST_OBJECTS, SIZES, keyslot_object};
use super::options::check_pbkdf;
use super::{Cipher, Device, Hash, KdfLimits, LuksError, Options, Pbkdf, Summary, Version};
use crate::sector::SectorSize;
use crate::store::Store;

/// A header that was read and checked. Changes are written at once.
pub struct Header {
    pub(super) kind: Kind,
    limits: KdfLimits,
}

pub(super) enum Kind {
    Luks1(Box<Luks1>),
    Luks2(Box<Luks2>),
}

impl Header {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            limits: KdfLimits::default(),
        }
    }

    /// Reads the header at the start of `store` and checks it. With one copy of a LUKS2 header broken, the other is used.
    pub fn read(store: &dyn Store, limits: &KdfLimits) -> Result<Self, LuksError> {
        let refused = |refusal| LuksError::Header {
            name: store.name(),
            refusal,
        };
        let start = start_of(store, BINARY_BYTES as u64)?;
        if start.starts_with(MAGIC) && start.get(6..8) == Some(&[0, 1]) {
            let header = Luks1::parse(&start, limits).map_err(refused)?;
            return Ok(Self {
                kind: Kind::Luks1(Box::new(header)),
                limits: *limits,
            });
        }
        let size = start.get(8..16).and_then(|size| size.try_into().ok());
        let size = size.map(u64::from_be_bytes).filter(|size| SIZES.contains(size));
        let most = SIZES.into_iter().max().unwrap_or_default();
        let mut header = Luks2::parse(&start_of(store, 2 * size.unwrap_or(most))?, limits);
        // A broken first copy may give the wrong size.
        let broken = !header.as_ref().is_ok_and(|header| header.copies[0].is_ok());
        if broken && size.is_some_and(|size| size < most) {
            header = Luks2::parse(&start_of(store, 2 * most)?, limits);
        }
        Ok(Self {
            kind: Kind::Luks2(Box::new(header.map_err(refused)?)),
            limits: *limits,
        })
    }

    /// That the header fits its store, and the data theirs. [`super::open`] does this by itself.
    pub fn check(&self, device: &Device) -> Result<(), LuksError> {
        let checked = self
            .description()
            .check_stores(device.header().size(), device.detached_bytes());
        checked.map_err(|refusal| LuksError::Header {
            name: device.header().name(),
            refusal,
        })
    }

    /// Which LUKS it is.
    pub fn version(&self) -> Version {
        match self.kind {
            Kind::Luks1(_) => Version::Luks1,
            Kind::Luks2(_) => Version::Luks2,
        }
    }

    /// How sectors are encrypted.
    pub fn cipher(&self) -> Cipher {
        self.description().cipher
    }

    /// The size of a sector.
    pub fn sector_size(&self) -> SectorSize {
        self.description().sector_size
    }

    /// All that it says, without secrets.
    pub fn summary(&self) -> Summary {
        match &self.kind {
            Kind::Luks1(header) => header.summary(),
            Kind::Luks2(header) => header.summary(),
        }
    }

    /// Writes both copies of a LUKS2 header again if one is broken or behind; whether it was.
    pub fn repair(&mut self, store: &dyn Store) -> Result<bool, LuksError> {
        let Kind::Luks2(header) = &mut self.kind else {
            return Ok(false);
        };
        let [first, second] = &header.copies;
        if matches!((first, second), (Ok(first), Ok(second)) if first == second) {
            return Ok(false);
        }
        header.write(store, &self.limits)?;
        Ok(true)
    }

    /// The number of the keyslot that `passphrase` opens. Tries all, or `keyslot` only.
    pub fn test_passphrase(
        &self,
        engine: &dyn Engine,
        store: &dyn Store,
        passphrase: &[u8],
        keyslot: Option<u32>,
    ) -> Result<u32, LuksError> {
        self.unlock(engine, store, passphrase, keyslot)
            .map(|(number, _)| number)
    }

    /// Puts the volume key under another passphrase, `new`, into `number` or the first keyslot that is free. Its number.
    /// LUKS1 takes the iterations from `pbkdf` and the hash from the header.
    pub fn add_keyslot(
        &mut self,
        engine: &dyn Engine,
        store: &dyn Store,
        passphrase: &[u8],
        new: &[u8],
        pbkdf: Pbkdf,
        number: Option<u32>,
    ) -> Result<u32, LuksError> {
        check_pbkdf(&pbkdf)?;
        let (_, key) = self.unlock(engine, store, passphrase, None)?;
        let number = self.free_keyslot(number)?;
        let keyslot = self.new_keyslot(number, pbkdf)?;
        let end = keyslot.area.offset + keyslot.area.bytes;
        if end > store.size() {
            return Err(LuksError::Keyslot {
                keyslot: number,
                reason: format!(
                    "its area ends at {end}, after the store's end at {}",
                    store.size()
                ),
            });
        }
        // Key material first: a header never names one that is not there.
        keyslot.write(engine, store, &key, new)?;
        self.insert(keyslot);
        self.write(store)?;
        Ok(number)
    }

    /// Destroys keyslot `number`. The last one stays: without any, the data are lost.
    pub fn remove_keyslot(&mut self, store: &dyn Store, number: u32) -> Result<(), LuksError> {
        let keyslots = &self.description().keyslots;
        let keyslot = keyslots.iter().find(|keyslot| keyslot.number == number);
        let reason = match keyslot {
            None => "it is not in use",
            Some(_) if keyslots.len() == 1 => "it is the last one; without it the data are lost",
            Some(keyslot) => {
                // The key material first: after a power cut the keyslot may be dead, but not alive and forgotten.
                keyslot.wipe(store)?;
                self.forget(number);
                return self.write(store);
            }
        };
        Err(LuksError::Keyslot {
            keyslot: number,
            reason: reason.to_owned(),
        })
    }

    pub(super) fn description(&self) -> &Description {
        match &self.kind {
            Kind::Luks1(header) => &header.description,
            Kind::Luks2(header) => &header.description,
        }
    }

    /// The keyslot that `passphrase` opens, and the volume key in it.
    pub(super) fn unlock(
        &self,
        engine: &dyn Engine,
        store: &dyn Store,
        passphrase: &[u8],
        number: Option<u32>,
    ) -> Result<(u32, VolumeKey), LuksError> {
        let description = self.description();
        let mut keyslots: Vec<_> = description.keyslots.iter().collect();
        match number {
            Some(number) => keyslots.retain(|keyslot| keyslot.number == number),
            None => keyslots.retain(|keyslot| keyslot.priority > 0),
        }
        keyslots.sort_by_key(|keyslot| (std::cmp::Reverse(keyslot.priority), keyslot.number));
        for keyslot in keyslots {
            if let Some(key) = keyslot.unlock(engine, store, &description.digest, passphrase)? {
                return Ok((keyslot.number, key));
            }
        }
        Err(LuksError::Passphrase)
    }

    fn free_keyslot(&self, number: Option<u32>) -> Result<u32, LuksError> {
        let most = match self.version() {
            Version::Luks1 => KEYSLOTS,
            Version::Luks2 => MOST_OBJECTS,
        };
        let keyslots = &self.description().keyslots;
        let used = |number: &u32| keyslots.iter().any(|keyslot| keyslot.number == *number);
        match number {
            Some(number) if number >= most => Err(LuksError::Keyslot {
                keyslot: number,
                reason: format!("there are {most}, numbered from 0"),
            }),
            Some(number) if used(&number) => Err(LuksError::Keyslot {
                keyslot: number,
                reason: "it is in use".to_owned(),
            }),
            Some(number) => Ok(number),
            None => {
                let free = (0..most).find(|number| !used(number));
                free.ok_or_else(|| LuksError::Keyslot {
                    keyslot: most - 1,
                    reason: "it and all others are in use".to_owned(),
                })
            }
        }
    }

    /// A keyslot with a new salt and a place that is free.
    pub(super) fn new_keyslot(&self, number: u32, pbkdf: Pbkdf) -> Result<Keyslot, LuksError> {
        let description = self.description();
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt)?;
        let (area, split_hash, pbkdf) = match &self.kind {
            Kind::Luks1(header) => {
                let hash = description.digest.hash;
                let Pbkdf::Pbkdf2 { iterations, .. } = pbkdf else {
                    return Err(LuksError::Option {
                        option: "the key derivation",
                        found: "Argon2".to_owned(),
                        allowed: "PBKDF2 with LUKS1".to_owned(),
                    });
                };
                (header.area(number), hash, Pbkdf::Pbkdf2 { hash, iterations })
            }
            Kind::Luks2(header) => (free_area(header, number)?, Hash::Sha256, pbkdf),
        };
        Ok(Keyslot {
            number,
            priority: 1,
            key_bytes: description.cipher.key_bytes(),
            pbkdf,
            salt,
            split_hash,
            area,
        })
    }

    fn insert(&mut self, keyslot: Keyslot) {
        match &mut self.kind {
            Kind::Luks1(header) => {
                header.description.keyslots.push(keyslot);
                header.description.keyslots.sort_by_key(|keyslot| keyslot.number);
            }
            Kind::Luks2(header) => {
                let name = keyslot.number.to_string();
                for digest in header.metadata.digests.0.values_mut() {
                    let DigestObject::Pbkdf2 { keyslots, .. } = digest;
                    keyslots.push(name.clone());
                }
                header
                    .metadata
                    .keyslots
                    .0
                    .insert(keyslot.number, keyslot_object(&keyslot));
            }
        }
    }

    fn forget(&mut self, number: u32) {
        match &mut self.kind {
            Kind::Luks1(header) => header
                .description
                .keyslots
                .retain(|keyslot| keyslot.number != number),
            Kind::Luks2(header) => {
                let name = number.to_string();
                header.metadata.keyslots.0.remove(&number);
                for digest in header.metadata.digests.0.values_mut() {
                    let DigestObject::Pbkdf2 { keyslots, .. } = digest;
                    keyslots.retain(|keyslot| *keyslot != name);
                }
                // A token may only name keyslots that there are.
                for token in header.metadata.tokens.0.values_mut() {
                    if let Some(keyslots) = token.get_mut("keyslots").and_then(Value::as_array_mut) {
                        keyslots.retain(|keyslot| keyslot.as_str() != Some(&name));
                    }
                }
            }
        }
    }

    /// Writes the header as it is now, and syncs.
    pub(super) fn write(&mut self, store: &dyn Store) -> Result<(), LuksError> {
        match &mut self.kind {
            Kind::Luks1(header) => {
                let written = store.write_at(0, &header.to_bytes());
                written
                    .and_then(|()| store.sync())
                    .map_err(|source| LuksError::Store {
                        place: format!("{}: writing the header at 0", store.name()),
                        source,
                    })
            }
            Kind::Luks2(header) => header.write(store, &self.limits),
        }
    }
}

/// The first bytes of `store`, fewer where it has fewer.
fn start_of(store: &dyn Store, bytes: u64) -> Result<Vec<u8>, LuksError> {
    let failed = |source: io::Error| LuksError::Store {
        place: format!("{}: reading the header at 0", store.name()),
        source,
    };
    // At most 8 MiB.
    let length = usize::try_from(bytes.min(store.size())).map_err(io::Error::other);
    let mut start = vec![0; length.map_err(failed)?];
    store.read_at(0, &mut start).map_err(failed)?;
    Ok(start)
}

/// The first gap between the areas of keyslots that another one fits in.
fn free_area(header: &Luks2, number: u32) -> Result<Area, LuksError> {
    let description = &header.description;
    let bytes = Options::area_bytes(description.cipher);
    let mut areas: Vec<_> = description.keyslots.iter().map(|keyslot| keyslot.area).collect();
    areas.sort_by_key(|area| area.offset);
    let mut offset = 2 * header.binary.size;
    for area in areas {
        if offset + bytes <= area.offset {
            break;
        }
        offset = area.offset + area.bytes;
    }
    if offset + bytes > description.header_end {
        return Err(LuksError::Keyslot {
            keyslot: number,
            reason: format!("there is no room for {bytes} bytes of key material"),
        });
    }
    Ok(Area {
        offset,
        bytes,
        cipher: Cipher::Aes256XtsPlain64,
    })
}
