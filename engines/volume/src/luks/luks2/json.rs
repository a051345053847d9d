//! The JSON text of a LUKS2 header. Fields that are not known here are refused, but for tokens, which are kept as they are.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use base64ct::{Base64, Encoding};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::super::Hash;

/// The most keyslots, tokens, segments or digests a header may have, as in cryptsetup.
pub(in super::super) const MOST_OBJECTS: u32 = 32;

/// The whole text.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Metadata {
    pub(in super::super) keyslots: Objects<KeyslotObject>,
    pub(in super::super) tokens: Objects<Value>,
    pub(in super::super) segments: Objects<SegmentObject>,
    pub(in super::super) digests: Objects<DigestObject>,
    pub(in super::super) config: Config,
}

/// Objects by number: less than [`MOST_OBJECTS`], written as decimal text, none twice.
#[derive(Clone, Debug)]
pub(in super::super) struct Objects<T>(pub(in super::super) BTreeMap<u32, T>);

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "type")]
pub(in super::super) enum KeyslotObject {
    #[serde(rename = "luks2")]
    Luks2(Luks2Keyslot),
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Luks2Keyslot {
    pub(in super::super) key_size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) priority: Option<u8>,
    pub(in super::super) af: SplitObject,
    pub(in super::super) area: AreaObject,
    pub(in super::super) kdf: KdfObject,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(in super::super) enum SplitObject {
    #[serde(rename = "luks1")]
    Luks1 { stripes: usize, hash: Hash },
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(in super::super) enum AreaObject {
    #[serde(rename = "raw")]
    Raw {
        offset: Decimal,
        size: Decimal,
        encryption: String,
        key_size: usize,
    },
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub(in super::super) enum KdfObject {
    Pbkdf2 {
        hash: Hash,
        iterations: u32,
        salt: Binary,
    },
    Argon2i {
        time: u32,
        memory: u32,
        cpus: u32,
        salt: Binary,
    },
    Argon2id {
        time: u32,
        memory: u32,
        cpus: u32,
        salt: Binary,
    },
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(in super::super) enum SegmentObject {
    #[serde(rename = "crypt")]
    Crypt {
        offset: Decimal,
        size: SegmentSize,
        iv_tweak: Decimal,
        encryption: String,
        sector_size: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        integrity: Option<IntegrityObject>,
        #[serde(skip_serializing_if = "Option::is_none")]
        flags: Option<Vec<String>>,
    },
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct IntegrityObject {
    #[serde(rename = "type")]
    pub(in super::super) kind: String,
    pub(in super::super) journal_encryption: String,
    pub(in super::super) journal_integrity: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(in super::super) enum DigestObject {
    #[serde(rename = "pbkdf2")]
    Pbkdf2 {
        keyslots: Vec<String>,
        segments: Vec<String>,
        hash: Hash,
        iterations: u32,
        salt: Binary,
        digest: Binary,
    },
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Config {
    pub(in super::super) json_size: Decimal,
    pub(in super::super) keyslots_size: Decimal,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) flags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) requirements: Option<Value>,
}

/// A number of 64 bits, which JSON has as text.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Decimal(pub(in super::super) u64);

/// The number that `text` is the only decimal form of.
pub(in super::super) fn decimal<N: std::str::FromStr + ToString>(text: &str) -> Option<N> {
    let number: N = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = decimal(&text);
        number
            .map(Self)
            .ok_or_else(|| D::Error::custom("not a decimal number of 64 bits as text"))
    }
}

/// The length of a segment.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum SegmentSize {
    /// Up to the end of the store.
    Dynamic,
    Bytes(u64),
}

impl Serialize for SegmentSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Dynamic => serializer.serialize_str("dynamic"),
            Self::Bytes(bytes) => serializer.collect_str(bytes),
        }
    }
}

impl<'de> Deserialize<'de> for SegmentSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "dynamic" {
            return Ok(Self::Dynamic);
        }
        let number = decimal(&text);
        number
            .map(Self::Bytes)
            .ok_or_else(|| D::Error::custom("neither \"dynamic\" nor a decimal number of 64 bits as text"))
    }
}

/// Bytes, which JSON has in base64.
#[derive(Clone, Debug)]
pub(in super::super) struct Binary(pub(in super::super) Vec<u8>);

impl Serialize for Binary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Base64::encode_string(&self.0))
    }
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = Base64::decode_vec(&text);
        bytes.map(Self).map_err(|_| D::Error::custom("not base64"))
    }
}

impl<T: Serialize> Serialize for Objects<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.0)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Objects<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Numbered<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Numbered<T> {
            type Value = Objects<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "objects named \"0\" to \"{}\"", MOST_OBJECTS - 1)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut objects = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    let number = decimal(&name).filter(|number| *number < MOST_OBJECTS);
                    let number = number.ok_or_else(|| {
                        A::Error::custom(format!(
                            "an object is not named \"0\" to \"{}\"",
                            MOST_OBJECTS - 1
                        ))
                    })?;
                    if objects.insert(number, map.next_value()?).is_some() {
                        return Err(A::Error::custom(format!("there are two objects \"{number}\"")));
                    }
                }
                Ok(Objects(objects))
            }
        }
        deserializer.deserialize_map(Numbered(PhantomData))
    }
}
