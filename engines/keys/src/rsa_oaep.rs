//! RSAES-OAEP (RFC 8017, section 7.1) with the same hash for the label and for the mask, as AWS-LC has it.

use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepAlgorithm, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
};
use zeroize::Zeroizing;

use crate::recipient::RecipientPublic;
use crate::recipient_key::RecipientPrivate;
use crate::{Recipient, RecipientKey, WrapError};

/// A hash function that OAEP can be asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hash {
    /// SHA-1, the default of RFC 8017 and of JWE's `RSA-OAEP`. OAEP does not rest on its collision resistance.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// The hash's name in the harness protocol: `SHA-1`, `SHA-256` and so on.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    /// The hash of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512]
            .into_iter()
            .find(|hash| hash.name() == name)
    }
}

fn algorithm(hash: Hash, mask: Hash) -> Result<&'static OaepAlgorithm, WrapError> {
    match (hash, mask) {
        (Hash::Sha1, Hash::Sha1) => Ok(&OAEP_SHA1_MGF1SHA1),
        (Hash::Sha256, Hash::Sha256) => Ok(&OAEP_SHA256_MGF1SHA256),
        (Hash::Sha384, Hash::Sha384) => Ok(&OAEP_SHA384_MGF1SHA384),
        (Hash::Sha512, Hash::Sha512) => Ok(&OAEP_SHA512_MGF1SHA512),
        (hash, mask) => Err(WrapError::Unsupported {
            what: "RSA-OAEP with the hash and mask hash",
            found: format!("{} and {}", hash.name(), mask.name()),
            implemented: "SHA-1, SHA-256, SHA-384 and SHA-512, the same for both,",
        }),
    }
}

/// Wraps `secret` for `recipient`; `mask` is the hash of the mask generation function MGF1. At most the modulus's bytes,
/// less two hashes and 2, fit.
pub fn encrypt(
    recipient: &Recipient,
    hash: Hash,
    mask: Hash,
    label: &[u8],
    secret: &[u8],
) -> Result<Vec<u8>, WrapError> {
    let algorithm = algorithm(hash, mask)?;
    let RecipientPublic::Rsa(key) = recipient.key() else {
        return Err(no_rsa_key(recipient));
    };
    let key =
        OaepPublicEncryptingKey::new(key.clone()).map_err(|_| WrapError::Library("preparing RSA-OAEP"))?;
    let most = key.max_plaintext_size(algorithm);
    if secret.len() > most {
        return Err(WrapError::Length {
            what: "the secret to be wrapped",
            found: secret.len(),
            expected: format!("at most {most}"),
        });
    }
    let mut wrapped = vec![0; key.ciphertext_size()];
    key.encrypt(algorithm, secret, &mut wrapped, Some(label))
        .map_err(|_| WrapError::Library("encrypting with RSA-OAEP"))?;
    Ok(wrapped)
}

/// Unwraps what [`encrypt`] made for `key`'s recipient with the same hashes and label.
pub fn decrypt(
    key: &RecipientKey,
    hash: Hash,
    mask: Hash,
    label: &[u8],
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, WrapError> {
    let algorithm = algorithm(hash, mask)?;
    let RecipientPrivate::Rsa(private) = key.key() else {
        return Err(no_rsa_key(key.recipient()));
    };
    let private = OaepPrivateDecryptingKey::new(private.clone())
        .map_err(|_| WrapError::Library("preparing RSA-OAEP"))?;
    let mut secret = Zeroizing::new(vec![0; private.min_output_size()]);
    let length = private
        .decrypt(algorithm, wrapped, &mut secret, Some(label))
        .map_err(|_| WrapError::Refused("the RSA-OAEP ciphertext"))?
        .len();
    secret.truncate(length);
    Ok(secret)
}

pub(crate) fn no_rsa_key(recipient: &Recipient) -> WrapError {
    WrapError::Unsupported {
        what: "RSA encryption with the key",
        found: recipient.kind().to_string(),
        implemented: "RSA keys",
    }
}
