//! RSAES-PKCS1-v1_5 (RFC 8017, section 7.2), only to read and write what CRIU's encrypted images hold.
//!
//! Whoever can ask often enough whether a ciphertext decrypts can decrypt others with it (Bleichenbacher), whatever the
//! implementation. So it is for files at hand alone, never for what others send and see answered, and nothing new is to
//! use it.

use aws_lc_rs::rsa::{Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey};
use zeroize::Zeroizing;

use crate::recipient::RecipientPublic;
use crate::recipient_key::RecipientPrivate;
use crate::rsa_oaep::no_rsa_key;
use crate::{Recipient, RecipientKey, WrapError};

/// Wraps `secret`, at most the modulus's bytes less 11, for `recipient`.
pub fn encrypt(recipient: &Recipient, secret: &[u8]) -> Result<Vec<u8>, WrapError> {
    let RecipientPublic::Rsa(key) = recipient.key() else {
        return Err(no_rsa_key(recipient));
    };
    let key = Pkcs1PublicEncryptingKey::new(key.clone())
        .map_err(|_| WrapError::Library("preparing RSA with PKCS #1 v1.5"))?;
    let most = key.max_plaintext_size();
    if secret.len() > most {
        return Err(WrapError::Length {
            what: "the secret to be wrapped",
            found: secret.len(),
            expected: format!("at most {most}"),
        });
    }
    let mut wrapped = vec![0; key.ciphertext_size()];
    key.encrypt(secret, &mut wrapped)
        .map_err(|_| WrapError::Library("encrypting with RSA and PKCS #1 v1.5"))?;
    Ok(wrapped)
}

/// Unwraps what [`encrypt`] made for `key`'s recipient.
pub fn decrypt(key: &RecipientKey, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, WrapError> {
    let RecipientPrivate::Rsa(private) = key.key() else {
        return Err(no_rsa_key(key.recipient()));
    };
    let private = Pkcs1PrivateDecryptingKey::new(private.clone())
        .map_err(|_| WrapError::Library("preparing RSA with PKCS #1 v1.5"))?;
    let mut secret = Zeroizing::new(vec![0; private.min_output_size()]);
    let length = private
        .decrypt(wrapped, &mut secret)
        .map_err(|_| WrapError::Refused("the RSA ciphertext"))?
        .len();
    secret.truncate(length);
    Ok(secret)
}
