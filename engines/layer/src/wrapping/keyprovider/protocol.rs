//! The JSON that goes to keyproviders and comes back.

use std::collections::BTreeMap;
use std::fmt;

use base64ct::{Base64, Encoding};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroizing;

use crate::wrapping::MAX_PACKET_BYTES;

/// What a provider is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Operation {
    /// To wrap private options.
    Wrap,
    /// To unwrap a packet.
    Unwrap,
}

impl Operation {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Wrap => "keywrap",
            Self::Unwrap => "keyunwrap",
        }
    }
}

/// Both parameters are always there; those of the other operation hold nulls.
#[derive(Serialize)]
struct Request<'a> {
    op: &'static str,
    keywrapparams: WrapParameters<'a>,
    keyunwrapparams: UnwrapParameters<'a>,
}

#[derive(Serialize)]
struct WrapParameters<'a> {
    ec: Option<EncryptConfig<'a>>,
    optsdata: Option<&'a str>,
}

#[derive(Serialize)]
struct UnwrapParameters<'a> {
    dc: Option<DecryptConfig<'a>>,
    annotation: Option<&'a str>,
}

type Parameters<'a> = BTreeMap<&'a str, Vec<String>>;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct EncryptConfig<'a> {
    parameters: Parameters<'a>,
    decrypt_config: DecryptConfig<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DecryptConfig<'a> {
    parameters: Parameters<'a>,
}

#[derive(Deserialize)]
struct Reply {
    keywrapresults: Option<WrapResults>,
    keyunwrapresults: Option<UnwrapResults>,
}

#[derive(Deserialize)]
struct WrapResults {
    annotation: Option<Octets>,
}

#[derive(Deserialize)]
struct UnwrapResults {
    optsdata: Option<Octets>,
}

/// Bytes in base64, as Go has them, or as an array of numbers, as ocicrypt-rs has.
struct Octets(Zeroizing<Vec<u8>>);

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Octets;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes in base64 or as an array of numbers")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Octets, E> {
                Base64::decode_vec(text)
                    .map(|bytes| Octets(Zeroizing::new(bytes)))
                    .map_err(|_| E::custom("what should be base64 with padding is not"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Octets, A::Error> {
                let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_PACKET_BYTES));
                while let Some(byte) = numbers.next_element()? {
                    if bytes.len() == MAX_PACKET_BYTES {
                        return Err(serde::de::Error::custom("the array is too long"));
                    }
                    bytes.push(byte);
                }
                Ok(Octets(bytes))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The request; it holds what is to be wrapped, so it is a secret.
pub(super) fn request(
    operation: Operation,
    provider: &str,
    parameters: &[String],
    data: &[u8],
) -> Result<Zeroizing<Vec<u8>>, String> {
    let encoded = Zeroizing::new(Base64::encode_string(data));
    let values: Vec<String> = parameters
        .iter()
        .map(|parameter| Base64::encode_string(parameter.as_bytes()))
        .collect();
    let parameters = BTreeMap::from([(provider, values)]);
    let request = match operation {
        Operation::Wrap => Request {
            op: operation.name(),
            keywrapparams: WrapParameters {
                ec: Some(EncryptConfig {
                    parameters,
                    decrypt_config: DecryptConfig {
                        parameters: BTreeMap::new(),
                    },
                }),
                optsdata: Some(&encoded),
            },
            keyunwrapparams: UnwrapParameters {
                dc: None,
                annotation: None,
            },
        },
        Operation::Unwrap => Request {
            op: operation.name(),
            keywrapparams: WrapParameters {
                ec: None,
                optsdata: None,
            },
            keyunwrapparams: UnwrapParameters {
                dc: Some(DecryptConfig { parameters }),
                annotation: Some(&encoded),
            },
        },
    };
    // Long enough that it does not move, which would leave copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(encoded.len() + (64 << 10)));
    serde_json::to_writer(&mut *text, &request).map_err(|error| error.to_string())?;
    Ok(text)
}

/// The bytes of the result in a reply.
pub(super) fn reply(operation: Operation, text: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
    if !text.trim_ascii_start().starts_with(b"{") {
        return Err(format!("it has {} bytes and is no JSON object", text.len()));
    }
    // What the parser says can quote the reply, which may be a secret.
    let reply: Reply = serde_json::from_slice(text).map_err(|error| {
        format!(
            "line {}, column {}: {:?} error; it must be JSON with keywrapresults or keyunwrapresults",
            error.line(),
            error.column(),
            error.classify()
        )
    })?;
    let (result, member) = match operation {
        Operation::Wrap => (
            reply.keywrapresults.and_then(|results| results.annotation),
            "keywrapresults.annotation",
        ),
        Operation::Unwrap => (
            reply.keyunwrapresults.and_then(|results| results.optsdata),
            "keyunwrapresults.optsdata",
        ),
    };
    let bytes = result.map(|octets| octets.0).unwrap_or_default();
    if bytes.is_empty() || bytes.len() > MAX_PACKET_BYTES {
        return Err(format!(
            "{member} has {} bytes; it must have 1 to {MAX_PACKET_BYTES}",
            bytes.len()
        ));
    }
    Ok(bytes)
}
