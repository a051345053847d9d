//! A keyslot as the JSON text has it.

use super::super::Pbkdf;
use super::super::anti_forensic::STRIPES;
use super::super::keyslot::Keyslot;
use super::json::{AreaObject, Binary, Decimal, KdfObject, KeyslotObject, Luks2Keyslot, SplitObject};

/// The keyslot as the JSON text has it.
pub(in super::super) fn keyslot_object(keyslot: &Keyslot) -> KeyslotObject {
    let salt = Binary(keyslot.salt.to_vec());
    let kdf = match keyslot.pbkdf {
        Pbkdf::Pbkdf2 { hash, iterations } => KdfObject::Pbkdf2 {
            hash,
            iterations,
            salt,
        },
        Pbkdf::Argon2i(cost) => KdfObject::Argon2i {
            time: cost.time,
            memory: cost.memory,
            cpus: cost.cpus,
            salt,
        },
        Pbkdf::Argon2id(cost) => KdfObject::Argon2id {
            time: cost.time,
            memory: cost.memory,
            cpus: cost.cpus,
            salt,
        },
    };
    KeyslotObject::Luks2(Luks2Keyslot {
        key_size: keyslot.key_bytes,
        priority: (keyslot.priority != 1).then_some(keyslot.priority),
        af: SplitObject::Luks1 {
            stripes: STRIPES,
            hash: keyslot.split_hash,
        },
        area: AreaObject::Raw {
            offset: Decimal(keyslot.area.offset),
            size: Decimal(keyslot.area.bytes),
            encryption: keyslot.area.cipher.encryption().to_owned(),
            key_size: keyslot.area.cipher.key_bytes(),
        },
        kdf,
    })
}
