//! Making a volume.

use std::sync::Arc;

use sealab_engine::Engine;
use zeroize::Zeroizing;

use super::digest::{Digest, LUKS1_DIGEST_BYTES};
use super::header::Kind;
use super::keyslot::{Area, Keyslot, VolumeKey};
use super::luks1::Luks1;
use super::luks2::{
    Base64, Binary, Config, Decimal, DigestObject, IntegrityObject, Luks2, Metadata, Objects, SegmentObject,
    SegmentSize, keyslot_object,
};
use super::options::{COPY_BYTES, random_uuid};
use super::{Cipher, Device, Header, KdfLimits, LuksError, LuksVolume, OpenOptions, Options, Version};
use crate::Volume;
use crate::integrity;
use crate::sector::SectorSize;
use crate::store::Store;

/// Makes a new volume on `device`, with `passphrase` in keyslot 0, and syncs. What was there is lost.
///
/// Without integrity the data are left as they are, and read as noise until they are written. With integrity all sectors
/// are written with zeroes, unless [`super::IntegrityOptions`] says not to.
pub fn create(
    engine: Arc<dyn Engine>,
    device: &Device,
    options: &Options,
    passphrase: &[u8],
) -> Result<Header, LuksError> {
    let size = options.check()?;
    let key = random_key(options.cipher)?;
    let uuid = match &options.uuid {
        Some(uuid) => uuid.to_lowercase(),
        None => random_uuid()?,
    };
    let data_offset = options.data_offset(device.is_detached());
    let store = &**device.header();
    let (mut header, keyslot) = match options.version {
        Version::Luks1 => {
            let digest = Digest::of(&key, options.hash, LUKS1_DIGEST_BYTES)?;
            let header = Luks1::new(uuid, options.cipher, digest, data_offset, size);
            let mut header = Header::new(Kind::Luks1(Box::new(header)));
            let keyslot = header.new_keyslot(0, options.pbkdf)?;
            if let Kind::Luks1(header) = &mut header.kind {
                header.description.keyslots.push(keyslot.clone());
            }
            (header, keyslot)
        }
        Version::Luks2 => {
            let (header, keyslot) =
                luks2(options, &key, uuid, data_offset, size).map_err(|error| named(error, store))?;
            (Header::new(Kind::Luks2(Box::new(header))), keyslot)
        }
    };
    header.check(device)?;
    let end = if device.is_detached() {
        options.header_bytes().min(store.size())
    } else {
        data_offset
    };
    // Copies of other headers, and keyslots, that stood here before.
    let wiped = store.write_zeroes(0, end, true).and_then(|()| store.sync());
    wiped.map_err(|source| LuksError::Store {
        place: format!("{}: wiping {end} bytes at 0", store.name()),
        source,
    })?;
    if options.cipher.integrity().is_some() {
        integrity::format(&**device.data(), data_offset, &options.layout(size.bytes()))?;
    }
    keyslot.write(&*engine, store, &key, passphrase)?;
    header.write(store)?;
    if options.cipher.integrity().is_some() && !options.integrity.no_wipe {
        // Zeroes, each sector with its code, so that all can be read.
        let direct = OpenOptions {
            integrity_no_journal: true,
            ..OpenOptions::default()
        };
        let volume = LuksVolume::new(engine, device, &header, key, &direct)?;
        volume.write_zeroes(0, volume.size(), true)?;
        volume.flush()?;
    }
    Ok(header)
}

fn random_key(cipher: Cipher) -> Result<VolumeKey, LuksError> {
    let mut key = Zeroizing::new(vec![0; cipher.key_bytes()]);
    getrandom::fill(&mut key)?;
    Ok(key)
}

/// A refusal of what this module made gets the store's name as one of what was read.
fn named(error: LuksError, store: &dyn Store) -> LuksError {
    match error {
        LuksError::Header { refusal, .. } => LuksError::Header {
            name: store.name(),
            refusal,
        },
        other => other,
    }
}

fn luks2(
    options: &Options,
    key: &[u8],
    uuid: String,
    data_offset: u64,
    size: SectorSize,
) -> Result<(Luks2, Keyslot), LuksError> {
    let digest = Digest::of(key, options.hash, options.hash.bytes())?;
    let mut salt = [0; super::kdf::SALT_BYTES];
    getrandom::fill(&mut salt)?;
    let keyslot = Keyslot {
        number: 0,
        priority: 1,
        key_bytes: key.len(),
        pbkdf: options.pbkdf,
        salt,
        split_hash: options.hash,
        area: Area {
            offset: 2 * COPY_BYTES,
            bytes: Options::area_bytes(options.cipher),
            cipher: Cipher::Aes256XtsPlain64,
        },
    };
    let integrity = options.cipher.integrity().map(|kind| IntegrityObject {
        kind: kind.to_owned(),
        journal_encryption: "none".to_owned(),
        journal_integrity: "none".to_owned(),
    });
    let segment = SegmentObject::Crypt {
        offset: Decimal(data_offset),
        size: SegmentSize::Dynamic,
        iv_tweak: Decimal(0),
        encryption: options.cipher.encryption().to_owned(),
        // At most 4096.
        sector_size: size.bytes() as u32,
        integrity,
        flags: None,
    };
    let zero = vec!["0".to_owned()];
    let digest = DigestObject::Pbkdf2 {
        keyslots: zero.clone(),
        segments: zero,
        hash: digest.hash,
        iterations: digest.iterations,
        salt: Base64(digest.salt.to_vec()),
        digest: Base64(digest.digest),
    };
    let metadata = Metadata {
        keyslots: Objects([(0, keyslot_object(&keyslot))].into()),
        tokens: Objects([].into()),
        segments: Objects([(0, segment)].into()),
        digests: Objects([(0, digest)].into()),
        config: Config {
            json_size: Decimal(COPY_BYTES - super::luks2::BINARY_BYTES as u64),
            keyslots_size: Decimal(options.header_bytes() - 2 * COPY_BYTES),
            flags: None,
            requirements: None,
        },
    };
    let binary = Binary {
        size: COPY_BYTES,
        sequence: 0,
        label: options.label.clone(),
        subsystem: options.subsystem.clone(),
        uuid,
    };
    let header =
        Luks2::new(binary, metadata, &KdfLimits::default()).map_err(|refusal| LuksError::Header {
            name: String::new(),
            refusal,
        })?;
    Ok((header, keyslot))
}
