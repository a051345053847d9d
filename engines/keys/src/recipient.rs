//! Public keys that data keys are wrapped for.

use std::fmt;
use std::path::Path;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::PublicEncryptingKey;

use crate::encoded::{self, KeyFileError, KeyProblem};
use crate::public::{self, Public};
use crate::{Curve, KeyId};

/// A public key that data keys are wrapped for: RSA of 2048 to 8192 bits, or EC on P-256, P-384 or P-521.
#[derive(Clone)]
pub struct Recipient {
    id: KeyId,
    spki: Vec<u8>,
    key: RecipientPublic,
}

#[derive(Clone)]
pub(crate) enum RecipientPublic {
    Rsa(PublicEncryptingKey),
    /// The uncompressed point is what the SubjectPublicKeyInfo ends with.
    Ec(Curve),
}

/// The kind of a recipient's key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyKind {
    /// Elliptic-curve Diffie-Hellman.
    Ec(Curve),
    /// RSA.
    Rsa {
        /// The length of the modulus, in bits.
        bits: usize,
    },
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ec(curve) => write!(f, "EC {curve}"),
            Self::Rsa { bits } => write!(f, "RSA {bits} bits"),
        }
    }
}

impl Recipient {
    /// The public key in the file `path`: an X.509 certificate or a SubjectPublicKeyInfo ("PUBLIC KEY"), in PEM or DER.
    ///
    /// Of a certificate only the key is used: its signature, dates and purposes are not looked at.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let file = path.display().to_string();
        let bytes = encoded::read(path).map_err(KeyFileError::within(&file))?;
        Self::from_bytes(&file, &bytes)
    }

    /// As [`Recipient::read`], of bytes that are at hand; `file` is what errors call them.
    pub fn from_bytes(file: &str, bytes: &[u8]) -> Result<Self, KeyFileError> {
        Self::parse(bytes).map_err(KeyFileError::within(file))
    }

    fn parse(bytes: &[u8]) -> Result<Self, KeyProblem> {
        match public::parse(bytes)? {
            Public::Rsa(spki) => {
                let key = PublicEncryptingKey::from_der(&spki).map_err(|error| KeyProblem::Refused {
                    what: "the RSA key",
                    detail: format!("{error}; its modulus must have 2048 to 8192 bits"),
                })?;
                Self::rsa(key)
            }
            Public::Ec(curve, point) => Self::ec(curve, &point),
            Public::Ed25519(_) => Err(KeyProblem::Unsupported {
                found: "an Ed25519 key, which signs and cannot unwrap,".to_owned(),
                expected: "an RSA or EC key",
            }),
        }
    }

    pub(crate) fn rsa(key: PublicEncryptingKey) -> Result<Self, KeyProblem> {
        let spki = key.as_der().map_err(|_| KeyProblem::Refused {
            what: "the RSA key",
            detail: "it cannot be written as SubjectPublicKeyInfo".to_owned(),
        })?;
        let spki = spki.as_ref().to_vec();
        Ok(Self {
            id: KeyId::of(&spki),
            spki,
            key: RecipientPublic::Rsa(key),
        })
    }

    pub(crate) fn ec(curve: Curve, point: &[u8]) -> Result<Self, KeyProblem> {
        let spki = curve.spki(point).ok_or_else(|| KeyProblem::Refused {
            what: "the EC key",
            detail: format!("its point is not on {curve}"),
        })?;
        Ok(Self {
            id: KeyId::of(&spki),
            spki,
            key: RecipientPublic::Ec(curve),
        })
    }

    /// The key's identifier, equal to that of its private key.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The kind of the key.
    pub fn kind(&self) -> KeyKind {
        match &self.key {
            RecipientPublic::Ec(curve) => KeyKind::Ec(*curve),
            RecipientPublic::Rsa(key) => KeyKind::Rsa {
                bits: key.key_size_bits(),
            },
        }
    }

    /// The key as SubjectPublicKeyInfo in DER; an EC point is uncompressed.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    pub(crate) fn key(&self) -> &RecipientPublic {
        &self.key
    }

    /// The uncompressed point of a key on `curve`.
    pub(crate) fn point(&self, curve: Curve) -> &[u8] {
        &self.spki[self.spki.len().saturating_sub(curve.point_bytes())..]
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({}, {})", self.kind(), self.id)
    }
}
