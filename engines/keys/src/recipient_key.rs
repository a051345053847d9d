//! Private keys that unwrap data keys.

use std::fmt;
use std::path::Path;

use aws_lc_rs::agreement;
use aws_lc_rs::rsa::PrivateDecryptingKey;

use crate::encoded::{self, KeyFileError, KeyProblem};
use crate::private::{self, Private};
use crate::{Curve, KeyId, KeyKind, Recipient};

/// A private key that unwraps what was wrapped for its [`Recipient`].
pub struct RecipientKey {
    public: Recipient,
    key: RecipientPrivate,
}

pub(crate) enum RecipientPrivate {
    Rsa(PrivateDecryptingKey),
    Ec(Curve, agreement::PrivateKey),
}

impl RecipientKey {
    /// The private key in the file `path`: PKCS #8 ("PRIVATE KEY"), the same encrypted with `password`
    /// ("ENCRYPTED PRIVATE KEY", PBES2), PKCS #1 ("RSA PRIVATE KEY") or SEC 1 ("EC PRIVATE KEY"), in PEM or DER.
    pub fn read(path: &Path, password: Option<&[u8]>) -> Result<Self, KeyFileError> {
        let file = path.display().to_string();
        let bytes = encoded::read(path).map_err(KeyFileError::within(&file))?;
        Self::from_bytes(&file, &bytes, password)
    }

    /// As [`RecipientKey::read`], of bytes that are at hand; `file` is what errors call them.
    pub fn from_bytes(file: &str, bytes: &[u8], password: Option<&[u8]>) -> Result<Self, KeyFileError> {
        Self::parse(bytes, password).map_err(KeyFileError::within(file))
    }

    fn parse(bytes: &[u8], password: Option<&[u8]>) -> Result<Self, KeyProblem> {
        match private::parse(bytes, password)? {
            Private::Rsa(pkcs8) => {
                let key = PrivateDecryptingKey::from_pkcs8(&pkcs8).map_err(|error| KeyProblem::Refused {
                    what: "the RSA key",
                    detail: format!("{error}; its modulus must have 2048 to 8192 bits"),
                })?;
                Self::rsa(key)
            }
            Private::Ec(curve, der) => {
                let key =
                    agreement::PrivateKey::from_private_key_der(curve.ecdh(), &der).map_err(|error| {
                        KeyProblem::Refused {
                            what: "the EC key",
                            detail: error.to_string(),
                        }
                    })?;
                Self::ec(curve, key)
            }
            Private::Ed25519(_) => Err(KeyProblem::Unsupported {
                found: "an Ed25519 key, which signs and cannot unwrap,".to_owned(),
                expected: "an RSA or EC key",
            }),
        }
    }

    pub(crate) fn rsa(key: PrivateDecryptingKey) -> Result<Self, KeyProblem> {
        Ok(Self {
            public: Recipient::rsa(key.public_key())?,
            key: RecipientPrivate::Rsa(key),
        })
    }

    pub(crate) fn ec(curve: Curve, key: agreement::PrivateKey) -> Result<Self, KeyProblem> {
        let point = key.compute_public_key().map_err(|_| KeyProblem::Refused {
            what: "the EC key",
            detail: "it has no public key".to_owned(),
        })?;
        Ok(Self {
            public: Recipient::ec(curve, point.as_ref())?,
            key: RecipientPrivate::Ec(curve, key),
        })
    }

    /// The public half.
    pub fn recipient(&self) -> &Recipient {
        &self.public
    }

    /// The key's identifier, equal to that of its public key.
    pub fn id(&self) -> KeyId {
        self.public.id()
    }

    /// The kind of the key.
    pub fn kind(&self) -> KeyKind {
        self.public.kind()
    }

    pub(crate) fn key(&self) -> &RecipientPrivate {
        &self.key
    }
}

impl fmt::Debug for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecipientKey({}, {}, secret)", self.kind(), self.id())
    }
}
