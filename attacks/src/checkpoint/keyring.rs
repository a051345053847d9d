//! Keys of the bench, new for each run.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::Ed25519KeyPair;
use sealab_keys::jwe::JweKey;
use sealab_keys::{RecipientKey, SigningKey};

use crate::AttackError;

/// A recipient's private key, in both forms in which formats take it.
pub(super) struct OpeningKey {
    pub(super) rsa: RecipientKey,
    pub(super) jwe: JweKey,
}

/// Who is in the play.
pub(super) struct Keyring {
    /// For whom sets are sealed.
    pub(super) recipient: OpeningKey,
    /// Who seals them.
    pub(super) sender: SigningKey,
    /// Somebody else, who knows the recipient's public key.
    pub(super) stranger: OpeningKey,
    /// The same, as a sender.
    pub(super) stranger_sender: SigningKey,
}

impl Keyring {
    pub(super) fn new() -> Result<Self, AttackError> {
        Ok(Self {
            recipient: recipient()?,
            sender: sender()?,
            stranger: recipient()?,
            stranger_sender: sender()?,
        })
    }
}

// RSA, since all formats know it.
fn recipient() -> Result<OpeningKey, AttackError> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(failed)?;
    let key = || RecipientKey::from_bytes("a new key", der.as_ref(), None).map_err(failed);
    Ok(OpeningKey {
        rsa: key()?,
        jwe: key()?.into(),
    })
}

fn sender() -> Result<SigningKey, AttackError> {
    let pair = Ed25519KeyPair::generate().map_err(failed)?;
    let der = pair.to_pkcs8v1().map_err(failed)?;
    SigningKey::from_bytes("a new key", der.as_ref(), None).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> AttackError {
    AttackError::Key(error.to_string())
}
