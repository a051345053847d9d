//! A JWE's headers: what of them has a meaning here, and the three that together are a recipient's (RFC 7516, section 4).

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use super::JweError;
use crate::object::Object;

/// The members that are understood; others are ignored, as RFC 7516 asks. A member twice is an error of the parser, and
/// `null` is no value.
#[derive(Deserialize, Default, Clone)]
pub(super) struct Header {
    #[serde(default, deserialize_with = "present")]
    pub(super) alg: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub(super) enc: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub(super) zip: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub(super) crit: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "object")]
    pub(super) epk: Option<EphemeralKey>,
    #[serde(default, deserialize_with = "present")]
    pub(super) apu: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub(super) apv: Option<String>,
}

/// The sender's public key of an ECDH agreement, a JWK.
#[derive(Deserialize, Serialize, Clone)]
pub(super) struct EphemeralKey {
    pub(super) kty: String,
    pub(super) crv: String,
    pub(super) x: String,
    pub(super) y: String,
}

/// A member that is an object.
pub(super) fn object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Object::deserialize(deserializer).map(|Object(value)| Some(value))
}

/// A member that is there, with a value that is not `null`.
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

impl Header {
    /// This header and `other` together, which have no member in common.
    pub(super) fn join(self, other: &Self) -> Result<Self, JweError> {
        Ok(Self {
            alg: disjoint("alg", self.alg, &other.alg)?,
            enc: disjoint("enc", self.enc, &other.enc)?,
            zip: disjoint("zip", self.zip, &other.zip)?,
            crit: disjoint("crit", self.crit, &other.crit)?,
            epk: disjoint("epk", self.epk, &other.epk)?,
            apu: disjoint("apu", self.apu, &other.apu)?,
            apv: disjoint("apv", self.apv, &other.apv)?,
        })
    }

    /// That the header asks for no extension: none is implemented.
    pub(super) fn check_extensions(&self) -> Result<(), JweError> {
        if let Some(zip) = &self.zip {
            return Err(JweError::Unsupported {
                member: "zip",
                found: format!("\"{zip}\""),
            });
        }
        if self.crit.is_some() {
            return Err(JweError::Unsupported {
                member: "crit",
                found: "there, and no extension is known".to_owned(),
            });
        }
        Ok(())
    }
}

fn disjoint<T: Clone>(member: &str, one: Option<T>, other: &Option<T>) -> Result<Option<T>, JweError> {
    match (one, other) {
        (Some(_), Some(_)) => Err(JweError::Malformed {
            part: "header",
            problem: format!("\"{member}\" is in two of its parts; it may be in one"),
        }),
        (Some(one), None) => Ok(Some(one)),
        (None, other) => Ok(other.clone()),
    }
}
