//! The header of LUKS1: 592 bytes, big-endian, and eight keyslots of fixed places.
//!
//! Source: "LUKS1 On-Disk Format Specification", version 1.2.3.

use super::bytes::{array, put_text, text};
use super::description::{Description, check_overlaps};
use super::digest::{Digest, LUKS1_DIGEST_BYTES};
use super::error::quoted;
use super::keyslot::{AREA_SECTOR, Area, Keyslot, material_bytes};
use super::{Cipher, Hash, KdfLimits, Pbkdf, Refusal};
use crate::sector::SectorSize;

/// The first bytes of a header of either version.
pub(super) const MAGIC: &[u8; 6] = b"LUKS\xba\xbe";
/// The length of the header, in bytes.
pub(super) const HEADER_BYTES: usize = 592;
/// How many keyslots there are.
pub(super) const KEYSLOTS: u32 = 8;
/// Keyslots begin at multiples of this, in bytes, as cryptsetup and qemu place them.
const ALIGNMENT: u64 = 4096;
const SECTOR: u64 = AREA_SECTOR as u64;

const CIPHER: usize = 8;
const MODE: usize = 40;
const HASH: usize = 72;
const PAYLOAD: usize = 104;
const KEY_BYTES: usize = 108;
const DIGEST: usize = 112;
const SALT: usize = 132;
const ITERATIONS: usize = 164;
const UUID: usize = 168;
const KEYSLOT: usize = 208;
const KEYSLOT_BYTES: usize = 48;

const ACTIVE: u32 = 0x00ac_71f3;
const INACTIVE: u32 = 0x0000_dead;

/// A header, checked.
#[derive(Clone, Debug)]
pub(super) struct Luks1 {
    pub(super) uuid: String,
    pub(super) description: Description,
    /// Where each keyslot's key material lies, used or not, in bytes.
    offsets: [u64; KEYSLOTS as usize],
}

impl Luks1 {
    /// A header without keyslots for a volume key with this digest, whose data begin at `data_offset` (bytes).
    pub(super) fn new(
        uuid: String,
        cipher: Cipher,
        digest: Digest,
        data_offset: u64,
        size: SectorSize,
    ) -> Self {
        let each = (material_bytes(cipher.key_bytes()) as u64).next_multiple_of(ALIGNMENT);
        let offsets = std::array::from_fn(|number| ALIGNMENT + number as u64 * each);
        Self {
            uuid,
            description: Description {
                cipher,
                sector_size: size,
                data_offset,
                data_bytes: None,
                keyslots: Vec::new(),
                digest,
                header_end: ALIGNMENT + u64::from(KEYSLOTS) * each,
            },
            offsets,
        }
    }

    /// The place of a keyslot's key material, for which `number` is less than [`KEYSLOTS`].
    pub(super) fn area(&self, number: u32) -> Area {
        Area {
            offset: self.offsets[number as usize],
            bytes: material_bytes(self.description.cipher.key_bytes()) as u64,
            cipher: self.description.cipher,
        }
    }

    pub(super) fn parse(bytes: &[u8], limits: &KdfLimits) -> Result<Self, Refusal> {
        let Some(bytes) = bytes.get(..HEADER_BYTES) else {
            return Err(Refusal::new(
                0,
                "the header's length",
                bytes.len(),
                format!("{HEADER_BYTES} bytes or more"),
            ));
        };
        let number = |at| u32::from_be_bytes(array(bytes, at));
        let refuse = |at: usize, field: &str, found: String, allowed: String| {
            Refusal::new(at as u64, field, found, allowed)
        };
        if &bytes[..6] != MAGIC || bytes[6..8] != [0, 1] {
            return Err(refuse(
                0,
                "magic and version",
                quoted(&String::from_utf8_lossy(&bytes[..8])),
                "those of LUKS version 1".to_owned(),
            ));
        }
        let key_bytes = number(KEY_BYTES);
        let name = text(&bytes[CIPHER..MODE], CIPHER as u64, "cipherName")?;
        let mode = text(&bytes[MODE..HASH], MODE as u64, "cipherMode")?;
        let encryption = format!("{name}-{mode}");
        let cipher = Cipher::find_for_keyslot(&encryption, key_bytes as usize).map_err(|allowed| {
            let found = format!("{} and a key of {key_bytes} bytes", quoted(&encryption));
            refuse(CIPHER, "cipherName-cipherMode", found, allowed)
        })?;
        let hash = text(&bytes[HASH..PAYLOAD], HASH as u64, "hashSpec")?;
        let hash = Hash::from_id(hash).ok_or_else(|| {
            let allowed = Hash::ALL.map(Hash::id).join(", ");
            refuse(HASH, "hashSpec", quoted(hash), allowed)
        })?;
        let iterations = number(ITERATIONS);
        check_iterations(iterations, hash, limits, ITERATIONS, "mkDigestIterations")?;
        let digest = Digest {
            hash,
            iterations,
            salt: array(bytes, SALT),
            digest: bytes[DIGEST..DIGEST + LUKS1_DIGEST_BYTES].to_vec(),
        };
        let uuid = text(&bytes[UUID..KEYSLOT], UUID as u64, "uuid")?.to_owned();
        let material = material_bytes(cipher.key_bytes()) as u64;
        let mut header_end = 0;
        let mut offsets = [0; KEYSLOTS as usize];
        let mut areas = vec![(0, 2 * SECTOR, "the header".to_owned())];
        let mut keyslots = Vec::new();
        for slot in 0..KEYSLOTS {
            let at = KEYSLOT + KEYSLOT_BYTES * slot as usize;
            let stripes = number(at + 44);
            if stripes as usize != super::anti_forensic::STRIPES {
                let allowed = super::anti_forensic::STRIPES.to_string();
                return Err(refuse(at + 44, "stripes", stripes.to_string(), allowed));
            }
            let offset = u64::from(number(at + 40)) * SECTOR;
            offsets[slot as usize] = offset;
            areas.push((offset, material, format!("keyslot {slot}")));
            header_end = header_end.max(offset + material);
            match number(at) {
                INACTIVE => {}
                ACTIVE => {
                    let iterations = number(at + 4);
                    check_iterations(iterations, hash, limits, at + 4, "passwordIterations")?;
                    keyslots.push(Keyslot {
                        number: slot,
                        priority: 1,
                        key_bytes: cipher.key_bytes(),
                        pbkdf: Pbkdf::Pbkdf2 { hash, iterations },
                        salt: array(bytes, at + 8),
                        split_hash: hash,
                        area: Area {
                            offset,
                            bytes: material,
                            cipher,
                        },
                    });
                }
                other => {
                    let allowed = format!("{ACTIVE:#010x} or {INACTIVE:#010x}");
                    return Err(refuse(at, "active", format!("{other:#010x}"), allowed));
                }
            }
        }
        check_overlaps(areas)?;
        let data_offset = u64::from(number(PAYLOAD)) * SECTOR;
        let sector_size = SectorSize::new(AREA_SECTOR)
            .map_err(|error| refuse(0, "the sector size", error.to_string(), "512".to_owned()))?;
        Ok(Self {
            uuid,
            description: Description {
                cipher,
                sector_size,
                data_offset,
                data_bytes: None,
                keyslots,
                digest,
                header_end,
            },
            offsets,
        })
    }

    /// The header as it stands on the disk, padded to whole sectors.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let description = &self.description;
        let mut bytes = vec![0; 2 * AREA_SECTOR];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        // All offsets come from a header that had them in 32 bits, or from the fixed places.
        let sectors = |offset: u64| ((offset / SECTOR) as u32).to_be_bytes();
        put(0, MAGIC);
        put(6, &[0, 1]);
        put(PAYLOAD, &sectors(description.data_offset));
        put(KEY_BYTES, &(description.cipher.key_bytes() as u32).to_be_bytes());
        put(DIGEST, &description.digest.digest);
        put(SALT, &description.digest.salt);
        put(ITERATIONS, &description.digest.iterations.to_be_bytes());
        for slot in 0..KEYSLOTS {
            let at = KEYSLOT + KEYSLOT_BYTES * slot as usize;
            put(at, &INACTIVE.to_be_bytes());
            put(at + 40, &sectors(self.offsets[slot as usize]));
            put(at + 44, &(super::anti_forensic::STRIPES as u32).to_be_bytes());
        }
        for keyslot in &description.keyslots {
            let at = KEYSLOT + KEYSLOT_BYTES * keyslot.number as usize;
            let Pbkdf::Pbkdf2 { iterations, .. } = keyslot.pbkdf else {
                continue;
            };
            put(at, &ACTIVE.to_be_bytes());
            put(at + 4, &iterations.to_be_bytes());
            put(at + 8, &keyslot.salt);
        }
        let (name, mode) = description
            .cipher
            .encryption()
            .split_once('-')
            .unwrap_or_default();
        put_text(&mut bytes[CIPHER..MODE], name);
        put_text(&mut bytes[MODE..HASH], mode);
        put_text(&mut bytes[HASH..PAYLOAD], description.digest.hash.id());
        put_text(&mut bytes[UUID..KEYSLOT], &self.uuid);
        bytes
    }
}

fn check_iterations(
    iterations: u32,
    hash: Hash,
    limits: &KdfLimits,
    offset: usize,
    field: &str,
) -> Result<(), Refusal> {
    match (Pbkdf::Pbkdf2 { hash, iterations }).out_of_bounds(limits) {
        None => Ok(()),
        Some((_, found, allowed)) => Err(Refusal::new(offset as u64, field, found, allowed)),
    }
}
