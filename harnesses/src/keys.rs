//! The lab's own key wrapping as an implementation of the protocol.

use sealab_keys::jwe::{self, JweError, JweKey, Limits};
use sealab_keys::rsa_oaep::{self, Hash};
use sealab_keys::{JwkError, KeyFileError, KeyProblem, RecipientKey, WrapError, hkdf, key_wrap};

use crate::engine::no_operation;
use crate::serve::{Answer, Facts, Implementation, Request};

/// Key wrapping, key derivation and JWE, as checkpoints and image layers use them.
#[derive(Debug)]
pub struct KeysImplementation {
    version: String,
}

impl KeysImplementation {
    /// Over AWS-LC of that version.
    pub fn new(version: String) -> Self {
        Self { version }
    }
}

impl Implementation for KeysImplementation {
    fn facts(&self) -> Result<Facts, String> {
        Ok(Facts {
            name: "keys".to_owned(),
            library: "AWS-LC".to_owned(),
            version: self.version.clone(),
            description: String::new(),
            implements: vec!["aes-kw", "aes-kwp", "hkdf-sha256", "rsa-oaep", "jwe"],
        })
    }

    fn answer(&mut self, request: &Request) -> Result<Answer, Answer> {
        match (request.algorithm(), request.operation()) {
            ("aes-kw", "wrap") => values(
                "ct",
                key_wrap::wrap(&request.octets("key")?, &request.octets("msg")?),
            ),
            ("aes-kw", "unwrap") => {
                let secret = key_wrap::unwrap(&request.octets("key")?, &request.octets("ct")?);
                values("msg", secret.map(|secret| secret.to_vec()))
            }
            ("aes-kwp", "wrap") => values(
                "ct",
                key_wrap::wrap_padded(&request.octets("key")?, &request.octets("msg")?),
            ),
            ("aes-kwp", "unwrap") => {
                let secret = key_wrap::unwrap_padded(&request.octets("key")?, &request.octets("ct")?);
                values("msg", secret.map(|secret| secret.to_vec()))
            }
            ("hkdf-sha256", "derive") => {
                let (ikm, salt, info) = (
                    request.octets("ikm")?,
                    request.octets("salt")?,
                    request.octets("info")?,
                );
                let size = usize::try_from(request.number("size")?).unwrap_or(usize::MAX);
                match hkdf::derive_sha256(&ikm, &salt, &info, size) {
                    Ok(okm) => Ok(Answer::Values(vec![("okm", okm.to_vec())])),
                    Err(error) => Err(Answer::Error(error.to_string())),
                }
            }
            ("rsa-oaep", "decrypt") => rsa_oaep(request),
            ("jwe", "decrypt") => decrypt_jwe(request),
            (_, other) => Err(no_operation(other)),
        }
    }
}

fn rsa_oaep(request: &Request) -> Result<Answer, Answer> {
    let hash = |name: &str| {
        let found = request.text(name)?;
        Hash::from_name(found).ok_or_else(|| Answer::Unsupported(format!("the hash {found}")))
    };
    let (hash, mask) = (hash("hash")?, hash("mgfHash")?);
    let key = RecipientKey::from_bytes("key", &request.octets("key")?, None).map_err(bad_key)?;
    let secret = rsa_oaep::decrypt(
        &key,
        hash,
        mask,
        &request.octets("label")?,
        &request.octets("ct")?,
    );
    values("msg", secret.map(|secret| secret.to_vec()))
}

fn decrypt_jwe(request: &Request) -> Result<Answer, Answer> {
    let key = JweKey::from_jwk(request.text("jwk")?).map_err(|error| match error {
        JwkError::Unsupported { .. } => Answer::Unsupported(error.to_string()),
        other => Answer::Error(other.to_string()),
    })?;
    match jwe::decrypt(request.text("jwe")?, &key, Limits::default()) {
        Ok(content) => Ok(Answer::Values(vec![("msg", content.to_vec())])),
        Err(error @ JweError::Unsupported { .. }) => Err(Answer::Unsupported(error.to_string())),
        Err(error) => Err(Answer::Error(error.to_string())),
    }
}

fn values(name: &'static str, result: Result<Vec<u8>, WrapError>) -> Result<Answer, Answer> {
    match result {
        Ok(octets) => Ok(Answer::Values(vec![(name, octets)])),
        Err(error @ WrapError::Unsupported { .. }) => Err(Answer::Unsupported(error.to_string())),
        Err(error) => Err(Answer::Error(error.to_string())),
    }
}

fn bad_key(error: KeyFileError) -> Answer {
    match error.problem {
        KeyProblem::Unsupported { .. } => Answer::Unsupported(error.to_string()),
        _ => Answer::Error(error.to_string()),
    }
}
