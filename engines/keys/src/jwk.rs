//! JSON Web Keys (RFC 7517, RFC 7518 section 6): private EC and RSA keys and symmetric keys, to decrypt JWEs.

use aws_lc_rs::agreement;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeyPairComponents, PrivateDecryptingKey, PublicKeyComponents};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::object::Object;
use crate::{Curve, KeyProblem, RecipientKey};

/// Why a JWK cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JwkError {
    /// The text is not JSON, or not the JSON of a JWK.
    #[error("the JWK is not well-formed at line {line}, column {column}: {detail}")]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What the parser found.
        detail: String,
    },
    /// The key is no sound key.
    #[error("the JWK's key: {0}")]
    Key(KeyProblem),
    /// A member is missing or has a wrong value.
    #[error("the JWK's member \"{member}\" {problem}")]
    Member {
        /// The member.
        member: &'static str,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
    /// There are too many bytes.
    #[error("the JWK has {found} bytes; at most {MAX_BYTES} are read")]
    TooLong {
        /// Its length, in bytes.
        found: usize,
    },
    /// Keys of this kind are not implemented.
    #[error("the JWK's member \"{member}\" asks for what is not implemented: {found}")]
    Unsupported {
        /// The member.
        member: &'static str,
        /// What it asks for.
        found: String,
    },
}

/// An RSA key of 8192 bits has about 6500.
const MAX_BYTES: usize = 64 << 10;

/// A JWK's key.
pub(crate) enum JwkKey {
    Private(RecipientKey),
    Symmetric(Zeroizing<Vec<u8>>),
}

/// A JWK that may decrypt.
pub(crate) struct Jwk {
    pub(crate) key: JwkKey,
    /// The one algorithm that the key is for.
    pub(crate) algorithm: Option<String>,
}

/// A string of a secret.
#[derive(Deserialize)]
struct Secret(#[serde(deserialize_with = "zeroizing")] Zeroizing<String>);

fn zeroizing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

#[derive(Deserialize)]
struct Members {
    kty: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<Secret>,
    p: Option<Secret>,
    q: Option<Secret>,
    dp: Option<Secret>,
    dq: Option<Secret>,
    qi: Option<Secret>,
    oth: Option<IgnoredAny>,
    k: Option<Secret>,
}

impl Jwk {
    pub(crate) fn parse(text: &str) -> Result<Self, JwkError> {
        if text.len() > MAX_BYTES {
            return Err(JwkError::TooLong { found: text.len() });
        }
        // The parser's own message can quote a value, and a value can be secret.
        let Object(members): Object<Members> =
            serde_json::from_str(text).map_err(|error| JwkError::Json {
                line: error.line(),
                column: error.column(),
                detail: format!("{:?} error", error.classify()),
            })?;
        members.check_usage()?;
        let key = match members.kty.as_str() {
            "EC" => JwkKey::Private(members.ec()?),
            "RSA" => JwkKey::Private(members.rsa()?),
            "oct" => JwkKey::Symmetric(secret("k", members.k.as_ref())?),
            other => {
                return Err(JwkError::Unsupported {
                    member: "kty",
                    found: format!("\"{other}\"; EC, RSA and oct are"),
                });
            }
        };
        Ok(Self {
            key,
            algorithm: members.alg,
        })
    }
}

fn member(member: &'static str, problem: impl Into<String>) -> JwkError {
    JwkError::Member {
        member,
        problem: problem.into(),
    }
}

fn secret(name: &'static str, value: Option<&Secret>) -> Result<Zeroizing<Vec<u8>>, JwkError> {
    let text = value.ok_or_else(|| member(name, "is missing"))?;
    octets(name, &text.0).map(Zeroizing::new)
}

fn public(name: &'static str, value: Option<&String>) -> Result<Vec<u8>, JwkError> {
    octets(name, value.ok_or_else(|| member(name, "is missing"))?)
}

fn octets(name: &'static str, text: &str) -> Result<Vec<u8>, JwkError> {
    Base64UrlUnpadded::decode_vec(text).map_err(|_| member(name, "is not base64url without padding"))
}

impl Members {
    fn check_usage(&self) -> Result<(), JwkError> {
        if self.usage.as_deref().is_some_and(|usage| usage != "enc") {
            return Err(member(
                "use",
                "says that the key is not for encryption; \"enc\" would be right",
            ));
        }
        let decrypts = |operation: &String| {
            ["decrypt", "unwrapKey", "deriveKey", "deriveBits"].contains(&operation.as_str())
        };
        if self
            .key_ops
            .as_ref()
            .is_some_and(|list| !list.iter().any(decrypts))
        {
            return Err(member(
                "key_ops",
                "has none of decrypt, unwrapKey, deriveKey and deriveBits",
            ));
        }
        Ok(())
    }

    fn ec(&self) -> Result<RecipientKey, JwkError> {
        let name = self.crv.as_deref().ok_or_else(|| member("crv", "is missing"))?;
        let curve = Curve::from_name(name).ok_or_else(|| JwkError::Unsupported {
            member: "crv",
            found: format!("\"{name}\"; P-256, P-384 and P-521 are"),
        })?;
        let d = secret("d", self.d.as_ref())?;
        let key = agreement::PrivateKey::from_private_key(curve.ecdh(), &d).map_err(|_| {
            let expected = curve.coordinate_bytes();
            member("d", format!("is no private key of {expected} bytes on {curve}"))
        })?;
        let key = RecipientKey::ec(curve, key).map_err(JwkError::Key)?;
        let (x, y) = (public("x", self.x.as_ref())?, public("y", self.y.as_ref())?);
        let point = [&[4], x.as_slice(), y.as_slice()].concat();
        if x.len() != y.len() || !bool::from(point.ct_eq(key.recipient().point(curve))) {
            return Err(member("x", "and \"y\" are not the public key of \"d\""));
        }
        Ok(key)
    }

    fn rsa(&self) -> Result<RecipientKey, JwkError> {
        if self.oth.is_some() {
            return Err(JwkError::Unsupported {
                member: "oth",
                found: "an RSA key of more than two primes".to_owned(),
            });
        }
        if self.d.is_some() && self.p.is_none() {
            return Err(JwkError::Unsupported {
                member: "p",
                found: "an RSA private key without its primes".to_owned(),
            });
        }
        let (n, e) = (public("n", self.n.as_ref())?, public("e", self.e.as_ref())?);
        let pair = KeyPair::from_components(&KeyPairComponents {
            public_key: PublicKeyComponents { n: &n, e: &e },
            d: secret("d", self.d.as_ref())?.as_slice(),
            p: secret("p", self.p.as_ref())?.as_slice(),
            q: secret("q", self.q.as_ref())?.as_slice(),
            dP: secret("dp", self.dp.as_ref())?.as_slice(),
            dQ: secret("dq", self.dq.as_ref())?.as_slice(),
            qInv: secret("qi", self.qi.as_ref())?.as_slice(),
        })
        .and_then(|pair| {
            let pkcs8 = pair.as_der()?;
            PrivateDecryptingKey::from_pkcs8(pkcs8.as_ref())
        })
        .map_err(|error| {
            JwkError::Key(KeyProblem::Refused {
                what: "the RSA key",
                detail: format!("{error}; its modulus must have 2048 to 8192 bits, and its parts must agree"),
            })
        })?;
        RecipientKey::rsa(pair).map_err(JwkError::Key)
    }
}
