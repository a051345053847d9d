//! OpenPGP messages (RFC 9580), as ocicrypt and gpg have them, by rpgp.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use pgp::composed::{
    Deserializable, Message, MessageBuilder, SignedPublicKey, SignedPublicSubKey, SignedSecretKey,
};
use pgp::crypto::sym::SymmetricKeyAlgorithm;
use pgp::packet::SignatureType;
use pgp::types::{KeyDetails, Password, Timestamp};
use rand::rngs::OsRng;
use zeroize::Zeroizing;

use super::{PGP, PacketKey, WrappingError};
use crate::ocicrypt::MAX_OPTIONS_BYTES;

const MAX_KEY_BYTES: usize = 1 << 20;

/// Why an OpenPGP message is not read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PgpError {
    /// A file is no key that can be used.
    #[error("{file}: {problem}")]
    Key {
        /// The file.
        file: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// The library failed.
    #[error("an OpenPGP message cannot be written: {0}")]
    Library(String),
}

/// The holder of an OpenPGP key, by its encryption subkey.
#[derive(Clone)]
pub struct PgpRecipient(SignedPublicSubKey);

impl PgpRecipient {
    /// The first key in the file `path`, as `gpg --export` writes it, armored or not. Its newest subkey for encryption is
    /// taken that its primary key has signed and that is neither revoked nor expired.
    pub fn read(path: &Path) -> Result<Self, WrappingError> {
        let (file, bytes) = read(path)?;
        let wrong = |problem: String| PgpError::Key {
            file: file.clone(),
            problem,
        };
        let (key, _) = SignedPublicKey::from_reader_single(bytes.as_slice())
            .map_err(|error| wrong(format!("it is no OpenPGP public key: {error}")))?;
        if !key.details.revocation_signatures.is_empty() {
            return Err(wrong("the key is revoked".to_owned()).into());
        }
        let now = Timestamp::now().as_secs();
        key.public_subkeys
            .iter()
            .filter(|subkey| subkey.verify_bindings(&key.primary_key).is_ok() && is_fit(subkey, now))
            .max_by_key(|subkey| subkey.key.created_at().as_secs())
            .map(|subkey| Self(subkey.clone()))
            .ok_or_else(|| {
                let problem = "it has no subkey for encryption that is signed, not revoked and not expired";
                wrong(problem.to_owned()).into()
            })
    }
}

fn is_fit(subkey: &SignedPublicSubKey, now: u32) -> bool {
    let revoked = subkey
        .signatures
        .iter()
        .any(|signature| signature.typ() == Some(SignatureType::SubkeyRevocation));
    let newest = subkey
        .signatures
        .iter()
        .max_by_key(|signature| signature.created().map(Timestamp::as_secs));
    !revoked
        && newest.is_some_and(|signature| {
            let flags = signature.key_flags();
            let lifetime = signature
                .key_expiration_time()
                .map_or(0, |lifetime| lifetime.as_secs());
            // A lifetime of 0 is none.
            let ends = subkey.key.created_at().as_secs().saturating_add(lifetime);
            (flags.encrypt_comms() || flags.encrypt_storage()) && (lifetime == 0 || now < ends)
        })
}

impl fmt::Debug for PgpRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PgpRecipient({})", self.0.key.fingerprint())
    }
}

/// A secret key that opens OpenPGP messages.
pub struct PgpKey {
    key: SignedSecretKey,
    password: Password,
}

impl PgpKey {
    /// The first key in the file `path`, as `gpg --export-secret-keys` writes it, armored or not, with its password.
    pub fn read(path: &Path, password: Option<&[u8]>) -> Result<Self, WrappingError> {
        let (file, bytes) = read(path)?;
        let (key, _) =
            SignedSecretKey::from_reader_single(bytes.as_slice()).map_err(|error| PgpError::Key {
                file,
                problem: format!("it is no OpenPGP secret key: {error}"),
            })?;
        Ok(Self {
            key,
            password: password.map_or_else(Password::empty, Password::from),
        })
    }
}

impl fmt::Debug for PgpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PgpKey({}, secret)", self.key.primary_key.fingerprint())
    }
}

impl PacketKey for PgpKey {
    fn open(&self, scheme: &str, packet: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, WrappingError> {
        if scheme != PGP {
            return Ok(None);
        }
        // Whatever is wrong with a packet, it does not keep the next one from fitting.
        let opened = Message::from_bytes(packet)
            .and_then(|message| message.decrypt(&self.password, &self.key))
            .and_then(|message| {
                if message.is_compressed() {
                    message.decompress()
                } else {
                    Ok(message)
                }
            });
        let mut private = Zeroizing::new(Vec::with_capacity(MAX_OPTIONS_BYTES + 1));
        let whole = opened.ok().and_then(|message| {
            // To its end, where the code of all of it is checked; no further than options can be long.
            message
                .take(MAX_OPTIONS_BYTES as u64 + 1)
                .read_to_end(&mut private)
                .ok()
        });
        Ok((whole.is_some() && private.len() <= MAX_OPTIONS_BYTES).then_some(private))
    }
}

/// A message with `private` for all recipients.
pub(super) fn encrypt(private: &[u8], recipients: &[&PgpRecipient]) -> Result<Vec<u8>, PgpError> {
    let failed = |error: pgp::errors::Error| PgpError::Library(error.to_string());
    let mut message =
        MessageBuilder::from_bytes("", private.to_vec()).seipd_v1(OsRng, SymmetricKeyAlgorithm::AES256);
    for recipient in recipients {
        message.encrypt_to_key(OsRng, &recipient.0).map_err(failed)?;
    }
    message.to_vec(OsRng).map_err(failed)
}

fn read(path: &Path) -> Result<(String, Zeroizing<Vec<u8>>), PgpError> {
    let file = path.display().to_string();
    // All in one allocation, so that growing leaves no copies of a secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_KEY_BYTES + 1));
    let read = File::open(path).and_then(|file| file.take(MAX_KEY_BYTES as u64 + 1).read_to_end(&mut bytes));
    let problem = match read {
        Err(error) => format!(
            "it cannot be read: {error}; recipients of OpenPGP are named by a file, which `gpg --export ADDRESS` writes"
        ),
        Ok(length) if length > MAX_KEY_BYTES => format!("it has more than {MAX_KEY_BYTES} bytes"),
        Ok(_) => return Ok((file, bytes)),
    };
    Err(PgpError::Key { file, problem })
}
