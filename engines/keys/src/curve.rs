//! The elliptic curves that keys lie on.

use std::fmt;

use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, EcdsaVerificationAlgorithm,
    ParsedPublicKey,
};
use pkcs8::ObjectIdentifier;

/// A curve of FIPS 186 over a prime field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Curve {
    /// NIST P-256, secp256r1.
    P256,
    /// NIST P-384, secp384r1.
    P384,
    /// NIST P-521, secp521r1.
    P521,
}

const P256_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

impl Curve {
    /// The curve's name in a JWK (RFC 7518, section 6.2.1.1).
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521]
            .into_iter()
            .find(|curve| curve.name() == name)
    }

    pub(crate) fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        match oid {
            P256_OID => Some(Self::P256),
            P384_OID => Some(Self::P384),
            P521_OID => Some(Self::P521),
            _ => None,
        }
    }

    /// The length of a coordinate, and of a private key, in bytes.
    pub(crate) fn coordinate_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    pub(crate) fn ecdh(self) -> &'static agreement::Algorithm {
        match self {
            Self::P256 => &ECDH_P256,
            Self::P384 => &ECDH_P384,
            Self::P521 => &ECDH_P521,
        }
    }

    fn ecdsa(self) -> &'static EcdsaVerificationAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_ASN1,
            Self::P384 => &ECDSA_P384_SHA384_ASN1,
            Self::P521 => &ECDSA_P521_SHA512_ASN1,
        }
    }

    /// The SubjectPublicKeyInfo of `point` (SEC 1, compressed or not), always with the uncompressed point, so that a
    /// key has one identifier only. `None` if the point is not on the curve.
    pub(crate) fn spki(self, point: &[u8]) -> Option<Vec<u8>> {
        let key = ParsedPublicKey::new(self.ecdsa(), point).ok()?;
        let spki = key.as_der().ok()?.as_ref().to_vec();
        // The uncompressed point is the last that the structure holds.
        let start = spki.len().checked_sub(self.point_bytes())?;
        (spki[start] == 4).then_some(spki)
    }

    /// The length of an uncompressed point: the octet 4, then both coordinates.
    pub(crate) fn point_bytes(self) -> usize {
        1 + 2 * self.coordinate_bytes()
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
