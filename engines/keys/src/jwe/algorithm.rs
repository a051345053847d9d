//! How a JWE's content key comes to its recipients: the `alg` member (RFC 7518, section 4).

use crate::rsa_oaep::Hash;

/// A key management algorithm.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum KeyManagement {
    /// The content key, wrapped under a symmetric key of so many bytes.
    AesKw(usize),
    /// The symmetric key is the content key.
    Direct,
    /// The agreed key is the content key.
    EcdhEs,
    /// The content key, wrapped under the agreed key of so many bytes.
    EcdhEsAesKw(usize),
    /// The content key, encrypted with RSA.
    RsaOaep(Hash),
}

impl KeyManagement {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "A128KW" => Some(Self::AesKw(16)),
            "A256KW" => Some(Self::AesKw(32)),
            "dir" => Some(Self::Direct),
            "ECDH-ES" => Some(Self::EcdhEs),
            "ECDH-ES+A128KW" => Some(Self::EcdhEsAesKw(16)),
            "ECDH-ES+A256KW" => Some(Self::EcdhEsAesKw(32)),
            "RSA-OAEP" => Some(Self::RsaOaep(Hash::Sha1)),
            "RSA-OAEP-256" => Some(Self::RsaOaep(Hash::Sha256)),
            _ => None,
        }
    }
}
