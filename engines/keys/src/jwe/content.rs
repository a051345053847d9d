//! A JWE's content encryption: the `enc` member (RFC 7518, section 5).

use aws_lc_rs::aead::{
    AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey,
};
use zeroize::Zeroizing;

use super::cbc_hmac::{A128_HS256, A192_HS384, A256_HS512, CbcHmac};
use crate::WrapError;

/// A content encryption algorithm.
pub(super) struct ContentEncryption {
    pub(super) name: &'static str,
    scheme: Scheme,
}

enum Scheme {
    /// AES-CBC and HMAC.
    CbcHmac(&'static CbcHmac),
    /// AES-GCM with a nonce of 96 bits and a tag of 128.
    Gcm(&'static Algorithm),
}

pub(super) static A256GCM: ContentEncryption = ContentEncryption {
    name: "A256GCM",
    scheme: Scheme::Gcm(&AES_256_GCM),
};

static OTHERS: [ContentEncryption; 5] = [
    ContentEncryption {
        name: "A128GCM",
        scheme: Scheme::Gcm(&AES_128_GCM),
    },
    ContentEncryption {
        name: "A192GCM",
        scheme: Scheme::Gcm(&AES_192_GCM),
    },
    ContentEncryption {
        name: "A128CBC-HS256",
        scheme: Scheme::CbcHmac(&A128_HS256),
    },
    ContentEncryption {
        name: "A192CBC-HS384",
        scheme: Scheme::CbcHmac(&A192_HS384),
    },
    ContentEncryption {
        name: "A256CBC-HS512",
        scheme: Scheme::CbcHmac(&A256_HS512),
    },
];

fn gcm(algorithm: &'static Algorithm, key: &[u8]) -> Result<LessSafeKey, WrapError> {
    UnboundKey::new(algorithm, key)
        .map(LessSafeKey::new)
        .map_err(|_| WrapError::Refused("the content key"))
}

impl ContentEncryption {
    pub(super) fn from_name(name: &str) -> Option<&'static Self> {
        std::iter::once(&A256GCM)
            .chain(&OTHERS)
            .find(|encryption| encryption.name == name)
    }

    /// The length of the content key, in bytes.
    pub(super) fn key_bytes(&self) -> usize {
        match self.scheme {
            Scheme::CbcHmac(scheme) => scheme.key_bytes(),
            Scheme::Gcm(algorithm) => algorithm.key_len(),
        }
    }

    /// Decrypts and verifies.
    pub(super) fn open(
        &self,
        key: &[u8],
        iv: &[u8],
        associated_data: &[u8],
        ciphertext: &[u8],
        tag: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, WrapError> {
        let algorithm = match self.scheme {
            Scheme::CbcHmac(scheme) => return scheme.open(key, iv, associated_data, ciphertext, tag),
            Scheme::Gcm(algorithm) => algorithm,
        };
        let refused = || WrapError::Refused("the content");
        let nonce = Nonce::try_assume_unique_for_key(iv).map_err(|_| refused())?;
        let mut content = Zeroizing::new(ciphertext.to_vec());
        gcm(algorithm, key)?
            .open_in_place_separate_tag(nonce, Aad::from(associated_data), tag, &mut content)
            .map_err(|_| refused())?;
        Ok(content)
    }
}

/// Encrypts `content` in place with A256GCM and gives its tag.
pub(super) fn seal_a256gcm(
    key: &[u8],
    iv: [u8; 12],
    associated_data: &[u8],
    content: &mut [u8],
) -> Result<Vec<u8>, WrapError> {
    let tag = gcm(&AES_256_GCM, key)?
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(iv),
            Aad::from(associated_data),
            content,
        )
        .map_err(|_| WrapError::Library("sealing with AES-GCM"))?;
    Ok(tag.as_ref().to_vec())
}
