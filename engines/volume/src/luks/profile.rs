//! The ciphers and hashes that a header may name. Nothing else is opened or made.
//!
//! LUKS headers are not authenticated. Whoever can write one may name `cipher_null-ecb` as the cipher, or a digest that
//! accepts every key, and the volume opens and takes plaintext from then on (CVE-2025-59054, CVE-2025-58356). So what a
//! header asks for is held against this fixed list.

use sealab_engine::{Engine, KeyError, Primitive};
use serde::{Deserialize, Serialize};

use crate::sector::{AesGcmRandom, CbcEssiv, SectorCipher, SectorError, SectorSize, XtsHmac, XtsPlain64};

/// How the sectors of a volume are encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cipher {
    /// `aes-xts-plain64` with a volume key of 256 bits.
    Aes128XtsPlain64,
    /// `aes-xts-plain64` with a volume key of 512 bits, the usual one.
    Aes256XtsPlain64,
    /// `aes-cbc-essiv:sha256` with a volume key of 256 bits, the usual one of old volumes.
    Aes256CbcEssivSha256,
    /// `aes-gcm-random` with integrity `aead` and a volume key of 256 bits. LUKS2 only.
    Aes256GcmRandom,
    /// `aes-xts-plain64` with integrity `hmac(sha256)` and a volume key of 768 bits. LUKS2 only.
    Aes256XtsHmacSha256,
}

impl Cipher {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Aes128XtsPlain64,
        Self::Aes256XtsPlain64,
        Self::Aes256CbcEssivSha256,
        Self::Aes256GcmRandom,
        Self::Aes256XtsHmacSha256,
    ];

    /// What headers call it, without the integrity.
    pub fn encryption(self) -> &'static str {
        match self {
            Self::Aes128XtsPlain64 | Self::Aes256XtsPlain64 | Self::Aes256XtsHmacSha256 => "aes-xts-plain64",
            Self::Aes256CbcEssivSha256 => "aes-cbc-essiv:sha256",
            Self::Aes256GcmRandom => "aes-gcm-random",
        }
    }

    /// What LUKS2 headers call the integrity, if there is any.
    pub fn integrity(self) -> Option<&'static str> {
        match self {
            Self::Aes128XtsPlain64 | Self::Aes256XtsPlain64 | Self::Aes256CbcEssivSha256 => None,
            Self::Aes256GcmRandom => Some("aead"),
            Self::Aes256XtsHmacSha256 => Some("hmac(sha256)"),
        }
    }

    /// The length of the volume key, in bytes.
    pub fn key_bytes(self) -> usize {
        match self {
            Self::Aes128XtsPlain64 | Self::Aes256CbcEssivSha256 | Self::Aes256GcmRandom => 32,
            Self::Aes256XtsPlain64 => 64,
            Self::Aes256XtsHmacSha256 => 96,
        }
    }

    /// How many bytes each sector has beside its data.
    pub fn metadata_bytes(self) -> usize {
        match self {
            Self::Aes128XtsPlain64 | Self::Aes256XtsPlain64 | Self::Aes256CbcEssivSha256 => 0,
            Self::Aes256GcmRandom => 28,
            Self::Aes256XtsHmacSha256 => 32,
        }
    }

    /// The cipher of that name; what is allowed if it is none.
    pub(super) fn find(encryption: &str, integrity: Option<&str>, key_bytes: usize) -> Result<Self, String> {
        let fits = |cipher: &Self| {
            cipher.encryption() == encryption
                && cipher.integrity() == integrity
                && cipher.key_bytes() == key_bytes
        };
        Self::ALL.into_iter().find(fits).ok_or_else(|| {
            let all = Self::ALL.map(|cipher| cipher.to_string());
            all.join(", ")
        })
    }

    /// As [`Cipher::find`], among those that keyslots may be encrypted with.
    pub(super) fn find_for_keyslot(encryption: &str, key_bytes: usize) -> Result<Self, String> {
        Self::find(encryption, None, key_bytes).map_err(|_| {
            let without = Self::ALL.iter().filter(|cipher| cipher.integrity().is_none());
            let all: Vec<_> = without.map(Self::to_string).collect();
            all.join(", ")
        })
    }

    /// The sector cipher under a volume key.
    pub(super) fn keyed(
        self,
        engine: &dyn Engine,
        key: &[u8],
        size: SectorSize,
    ) -> Result<Box<dyn SectorCipher>, SectorError> {
        // The primitive is only for the message; a key has another length in tests alone.
        let length = |expected| KeyError::Length {
            primitive: Primitive::Aes256Xts,
            found: key.len(),
            expected,
        };
        Ok(match self {
            Self::Aes128XtsPlain64 => {
                let key = key.try_into().map_err(|_| length(32))?;
                Box::new(XtsPlain64::with_aes_128(engine, key, size)?)
            }
            Self::Aes256XtsPlain64 => {
                let key = key.try_into().map_err(|_| length(64))?;
                Box::new(XtsPlain64::new(engine, key, size)?)
            }
            Self::Aes256CbcEssivSha256 => {
                let key = key.try_into().map_err(|_| length(32))?;
                Box::new(CbcEssiv::new(engine, key, size)?)
            }
            Self::Aes256GcmRandom => {
                let key = key.try_into().map_err(|_| length(32))?;
                Box::new(AesGcmRandom::new(engine, key, size)?)
            }
            Self::Aes256XtsHmacSha256 => {
                let key = key.try_into().map_err(|_| length(96))?;
                Box::new(XtsHmac::new(engine, key, size)?)
            }
        })
    }
}

impl std::fmt::Display for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.encryption())?;
        if let Some(integrity) = self.integrity() {
            write!(f, " with {integrity}")?;
        }
        write!(f, " and a key of {} bytes", self.key_bytes())
    }
}

/// The hash of a key derivation, a digest or an anti-forensic split.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Hash {
    /// SHA-1, only in LUKS1 headers, whose default it was until 2016. None of its uses there needs collision resistance.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// What headers call it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// The length of its output, in bytes.
    pub fn bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// The hash of that name.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hash| hash.id() == id)
    }
}
