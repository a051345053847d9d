//! How a volume is to be made or opened.

use super::kdf::LEAST_ITERATIONS;
use super::keyslot::material_bytes;
use super::luks2::{AREA_ALIGNMENT, LABEL_BYTES};
use super::{Cipher, Hash, KdfLimits, LuksError, Pbkdf};
use crate::integrity::{FormatOptions, IntegrityError};
use crate::sector::SectorSize;

/// Which LUKS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Version {
    /// One header, PBKDF2, sectors of 512 bytes.
    Luks1,
    /// Two copies of the header, Argon2, larger sectors, integrity.
    Luks2,
}

/// How a volume is to be made. What [`Options::luks1`] and [`Options::luks2`] give are cryptsetup's defaults, but for the
/// cost of the key derivation, which cryptsetup measures.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which LUKS.
    pub version: Version,
    /// How sectors are encrypted.
    pub cipher: Cipher,
    /// The size of a sector, in bytes: 512 for LUKS1; 512, 1024, 2048 or 4096 for LUKS2.
    pub sector_size: usize,
    /// The key derivation of the first keyslot.
    pub pbkdf: Pbkdf,
    /// The hash of the digest and the anti-forensic split; for LUKS1 that of PBKDF2 too.
    pub hash: Hash,
    /// A name, at most 47 bytes. LUKS2 only.
    pub label: String,
    /// A second name, at most 47 bytes. LUKS2 only.
    pub subsystem: String,
    /// A UUID, as 36 characters; a random one without.
    pub uuid: Option<String>,
    /// What else the layer beneath authenticated sectors needs to know.
    pub integrity: IntegrityOptions,
}

/// How the dm-integrity layer beneath authenticated sectors is to be made.
#[derive(Clone, Copy, Debug, Default)]
pub struct IntegrityOptions {
    /// Leaves sectors without codes until they are written; reading one before is an error, as after
    /// `cryptsetup luksFormat --integrity-no-wipe`.
    pub no_wipe: bool,
}

/// Where LUKS2's data begin, and how long a detached header is, in bytes.
const LUKS2_HEADER_BYTES: u64 = 16 << 20;
/// The same for LUKS1.
const LUKS1_HEADER_BYTES: u64 = 2 << 20;
/// The length of one copy of a new LUKS2 header, in bytes.
pub(super) const COPY_BYTES: u64 = 16 << 10;

impl Options {
    /// LUKS1 with `aes-xts-plain64`, 512 bits.
    pub fn luks1() -> Self {
        Self {
            version: Version::Luks1,
            sector_size: 512,
            pbkdf: Pbkdf::Pbkdf2 {
                hash: Hash::Sha256,
                iterations: 2_000_000,
            },
            ..Self::luks2()
        }
    }

    /// LUKS2 with `aes-xts-plain64`, 512 bits, in sectors of 4096 bytes.
    pub fn luks2() -> Self {
        Self {
            version: Version::Luks2,
            cipher: Cipher::Aes256XtsPlain64,
            sector_size: 4096,
            pbkdf: Pbkdf::default(),
            hash: Hash::Sha256,
            label: String::new(),
            subsystem: String::new(),
            uuid: None,
            integrity: IntegrityOptions::default(),
        }
    }

    /// How many bytes stand before the data of an attached volume, and how many a detached header takes.
    pub fn header_bytes(&self) -> u64 {
        match self.version {
            Version::Luks1 => LUKS1_HEADER_BYTES,
            Version::Luks2 => LUKS2_HEADER_BYTES,
        }
    }

    /// How many bytes a volume has whose data's store has `store` bytes: that of the header too, unless `detached`.
    pub fn volume_bytes(&self, store: u64, detached: bool) -> Result<u64, LuksError> {
        let start = self.data_offset(detached);
        let sector = self.check()?.bytes();
        if self.cipher.integrity().is_some() {
            let superblock = self.layout(sector).superblock(store, start)?;
            return Ok(superblock.provided_sectors * 512);
        }
        Ok(store.saturating_sub(start) / sector as u64 * sector as u64)
    }

    /// How many bytes the data's store of a volume of at least `volume` bytes needs: with the header, unless `detached`.
    pub fn store_bytes(&self, volume: u64, detached: bool) -> Result<u64, LuksError> {
        let sector = self.check()?.bytes() as u64;
        let too_large = || LuksError::Option {
            option: "the size",
            found: volume.to_string(),
            allowed: "less than 2^60".to_owned(),
        };
        if volume >= 1 << 60 {
            return Err(too_large());
        }
        let mut store = self.data_offset(detached) + volume.next_multiple_of(sector);
        loop {
            let missing = match self.volume_bytes(store, detached) {
                Ok(bytes) => volume.saturating_sub(bytes),
                // No room for the superblock, the smallest journal and the first tags.
                Err(LuksError::Integrity(IntegrityError::TooSmall { .. })) => 4096,
                Err(other) => return Err(other),
            };
            if missing == 0 {
                return Ok(store);
            }
            store += missing.next_multiple_of(4096);
        }
    }

    /// Where the data begin, in bytes of their store.
    pub(super) fn data_offset(&self, detached: bool) -> u64 {
        if detached { 0 } else { self.header_bytes() }
    }

    /// The dm-integrity layout beneath.
    pub(super) fn layout(&self, sector: usize) -> FormatOptions {
        // 28 or 32.
        FormatOptions::new(self.cipher.metadata_bytes() as u16, sector)
    }

    /// The least bytes that keyslots of this cipher take each.
    pub(super) fn area_bytes(cipher: Cipher) -> u64 {
        (material_bytes(cipher.key_bytes()) as u64).next_multiple_of(AREA_ALIGNMENT)
    }

    /// That the options go together; the size of a sector.
    pub(super) fn check(&self) -> Result<SectorSize, LuksError> {
        let wrong = |option, found: String, allowed: &str| {
            Err(LuksError::Option {
                option,
                found,
                allowed: allowed.to_owned(),
            })
        };
        check_pbkdf(&self.pbkdf)?;
        match (self.version, self.pbkdf) {
            (Version::Luks1, Pbkdf::Argon2i(_) | Pbkdf::Argon2id(_)) => {
                return wrong("the key derivation", "Argon2".to_owned(), "PBKDF2 with LUKS1");
            }
            (Version::Luks1, Pbkdf::Pbkdf2 { hash, .. }) if hash != self.hash => {
                return wrong(
                    "the hash of PBKDF2",
                    hash.id().to_owned(),
                    "that of the header with LUKS1",
                );
            }
            _ => {}
        }
        if self.hash == Hash::Sha1 {
            return wrong("the hash", "sha1".to_owned(), "sha256, sha512");
        }
        if self.version == Version::Luks1 {
            if self.cipher.integrity().is_some() {
                return wrong(
                    "the cipher",
                    self.cipher.to_string(),
                    "one without integrity with LUKS1",
                );
            }
            if self.sector_size != 512 {
                return wrong("the sector size", self.sector_size.to_string(), "512 with LUKS1");
            }
            if !self.label.is_empty() || !self.subsystem.is_empty() {
                return wrong("the label", self.label.clone(), "none with LUKS1");
            }
        }
        for text in [&self.label, &self.subsystem] {
            if text.len() >= LABEL_BYTES || text.contains(char::is_control) {
                return wrong(
                    "the label",
                    format!("{text:?}"),
                    "at most 47 bytes of printable text",
                );
            }
        }
        if let Some(uuid) = &self.uuid
            && !is_uuid(uuid)
        {
            return wrong("the UUID", format!("{uuid:?}"), "8-4-4-4-12 hexadecimal digits");
        }
        Ok(SectorSize::new(self.sector_size)?)
    }
}

/// That a new keyslot's key derivation costs neither too little nor too much.
pub(super) fn check_pbkdf(pbkdf: &Pbkdf) -> Result<(), LuksError> {
    if let Pbkdf::Pbkdf2 { hash: Hash::Sha1, .. } = pbkdf {
        return Err(LuksError::Option {
            option: "the hash of PBKDF2",
            found: "sha1".to_owned(),
            allowed: "sha256, sha512".to_owned(),
        });
    }
    match pbkdf.out_of_bounds(&KdfLimits::default()) {
        None => Ok(()),
        Some((option, found, allowed)) => Err(LuksError::Option {
            option,
            found: found.to_string(),
            allowed,
        }),
    }
}

impl Pbkdf {
    /// PBKDF2 with the fewest iterations allowed, for keys that are random or tests: no hindrance to guessing.
    pub fn cheapest() -> Self {
        Self::Pbkdf2 {
            hash: Hash::Sha256,
            iterations: LEAST_ITERATIONS,
        }
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// A random UUID (RFC 9562, version 4).
pub(super) fn random_uuid() -> Result<String, LuksError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = u128::from_be_bytes(bytes);
    let text = format!("{digits:032x}");
    let parts = [
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..],
    ];
    Ok(parts.join("-"))
}

/// How a volume is to be opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenOptions {
    /// Refuses writes.
    pub read_only: bool,
    /// Passes discards on to the store, as `cryptsetup --allow-discards`. Who sees the store then sees what is in use.
    /// Ignored with integrity.
    pub allow_discards: bool,
    /// Writes authenticated sectors to their places at once, as `cryptsetup --integrity-no-journal`: twice as fast, but a
    /// power cut can leave a sector without its code, which then does not read. Ignored without integrity.
    pub integrity_no_journal: bool,
    /// Tries this keyslot only.
    pub keyslot: Option<u32>,
    /// What unlocking may cost at most.
    pub limits: KdfLimits,
}
