//! From the JSON text to what it takes to open the volume, held against what is allowed.

use std::fmt::Display;

use super::super::anti_forensic::STRIPES;
use super::super::description::{Description, check_overlaps};
use super::super::digest::{Digest, LUKS1_DIGEST_BYTES};
use super::super::error::quoted;
use super::super::kdf::{Argon2Cost, SALT_BYTES};
use super::super::keyslot::{Area, Keyslot, material_bytes};
use super::super::{Cipher, Hash, KdfLimits, Pbkdf, Refusal};
use super::json::{
    AreaObject, Binary, DigestObject, KdfObject, KeyslotObject, Luks2Keyslot, Metadata, SegmentObject,
    SegmentSize, SplitObject, decimal,
};
use super::{AREA_ALIGNMENT, BINARY_BYTES};
use crate::sector::SectorSize;

/// Flags that only advise how to open a volume. None is heeded: headers are not authenticated.
const FLAGS: [&str; 6] = [
    "allow-discards",
    "same-cpu-crypt",
    "submit-from-crypt-cpus",
    "no-journal",
    "no-read-workqueue",
    "no-write-workqueue",
];
/// The most that keyslots may take, in bytes, as in cryptsetup.
const MOST_KEYSLOTS_BYTES: u64 = 128 << 20;

/// Refuses fields of one JSON text.
#[derive(Clone, Copy)]
struct Refuse(u64);

impl Refuse {
    fn field(self, field: impl Display, found: impl Display, allowed: impl Display) -> Refusal {
        Refusal::new(self.0, field, found, allowed)
    }
}

/// Checks the text that begins at `offset` and belongs to a header of `size` bytes.
pub(super) fn describe(
    metadata: &Metadata,
    size: u64,
    offset: u64,
    limits: &KdfLimits,
) -> Result<Description, Refusal> {
    let refuse = Refuse(offset);
    let header_end = check_config(metadata, size, refuse)?;
    let (cipher, sector_size, data_offset, data_bytes) = check_segment(metadata, refuse)?;
    if cipher.integrity().is_some() && data_bytes.is_some() {
        return Err(refuse.field("segments.0.size", "a number", "\"dynamic\" with integrity"));
    }
    let mut keyslots = Vec::new();
    let mut areas = vec![
        (0, size, "the first copy of the header".to_owned()),
        (size, size, "the second copy of the header".to_owned()),
    ];
    for (number, object) in &metadata.keyslots.0 {
        let KeyslotObject::Luks2(object) = object;
        let keyslot = check_keyslot(*number, object, cipher, limits, refuse)?;
        let area = keyslot.area;
        if area
            .offset
            .checked_add(area.bytes)
            .is_none_or(|end| end > header_end)
        {
            return Err(refuse.field(
                format!("keyslots.{number}.area"),
                format!("{} bytes at {}", area.bytes, area.offset),
                format!("up to {header_end}, where the keyslots end"),
            ));
        }
        areas.push((area.offset, area.bytes, format!("keyslot {number}")));
        keyslots.push(keyslot);
    }
    check_overlaps(areas)?;
    let digest = check_digest(metadata, limits, refuse)?;
    Ok(Description {
        cipher,
        sector_size,
        data_offset,
        data_bytes,
        keyslots,
        digest,
        header_end,
    })
}

/// Where the keyslots end.
fn check_config(metadata: &Metadata, size: u64, refuse: Refuse) -> Result<u64, Refusal> {
    let config = &metadata.config;
    let json = size - BINARY_BYTES as u64;
    if config.json_size.0 != json {
        return Err(refuse.field("config.json_size", config.json_size.0, json));
    }
    let keyslots = config.keyslots_size.0;
    if keyslots > MOST_KEYSLOTS_BYTES || !keyslots.is_multiple_of(AREA_ALIGNMENT) {
        return Err(refuse.field(
            "config.keyslots_size",
            keyslots,
            format!("a multiple of {AREA_ALIGNMENT} up to {MOST_KEYSLOTS_BYTES}"),
        ));
    }
    if let Some(requirements) = &config.requirements {
        let mandatory = requirements.get("mandatory").and_then(|list| list.as_array());
        if !mandatory.is_some_and(Vec::is_empty) {
            return Err(refuse.field(
                "config.requirements",
                quoted(&requirements.to_string()),
                "none: re-encryption and the like are not supported",
            ));
        }
    }
    let mut flags = config.flags.iter().flatten();
    if let Some(flag) = flags.find(|flag| !FLAGS.contains(&flag.as_str())) {
        return Err(refuse.field("config.flags", quoted(flag), FLAGS.join(", ")));
    }
    Ok(2 * size + keyslots)
}

type Segment = (Cipher, SectorSize, u64, Option<u64>);

fn check_segment(metadata: &Metadata, refuse: Refuse) -> Result<Segment, Refusal> {
    let segments = &metadata.segments.0;
    let (1, Some(segment)) = (segments.len(), segments.get(&0)) else {
        let found: Vec<_> = segments.keys().map(u32::to_string).collect();
        return Err(refuse.field("segments", format!("{{{}}}", found.join(", ")), "segment 0 alone"));
    };
    let SegmentObject::Crypt {
        offset,
        size,
        iv_tweak,
        encryption,
        sector_size,
        integrity,
        flags,
    } = segment;
    if let Some(flag) = flags.iter().flatten().next() {
        return Err(refuse.field("segments.0.flags", quoted(flag), "none"));
    }
    if iv_tweak.0 != 0 {
        return Err(refuse.field("segments.0.iv_tweak", iv_tweak.0, 0));
    }
    if let Some(integrity) = integrity {
        for (name, found) in [
            ("journal_encryption", &integrity.journal_encryption),
            ("journal_integrity", &integrity.journal_integrity),
        ] {
            if found != "none" {
                return Err(refuse.field(format!("segments.0.integrity.{name}"), quoted(found), "none"));
            }
        }
    }
    // The length of the volume key stands in the keyslots alone; without one, the usual is meant.
    let integrity = integrity.as_ref().map(|integrity| integrity.kind.as_str());
    let mut key_sizes = metadata
        .keyslots
        .0
        .values()
        .map(|KeyslotObject::Luks2(keyslot)| keyslot.key_size);
    let usual = |cipher: &Cipher| cipher.encryption() == encryption && cipher.integrity() == integrity;
    let key_bytes = key_sizes.next().unwrap_or_else(|| {
        let cipher = Cipher::ALL.into_iter().rev().find(usual);
        cipher.map_or(0, Cipher::key_bytes)
    });
    let cipher = Cipher::find(encryption, integrity, key_bytes).map_err(|allowed| {
        let with = integrity.map_or(String::new(), |integrity| format!(" with {}", quoted(integrity)));
        let found = format!("{}{with} and a key of {key_bytes} bytes", quoted(encryption));
        refuse.field("segments.0.encryption", found, allowed)
    })?;
    let bytes = *sector_size as usize;
    let sector_size = SectorSize::new(bytes)
        .map_err(|_| refuse.field("segments.0.sector_size", bytes, "512, 1024, 2048 or 4096"))?;
    if !offset.0.is_multiple_of(512) {
        return Err(refuse.field("segments.0.offset", offset.0, "a multiple of 512"));
    }
    let data_bytes = match size {
        SegmentSize::Dynamic => None,
        SegmentSize::Bytes(size) if *size > 0 && size.is_multiple_of(bytes as u64) => Some(*size),
        SegmentSize::Bytes(size) => {
            let allowed = format!("\"dynamic\" or a multiple of {bytes}, more than 0");
            return Err(refuse.field("segments.0.size", size, allowed));
        }
    };
    Ok((cipher, sector_size, offset.0, data_bytes))
}

fn check_keyslot(
    number: u32,
    keyslot: &Luks2Keyslot,
    cipher: Cipher,
    limits: &KdfLimits,
    refuse: Refuse,
) -> Result<Keyslot, Refusal> {
    let name = |field: &str| format!("keyslots.{number}.{field}");
    if keyslot.key_size != cipher.key_bytes() {
        return Err(refuse.field(
            name("key_size"),
            keyslot.key_size,
            format!("{}, which {cipher} needs", cipher.key_bytes()),
        ));
    }
    let priority = keyslot.priority.unwrap_or(1);
    if priority > 2 {
        return Err(refuse.field(name("priority"), priority, "0, 1 or 2"));
    }
    let SplitObject::Luks1 { stripes, hash } = keyslot.af;
    if stripes != STRIPES {
        return Err(refuse.field(name("af.stripes"), stripes, STRIPES));
    }
    check_hash(hash, &name("af.hash"), refuse)?;
    let AreaObject::Raw {
        offset,
        size,
        encryption,
        key_size,
    } = &keyslot.area;
    let area_cipher = Cipher::find_for_keyslot(encryption, *key_size).map_err(|allowed| {
        let found = format!("{} and a key of {key_size} bytes", quoted(encryption));
        refuse.field(name("area.encryption"), found, allowed)
    })?;
    let least = material_bytes(keyslot.key_size) as u64;
    if size.0 < least || !size.0.is_multiple_of(AREA_ALIGNMENT) {
        let allowed = format!("a multiple of {AREA_ALIGNMENT}, at least {least}");
        return Err(refuse.field(name("area.size"), size.0, allowed));
    }
    if !offset.0.is_multiple_of(AREA_ALIGNMENT) {
        let allowed = format!("a multiple of {AREA_ALIGNMENT}");
        return Err(refuse.field(name("area.offset"), offset.0, allowed));
    }
    let (pbkdf, salt) = match &keyslot.kdf {
        KdfObject::Pbkdf2 {
            hash,
            iterations,
            salt,
        } => {
            check_hash(*hash, &name("kdf.hash"), refuse)?;
            let iterations = *iterations;
            (
                Pbkdf::Pbkdf2 {
                    hash: *hash,
                    iterations,
                },
                salt,
            )
        }
        KdfObject::Argon2i {
            time,
            memory,
            cpus,
            salt,
        } => (Pbkdf::Argon2i(cost(*time, *memory, *cpus)), salt),
        KdfObject::Argon2id {
            time,
            memory,
            cpus,
            salt,
        } => (Pbkdf::Argon2id(cost(*time, *memory, *cpus)), salt),
    };
    if let Some((parameter, found, allowed)) = pbkdf.out_of_bounds(limits) {
        return Err(refuse.field(name(&format!("kdf.{parameter}")), found, allowed));
    }
    Ok(Keyslot {
        number,
        priority,
        key_bytes: keyslot.key_size,
        pbkdf,
        salt: check_salt(salt, &name("kdf.salt"), refuse)?,
        split_hash: hash,
        area: Area {
            offset: offset.0,
            bytes: size.0,
            cipher: area_cipher,
        },
    })
}

fn cost(time: u32, memory: u32, cpus: u32) -> Argon2Cost {
    Argon2Cost { time, memory, cpus }
}

fn check_digest(metadata: &Metadata, limits: &KdfLimits, refuse: Refuse) -> Result<Digest, Refusal> {
    let digests = &metadata.digests.0;
    let mut all = digests.iter();
    let (Some((number, digest)), None) = (all.next(), all.next()) else {
        let found = format!("{} digests", digests.len());
        return Err(refuse.field("digests", found, "one, of segment 0 and all keyslots"));
    };
    let name = |field: &str| format!("digests.{number}.{field}");
    let DigestObject::Pbkdf2 {
        keyslots,
        segments,
        hash,
        iterations,
        salt,
        digest,
    } = digest;
    if segments[..] != ["0"] {
        return Err(refuse.field(name("segments"), quoted(&segments.join(", ")), "[\"0\"]"));
    }
    let mut bound = Vec::new();
    for text in keyslots {
        let keyslot = decimal(text).filter(|keyslot| metadata.keyslots.0.contains_key(keyslot));
        match keyslot {
            Some(keyslot) if !bound.contains(&keyslot) => bound.push(keyslot),
            _ => return Err(refuse.field(name("keyslots"), quoted(text), "each keyslot once")),
        }
    }
    if let Some(missing) = metadata
        .keyslots
        .0
        .keys()
        .find(|keyslot| !bound.contains(keyslot))
    {
        let found = format!("without keyslot {missing}");
        return Err(refuse.field(name("keyslots"), found, "every keyslot there is"));
    }
    check_hash(*hash, &name("hash"), refuse)?;
    let pbkdf = Pbkdf::Pbkdf2 {
        hash: *hash,
        iterations: *iterations,
    };
    if let Some((parameter, found, allowed)) = pbkdf.out_of_bounds(limits) {
        return Err(refuse.field(name(parameter), found, allowed));
    }
    // A shorter one would let other keys pass; 20 bytes are what a converted LUKS1 header has.
    if digest.0.len() != hash.bytes() && digest.0.len() != LUKS1_DIGEST_BYTES {
        let allowed = format!("{} or {LUKS1_DIGEST_BYTES}", hash.bytes());
        return Err(refuse.field(name("digest"), format!("{} bytes", digest.0.len()), allowed));
    }
    Ok(Digest {
        hash: *hash,
        iterations: *iterations,
        salt: check_salt(salt, &name("salt"), refuse)?,
        digest: digest.0.clone(),
    })
}

fn check_hash(hash: Hash, name: &str, refuse: Refuse) -> Result<(), Refusal> {
    match hash {
        Hash::Sha256 | Hash::Sha512 => Ok(()),
        Hash::Sha1 => Err(refuse.field(name, hash.id(), "sha256, sha512")),
    }
}

fn check_salt(salt: &Binary, name: &str, refuse: Refuse) -> Result<[u8; SALT_BYTES], Refusal> {
    let array = salt.0.as_slice().try_into();
    array.map_err(|_| refuse.field(name, format!("{} bytes", salt.0.len()), SALT_BYTES))
}
