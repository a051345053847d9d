//! Keys of the bench, new for each run.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use data_encoding::BASE64;
use sealab_keys::RecipientKey;
use sealab_keys::jwe::JweKey;
use sealab_layer::{LayerRecipient, NamedKey};
use zeroize::Zeroizing;

use crate::AttackError;

/// A recipient's private key, in the forms in which readers take it. On P-256, which all of them know.
pub(super) struct Key {
    jwe: JweKey,
    recipient: LayerRecipient,
    /// PKCS #8, as a PEM file has it.
    pub(super) pem: Zeroizing<String>,
}

impl Key {
    fn new() -> Result<Self, AttackError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
        let der = pair.to_pkcs8v1().map_err(failed)?;
        let key = RecipientKey::from_bytes("a new key", der.as_ref(), None).map_err(failed)?;
        let lines = Zeroizing::new(BASE64.encode(der.as_ref()));
        Ok(Self {
            recipient: key.recipient().clone().into(),
            jwe: key.into(),
            pem: Zeroizing::new(format!(
                "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
                lines.as_str()
            )),
        })
    }

    /// The key with its name.
    pub(super) fn named(&self) -> NamedKey<'_> {
        NamedKey {
            name: "the key",
            key: &self.jwe,
        }
    }

    /// Whom to seal for so that the key opens it.
    pub(super) fn recipient(&self) -> &LayerRecipient {
        &self.recipient
    }
}

/// Who is in the play.
pub(super) struct Keyring {
    /// For whom images are sealed.
    pub(super) recipient: Key,
    /// Somebody else, who knows the recipient's public key.
    pub(super) stranger: Key,
}

impl Keyring {
    pub(super) fn new() -> Result<Self, AttackError> {
        Ok(Self {
            recipient: Key::new()?,
            stranger: Key::new()?,
        })
    }
}

fn failed(error: impl std::fmt::Display) -> AttackError {
    AttackError::Key(error.to_string())
}
