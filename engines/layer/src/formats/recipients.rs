//! Who a JWE packet is for, as far as it says: the packets of ocicrypt name no keys, only their algorithms.

use serde::Serialize;
use serde_json::Value;

use crate::Error;
use crate::wrapping::{MAX_PACKET_BYTES, MAX_RECIPIENTS};

/// One recipient of a packet.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct WrappedFor {
    /// How the key is wrapped: `RSA-OAEP`, `ECDH-ES+A256KW`, …
    pub algorithm: String,
    /// What the packet calls the key (`kid`), if anything.
    pub key_id: Option<String>,
}

/// The recipients of a packet in JSON, in their order.
pub fn recipients_of(packet: &[u8]) -> Result<Vec<WrappedFor>, Error> {
    let packet = Packet::parse(packet)?;
    let shared = packet.protected()?;
    let of = |header: Option<&Value>| {
        let member = |name: &str| {
            let find = |header: Option<&Value>| Some(header?.get(name)?.as_str()?.to_owned());
            find(header).or_else(|| find(shared.as_ref()))
        };
        WrappedFor {
            algorithm: member("alg").unwrap_or_else(|| "unknown".to_owned()),
            key_id: member("kid"),
        }
    };
    Ok(match packet.general() {
        Some(recipients) => recipients
            .iter()
            .map(|recipient| of(recipient.get("header")))
            .collect(),
        None => vec![of(packet.0.get("header"))],
    })
}

/// A JWE as JSON, of bounded size.
pub(super) struct Packet(Value);

impl Packet {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let wrong = |problem: String| Error::malformed("a JWE packet", problem);
        if bytes.len() > MAX_PACKET_BYTES {
            return Err(wrong(format!("it has {} bytes", bytes.len())));
        }
        let packet = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        let packet = Self(packet);
        if !packet.0.is_object() {
            return Err(wrong("it is no JSON object".to_owned()));
        }
        let found = packet.general().map_or(1, <[Value]>::len);
        if found > MAX_RECIPIENTS {
            return Err(wrong(format!(
                "it has {found} recipients; at most {MAX_RECIPIENTS} are read"
            )));
        }
        Ok(packet)
    }

    /// The recipients of the general serialization.
    fn general(&self) -> Option<&[Value]> {
        self.0.get("recipients")?.as_array().map(Vec::as_slice)
    }

    pub(super) fn count(&self) -> usize {
        self.general().map_or(1, <[Value]>::len)
    }

    /// The packet with those recipients alone whose numbers `keep` takes; `None` if that is none. What they share is
    /// sealed without naming them, so the others still open it.
    pub(super) fn only(&self, mut keep: impl FnMut(usize) -> bool) -> Option<Vec<u8>> {
        let mut packet = self.0.clone();
        if self.general().is_some() {
            let recipients = packet.get_mut("recipients")?.as_array_mut()?;
            let mut number = 0;
            recipients.retain(|_| {
                number += 1;
                keep(number - 1)
            });
            if recipients.is_empty() {
                return None;
            }
            // ocicrypt with go-jose 2 leaves a stray copy of the first recipient's here.
            packet.as_object_mut()?.remove("encrypted_key");
        } else if !keep(0) {
            return None;
        }
        serde_json::to_vec(&packet).ok()
    }

    fn protected(&self) -> Result<Option<Value>, Error> {
        use base64ct::{Base64UrlUnpadded, Encoding};
        let wrong = || Error::malformed("a JWE packet", "its protected header is no JSON in base64url");
        let Some(text) = self.0.get("protected").and_then(Value::as_str) else {
            return Ok(None);
        };
        let bytes = Base64UrlUnpadded::decode_vec(text).map_err(|_| wrong())?;
        serde_json::from_slice(&bytes).map(Some).map_err(|_| wrong())
    }
}
