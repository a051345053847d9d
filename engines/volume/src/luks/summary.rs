//! What a header says, for people and programs. No secrets: salts and digests are left out too.

use serde::Serialize;

use super::Pbkdf;
use super::description::Description;
use super::keyslot::Keyslot;
use super::luks1::Luks1;
use super::luks2::Luks2;

/// A header.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// 1 or 2.
    pub version: u32,
    /// The volume's UUID.
    pub uuid: String,
    /// Its name, empty if none.
    pub label: String,
    /// Its second name, empty if none.
    pub subsystem: String,
    /// What the header calls the cipher of the sectors, such as `aes-xts-plain64`.
    pub encryption: &'static str,
    /// What it calls the integrity, such as `hmac(sha256)`.
    pub integrity: Option<&'static str>,
    /// The length of the volume key, in bytes.
    pub key_bytes: usize,
    /// The size of a sector, in bytes.
    pub sector_size: usize,
    /// Where the data begin, in bytes of their store.
    pub data_offset: u64,
    /// Their length in bytes; up to the store's end if none.
    pub data_bytes: Option<u64>,
    /// The keyslots in use.
    pub keyslots: Vec<KeyslotSummary>,
    /// What tells the right volume key.
    pub digest: DigestSummary,
    /// Tokens, which hold what others need to find a passphrase.
    pub tokens: Vec<TokenSummary>,
    /// Flags that the header advises; none is heeded.
    pub flags: Vec<String>,
    /// The copies of the header.
    pub copies: Vec<CopySummary>,
}

/// A keyslot.
#[derive(Clone, Debug, Serialize)]
pub struct KeyslotSummary {
    /// Its number.
    pub number: u32,
    /// 0: used only if asked for; 1: the usual; 2: tried first.
    pub priority: u8,
    /// How its key comes from the passphrase.
    pub pbkdf: Pbkdf,
    /// The hash of its anti-forensic split.
    pub split_hash: &'static str,
    /// Where its key material lies.
    pub area: AreaSummary,
}

/// Where key material lies.
#[derive(Clone, Debug, Serialize)]
pub struct AreaSummary {
    /// In bytes of the header's store.
    pub offset: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// How it is encrypted.
    pub encryption: &'static str,
}

/// What tells the right volume key.
#[derive(Clone, Debug, Serialize)]
pub struct DigestSummary {
    /// The hash of its PBKDF2.
    pub hash: &'static str,
    /// The iterations of its PBKDF2.
    pub iterations: u32,
}

/// A token.
#[derive(Clone, Debug, Serialize)]
pub struct TokenSummary {
    /// Its number.
    pub number: u32,
    /// Its type, empty if it has none.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A copy of the header.
#[derive(Clone, Debug, Serialize)]
pub struct CopySummary {
    /// Its sequence number, if it is whole. LUKS1 has none.
    pub sequence: Option<u64>,
    /// What is wrong with it.
    pub problem: Option<String>,
}

impl Luks1 {
    pub(super) fn summary(&self) -> Summary {
        Summary {
            version: 1,
            uuid: self.uuid.clone(),
            copies: vec![CopySummary {
                sequence: None,
                problem: None,
            }],
            ..of(&self.description)
        }
    }
}

impl Luks2 {
    pub(super) fn summary(&self) -> Summary {
        let metadata = &self.metadata;
        let kind = |token: &serde_json::Value| token.get("type")?.as_str().map(str::to_owned);
        let tokens = metadata.tokens.0.iter().map(|(number, token)| TokenSummary {
            number: *number,
            kind: kind(token).unwrap_or_default(),
        });
        let copies = self.copies.iter().map(|copy| CopySummary {
            sequence: copy.as_ref().ok().copied(),
            problem: copy.as_ref().err().map(ToString::to_string),
        });
        Summary {
            uuid: self.binary.uuid.clone(),
            label: self.binary.label.clone(),
            subsystem: self.binary.subsystem.clone(),
            tokens: tokens.collect(),
            flags: metadata.config.flags.clone().unwrap_or_default(),
            copies: copies.collect(),
            ..of(&self.description)
        }
    }
}

fn of(description: &Description) -> Summary {
    let cipher = description.cipher;
    Summary {
        version: 2,
        uuid: String::new(),
        label: String::new(),
        subsystem: String::new(),
        encryption: cipher.encryption(),
        integrity: cipher.integrity(),
        key_bytes: cipher.key_bytes(),
        sector_size: description.sector_size.bytes(),
        data_offset: description.data_offset,
        data_bytes: description.data_bytes,
        keyslots: description.keyslots.iter().map(keyslot).collect(),
        digest: DigestSummary {
            hash: description.digest.hash.id(),
            iterations: description.digest.iterations,
        },
        tokens: Vec::new(),
        flags: Vec::new(),
        copies: Vec::new(),
    }
}

fn keyslot(keyslot: &Keyslot) -> KeyslotSummary {
    KeyslotSummary {
        number: keyslot.number,
        priority: keyslot.priority,
        pbkdf: keyslot.pbkdf,
        split_hash: keyslot.split_hash.id(),
        area: AreaSummary {
            offset: keyslot.area.offset,
            bytes: keyslot.area.bytes,
            encryption: keyslot.area.cipher.encryption(),
        },
    }
}
