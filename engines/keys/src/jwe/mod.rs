//! JSON Web Encryption (RFC 7516): one secret sealed for one or several recipients, as ocicrypt writes it into the
//! annotations of an image's layers.
//!
//! Key management: `RSA-OAEP`, `RSA-OAEP-256`, `ECDH-ES`, `ECDH-ES+A128KW`, `ECDH-ES+A256KW`, `A128KW`, `A256KW` and
//! `dir`. Content: the AES-GCM and AES-CBC with HMAC of RFC 7518. Everything else is [`JweError::Unsupported`]: RSA with
//! PKCS #1 v1.5 on purpose, and compression too, for it tells lengths and expands without bounds.

mod algorithm;
mod cbc_hmac;
mod content;
mod decrypt;
mod encrypt;
mod header;
mod serialization;

use zeroize::Zeroizing;

use crate::jwk::{Jwk, JwkKey};
use crate::{JwkError, RecipientKey, WrapError};

pub use decrypt::decrypt;
pub use encrypt::encrypt;

/// What of a JWE from others is read at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The whole JWE, in bytes.
    pub bytes: usize,
    /// Recipients, each of which may cost a private-key operation.
    pub recipients: usize,
}

impl Default for Limits {
    /// 64 KiB and 100 recipients.
    fn default() -> Self {
        Self {
            bytes: 64 << 10,
            recipients: 100,
        }
    }
}

/// Why a JWE cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JweError {
    /// The JWE is not built as RFC 7516 asks.
    #[error("the JWE's {part} is wrong: {problem}")]
    Malformed {
        /// The part in question.
        part: &'static str,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
    /// The JWE has no recipient that this kind of key, or a key of this `alg`, could be.
    #[error("the JWE has no recipient for a key of this kind; it is for {algorithms}")]
    OtherKeys {
        /// The algorithms of its recipients.
        algorithms: String,
    },
    /// No recipient's key unwraps, or the content does not hold: it was made for other keys, or it was changed. Which
    /// of these, and where, is not told on purpose.
    #[error("the JWE does not open under this key: it was made for another key, or it was changed")]
    Refused,
    /// The JWE is larger than the limits, or has more recipients.
    #[error("the JWE has {found} {what}; at most {limit} are read")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// An algorithm or extension is not implemented.
    #[error("the JWE asks for what is not implemented: \"{member}\" is {found}")]
    Unsupported {
        /// The header's member.
        member: &'static str,
        /// Its value.
        found: String,
    },
    /// Wrapping for a recipient failed.
    #[error(transparent)]
    Wrap(WrapError),
}

/// A key that opens JWEs.
#[derive(Debug)]
pub struct JweKey {
    material: Material,
    /// The one algorithm that the key is for, if it names one.
    algorithm: Option<String>,
}

enum Material {
    Private(RecipientKey),
    Symmetric(Zeroizing<Vec<u8>>),
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Private(key) => key.fmt(f),
            Self::Symmetric(_) => f.write_str("Symmetric(secret)"),
        }
    }
}

impl JweKey {
    /// The private or symmetric key of a JWK (RFC 7517) in JSON. What its `use`, `key_ops` and `alg` do not allow is
    /// refused, here or in decrypting.
    pub fn from_jwk(text: &str) -> Result<Self, JwkError> {
        let Jwk { key, algorithm } = Jwk::parse(text)?;
        let material = match key {
            JwkKey::Private(key) => Material::Private(key),
            JwkKey::Symmetric(key) => Material::Symmetric(key),
        };
        Ok(Self { material, algorithm })
    }
}

impl From<RecipientKey> for JweKey {
    fn from(key: RecipientKey) -> Self {
        Self {
            material: Material::Private(key),
            algorithm: None,
        }
    }
}
