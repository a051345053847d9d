//! Public keys in files: SubjectPublicKeyInfo (RFC 5280), alone or in an X.509 certificate.

use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};
use x509_cert::spki::{ObjectIdentifier, SubjectPublicKeyInfoOwned};

use crate::Curve;
use crate::encoded::{self, KeyProblem};

pub(crate) const RSA_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(crate) const EC_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub(crate) const ED25519_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A public key of a kind that is implemented; not yet looked at by the library.
pub(crate) enum Public {
    /// The SubjectPublicKeyInfo.
    Rsa(Vec<u8>),
    /// The point as SEC 1 encodes it.
    Ec(Curve, Vec<u8>),
    /// The SubjectPublicKeyInfo.
    Ed25519(Vec<u8>),
}

/// The public key in `bytes`. Of a certificate only the key is used; whether to trust it is the caller's to know.
pub(crate) fn parse(bytes: &[u8]) -> Result<Public, KeyProblem> {
    const EXPECTED: &str = "a PUBLIC KEY or a CERTIFICATE";
    let encoded = encoded::first(bytes)?;
    let der = encoded.der.as_slice();
    let spki = match encoded.label {
        Some("PUBLIC KEY") => spki(der)?,
        Some("CERTIFICATE" | "X509 CERTIFICATE") => certified(der)?,
        // A certificate is a SEQUENCE whose first member is a SEQUENCE of many, which no SubjectPublicKeyInfo is.
        None => spki(der)
            .or_else(|_| certified(der))
            .map_err(|_| KeyProblem::Kind {
                found: "DER that is neither SubjectPublicKeyInfo nor a certificate".to_owned(),
                expected: EXPECTED,
            })?,
        Some(other) => {
            return Err(KeyProblem::Kind {
                found: format!("\"{other}\""),
                expected: EXPECTED,
            });
        }
    };
    let again = || spki.to_der().map_err(KeyProblem::der("the public key"));
    match spki.algorithm.oid {
        RSA_OID => Ok(Public::Rsa(again()?)),
        ED25519_OID => Ok(Public::Ed25519(again()?)),
        EC_OID => {
            let parameters = spki.algorithm.parameters.as_ref();
            let oid = parameters.and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
            let curve = oid.and_then(Curve::from_oid).ok_or_else(|| unknown_curve(oid))?;
            let point = spki.subject_public_key.as_bytes().unwrap_or_default();
            Ok(Public::Ec(curve, point.to_vec()))
        }
        other => Err(unknown_kind(other)),
    }
}

fn spki(der: &[u8]) -> Result<SubjectPublicKeyInfoOwned, KeyProblem> {
    SubjectPublicKeyInfoOwned::from_der(der).map_err(KeyProblem::der("the SubjectPublicKeyInfo"))
}

fn certified(der: &[u8]) -> Result<SubjectPublicKeyInfoOwned, KeyProblem> {
    let certificate = Certificate::from_der(der).map_err(KeyProblem::der("the certificate"))?;
    Ok(certificate.tbs_certificate().subject_public_key_info().clone())
}

pub(crate) fn unknown_curve(oid: Option<ObjectIdentifier>) -> KeyProblem {
    KeyProblem::Unsupported {
        found: oid.map_or_else(
            || "an EC key without a named curve".to_owned(),
            |oid| format!("an EC key on the curve {oid}"),
        ),
        expected: "P-256, P-384 or P-521",
    }
}

pub(crate) fn unknown_kind(oid: ObjectIdentifier) -> KeyProblem {
    KeyProblem::Unsupported {
        found: format!("a key of the algorithm {oid}"),
        expected: "RSA, EC or Ed25519",
    }
}
