//! Private keys in files: PKCS #8 (RFC 5958), plain or encrypted, PKCS #1 (RFC 8017) and SEC 1 (RFC 5915).

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::RsaKeyPair;
use pkcs8::der::Decode;
use pkcs8::der::asn1::{AnyRef, OctetStringRef};
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::Kdf;
use pkcs8::{AlgorithmIdentifierRef, EncryptedPrivateKeyInfoRef, ObjectIdentifier, PrivateKeyInfoRef};
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

use crate::Curve;
use crate::encoded::{self, KeyProblem};
use crate::public::{EC_OID, ED25519_OID, RSA_OID, unknown_curve, unknown_kind};

/// A private key of a kind that is implemented; not yet looked at by the library.
pub(crate) enum Private {
    /// PKCS #8.
    Rsa(Zeroizing<Vec<u8>>),
    /// PKCS #8 or SEC 1.
    Ec(Curve, Zeroizing<Vec<u8>>),
    /// PKCS #8.
    Ed25519(Zeroizing<Vec<u8>>),
}

/// The longest work that an encrypted key may ask for: about a second of it.
const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;
const MAX_SCRYPT_BYTES: u64 = 256 << 20;

/// The private key in `bytes`, decrypted with `password` if it is encrypted.
pub(crate) fn parse(bytes: &[u8], password: Option<&[u8]>) -> Result<Private, KeyProblem> {
    const EXPECTED: &str = "a PRIVATE KEY, an ENCRYPTED PRIVATE KEY, an RSA PRIVATE KEY or an EC PRIVATE KEY";
    let encoded = encoded::first(bytes)?;
    let der = encoded.der;
    match encoded.label {
        Some("PRIVATE KEY") => pkcs8(der),
        Some("ENCRYPTED PRIVATE KEY") => encrypted(&der, password),
        Some("RSA PRIVATE KEY") => pkcs1(&der),
        Some("EC PRIVATE KEY") => sec1(der),
        // The four structures differ within their first two members, so at most one of them fits.
        None if PrivateKeyInfoRef::from_der(&der).is_ok() => pkcs8(der),
        None if encryption_scheme(&der).is_ok() => encrypted(&der, password),
        None if EcPrivateKey::from_der(&der).is_ok() => sec1(der),
        None => pkcs1(&der).map_err(|_| KeyProblem::Kind {
            found: "DER that is neither PKCS #8, PKCS #1 nor SEC 1".to_owned(),
            expected: EXPECTED,
        }),
        Some(other) => Err(KeyProblem::Kind {
            found: format!("\"{other}\""),
            expected: EXPECTED,
        }),
    }
}

fn pkcs8(der: Zeroizing<Vec<u8>>) -> Result<Private, KeyProblem> {
    let info = PrivateKeyInfoRef::from_der(&der).map_err(KeyProblem::der("the PKCS #8 key"))?;
    match info.algorithm.oid {
        RSA_OID => Ok(Private::Rsa(der)),
        ED25519_OID => Ok(Private::Ed25519(der)),
        EC_OID => {
            let parameters = info.algorithm.parameters;
            let oid = parameters.and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
            let curve = oid.and_then(Curve::from_oid).ok_or_else(|| unknown_curve(oid))?;
            Ok(Private::Ec(curve, der))
        }
        other => Err(unknown_kind(other)),
    }
}

fn sec1(der: Zeroizing<Vec<u8>>) -> Result<Private, KeyProblem> {
    let key = EcPrivateKey::from_der(&der).map_err(KeyProblem::der("the SEC 1 key"))?;
    let oid = key.parameters.map(|EcParameters::NamedCurve(oid)| oid);
    let curve = oid.and_then(Curve::from_oid).ok_or_else(|| unknown_curve(oid))?;
    Ok(Private::Ec(curve, der))
}

fn pkcs1(der: &[u8]) -> Result<Private, KeyProblem> {
    let refused = |detail: &str| KeyProblem::Refused {
        what: "the PKCS #1 key",
        detail: detail.to_owned(),
    };
    // The library stops at the structure's end, so what follows it is looked for here.
    AnyRef::from_der(der).map_err(KeyProblem::der("the PKCS #1 key"))?;
    let pair = RsaKeyPair::from_der(der).map_err(|error| refused(error.description_()))?;
    let again = pair
        .as_der()
        .map_err(|_| refused("it cannot be written as PKCS #8"))?;
    Ok(Private::Rsa(Zeroizing::new(again.as_ref().to_vec())))
}

fn encrypted(der: &[u8], password: Option<&[u8]>) -> Result<Private, KeyProblem> {
    let scheme = encryption_scheme(der).map_err(KeyProblem::der("the encrypted PKCS #8 key"))?;
    // Well-formed, so what the parser cannot read now is an algorithm that it does not know.
    let info = EncryptedPrivateKeyInfoRef::from_der(der).map_err(|error| KeyProblem::OldEncryption {
        found: format!("the scheme {scheme} ({error})"),
    })?;
    let EncryptionScheme::Pbes2(parameters) = &info.encryption_algorithm else {
        return Err(KeyProblem::OldEncryption {
            found: format!("the scheme {scheme}"),
        });
    };
    let password = password.ok_or(KeyProblem::Encrypted)?;
    let excessive = match &parameters.kdf {
        Kdf::Pbkdf2(kdf) => kdf.iteration_count > MAX_PBKDF2_ITERATIONS,
        Kdf::Scrypt(kdf) => {
            // Memory is 128 N r, time is p times as much.
            let bytes = kdf.cost_parameter.checked_mul(128 * u64::from(kdf.block_size));
            bytes.is_none_or(|bytes| bytes > MAX_SCRYPT_BYTES) || kdf.parallelization > 16
        }
        // Another function would have no bounds here.
        _ => true,
    };
    if excessive {
        return Err(KeyProblem::Refused {
            what: "the encrypted PKCS #8 key",
            detail: format!(
                "its password hashing asks for more than {MAX_PBKDF2_ITERATIONS} rounds of PBKDF2 or \
                 {MAX_SCRYPT_BYTES} bytes of scrypt"
            ),
        });
    }
    match info.decrypt(password) {
        Ok(document) => pkcs8(document.to_bytes()),
        Err(pkcs8::Error::EncryptedPrivateKey(
            pkcs8::pkcs5::Error::UnsupportedAlgorithm { oid }
            | pkcs8::pkcs5::Error::AlgorithmParametersInvalid { oid },
        )) => Err(KeyProblem::OldEncryption {
            found: format!("the algorithm {oid}"),
        }),
        // A wrong password is seen as bad padding, or as padding that fits by chance and then no PKCS #8 inside.
        Err(_) => Err(KeyProblem::Password),
    }
}

/// The scheme of an EncryptedPrivateKeyInfo, whether it is implemented or not.
fn encryption_scheme(der: &[u8]) -> Result<ObjectIdentifier, pkcs8::der::Error> {
    AnyRef::from_der(der)?.sequence(|members| {
        let algorithm = AlgorithmIdentifierRef::decode(members)?;
        <&OctetStringRef>::decode(members)?;
        Ok(algorithm.oid)
    })
}
