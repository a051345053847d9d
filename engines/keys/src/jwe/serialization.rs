//! The three serializations of a JWE (RFC 7516, section 7), read into one form.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Deserialize;

use super::header::{Header, object, present};
use super::{JweError, Limits};
use crate::object::Object;

/// A JWE, decoded and within its limits.
pub(super) struct Packet {
    /// The content's associated data: the protected header as it stands, and the `aad` member.
    pub(super) associated_data: Vec<u8>,
    pub(super) recipients: Vec<PacketRecipient>,
    pub(super) iv: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
    pub(super) tag: Vec<u8>,
}

pub(super) struct PacketRecipient {
    /// Protected, shared and own header in one.
    pub(super) header: Header,
    pub(super) encrypted_key: Vec<u8>,
}

#[derive(Deserialize)]
struct Json {
    #[serde(default, deserialize_with = "present")]
    protected: Option<String>,
    #[serde(default, deserialize_with = "object")]
    unprotected: Option<Header>,
    #[serde(default, deserialize_with = "present")]
    recipients: Option<Vec<Object<JsonRecipient>>>,
    #[serde(default, deserialize_with = "object")]
    header: Option<Header>,
    #[serde(default, deserialize_with = "present")]
    encrypted_key: Option<String>,
    #[serde(default, deserialize_with = "present")]
    aad: Option<String>,
    iv: String,
    ciphertext: String,
    tag: String,
}

#[derive(Deserialize)]
struct JsonRecipient {
    #[serde(default, deserialize_with = "object")]
    header: Option<Header>,
    #[serde(default, deserialize_with = "present")]
    encrypted_key: Option<String>,
}

impl Packet {
    pub(super) fn parse(text: &str, limits: Limits) -> Result<Self, JweError> {
        if text.len() > limits.bytes {
            return Err(JweError::TooMany {
                what: "bytes",
                found: text.len(),
                limit: limits.bytes,
            });
        }
        if text.trim_ascii_start().starts_with('{') {
            let Object(json) =
                serde_json::from_str(text).map_err(|error| malformed("JSON", error.to_string()))?;
            Self::from_json(json, limits)
        } else {
            Self::from_compact(text)
        }
    }

    fn from_compact(text: &str) -> Result<Self, JweError> {
        let parts: Vec<&str> = text.splitn(6, '.').collect();
        let &[protected, encrypted_key, iv, ciphertext, tag] = parts.as_slice() else {
            return Err(malformed(
                "compact serialization",
                "it has not five parts with dots between",
            ));
        };
        let header = protected_header(protected)?;
        Ok(Self {
            associated_data: protected.as_bytes().to_vec(),
            recipients: vec![PacketRecipient {
                header,
                encrypted_key: decode("encrypted key", encrypted_key)?,
            }],
            iv: decode("iv", iv)?,
            ciphertext: decode("ciphertext", ciphertext)?,
            tag: decode("tag", tag)?,
        })
    }

    fn from_json(json: Json, limits: Limits) -> Result<Self, JweError> {
        let recipients = match json.recipients {
            // Beside the general form's recipients a stray `encrypted_key` is left alone: ocicrypt with go-jose 2 (as
            // in Debian 12's skopeo) repeats the first recipient's there.
            Some(recipients) if json.header.is_none() => recipients,
            Some(_) => {
                return Err(malformed(
                    "JSON",
                    "it has both \"recipients\" and \"header\"; it may have one",
                ));
            }
            None => vec![Object(JsonRecipient {
                header: json.header,
                encrypted_key: json.encrypted_key,
            })],
        };
        if recipients.is_empty() {
            return Err(malformed("JSON", "it has no recipients; it must have one"));
        }
        if recipients.len() > limits.recipients {
            return Err(JweError::TooMany {
                what: "recipients",
                found: recipients.len(),
                limit: limits.recipients,
            });
        }
        let protected = json.protected.unwrap_or_default();
        let mut shared = if protected.is_empty() {
            Header::default()
        } else {
            protected_header(&protected)?
        };
        if let Some(unprotected) = &json.unprotected {
            shared = shared.join(unprotected)?;
        }
        let mut associated_data = protected.into_bytes();
        if let Some(aad) = json.aad {
            // Only its encoding is authenticated, but what is no base64url is no JWE.
            decode("aad", &aad)?;
            associated_data.push(b'.');
            associated_data.extend(aad.as_bytes());
        }
        let recipients = recipients
            .into_iter()
            .map(|Object(recipient)| {
                Ok(PacketRecipient {
                    header: recipient.header.unwrap_or_default().join(&shared)?,
                    encrypted_key: decode("encrypted key", &recipient.encrypted_key.unwrap_or_default())?,
                })
            })
            .collect::<Result<_, JweError>>()?;
        Ok(Self {
            associated_data,
            recipients,
            iv: decode("iv", &json.iv)?,
            ciphertext: decode("ciphertext", &json.ciphertext)?,
            tag: decode("tag", &json.tag)?,
        })
    }
}

fn protected_header(encoded: &str) -> Result<Header, JweError> {
    let json = decode("protected header", encoded)?;
    let header = serde_json::from_slice(&json);
    header
        .map(|Object(header)| header)
        .map_err(|error| malformed("protected header", error.to_string()))
}

pub(super) fn decode(part: &'static str, text: &str) -> Result<Vec<u8>, JweError> {
    Base64UrlUnpadded::decode_vec(text).map_err(|_| malformed(part, "it is not base64url without padding"))
}

pub(super) fn malformed(part: &'static str, problem: impl Into<String>) -> JweError {
    JweError::Malformed {
        part,
        problem: problem.into(),
    }
}
