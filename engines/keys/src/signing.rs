//! Signatures: Ed25519 (RFC 8032), ECDSA on P-256 with SHA-256 and on P-384 with SHA-384, both in DER (FIPS 186), and
//! RSA-PSS with SHA-256 (RFC 8017).

use std::fmt;
use std::path::Path;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, ParsedPublicKey, RsaKeyPair, VerificationAlgorithm,
};

use crate::encoded::{self, KeyFileError, KeyProblem};
use crate::private::{self, Private};
use crate::public::{self, Public};
use crate::{Curve, KeyId, WrapError};

/// How a key signs; each kind of key has one way here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignatureAlgorithm {
    /// ECDSA on P-256 with SHA-256, the signature in DER.
    EcdsaP256Sha256,
    /// ECDSA on P-384 with SHA-384, the signature in DER.
    EcdsaP384Sha384,
    /// Ed25519, 64 bytes.
    Ed25519,
    /// RSA-PSS with SHA-256 in hash and mask and a salt of 32 bytes, as long as the modulus.
    RsaPssSha256,
}

impl SignatureAlgorithm {
    fn of(curve: Curve) -> Result<Self, KeyProblem> {
        match curve {
            Curve::P256 => Ok(Self::EcdsaP256Sha256),
            Curve::P384 => Ok(Self::EcdsaP384Sha384),
            Curve::P521 => Err(KeyProblem::Unsupported {
                found: "signing with P-521".to_owned(),
                expected: "an Ed25519, P-256, P-384 or RSA key",
            }),
        }
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::EcdsaP256Sha256 => &signature::ECDSA_P256_SHA256_ASN1,
            Self::EcdsaP384Sha384 => &signature::ECDSA_P384_SHA384_ASN1,
            Self::Ed25519 => &signature::ED25519,
            Self::RsaPssSha256 => &signature::RSA_PSS_2048_8192_SHA256,
        }
    }
}

fn refused(what: &'static str, detail: impl fmt::Display) -> KeyProblem {
    KeyProblem::Refused {
        what,
        detail: detail.to_string(),
    }
}

/// A public key that verifies signatures.
pub struct VerifyingKey {
    id: KeyId,
    algorithm: SignatureAlgorithm,
    key: ParsedPublicKey,
}

impl VerifyingKey {
    /// The public key in the file `path`, an X.509 certificate or a SubjectPublicKeyInfo in PEM or DER. Of a certificate
    /// only the key is used.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let file = path.display().to_string();
        let bytes = encoded::read(path).map_err(KeyFileError::within(&file))?;
        Self::from_bytes(&file, &bytes)
    }

    /// As [`VerifyingKey::read`], of bytes that are at hand; `file` is what errors call them.
    pub fn from_bytes(file: &str, bytes: &[u8]) -> Result<Self, KeyFileError> {
        Self::parse(bytes).map_err(KeyFileError::within(file))
    }

    fn parse(bytes: &[u8]) -> Result<Self, KeyProblem> {
        let (algorithm, key) = match public::parse(bytes)? {
            Public::Rsa(spki) => (SignatureAlgorithm::RsaPssSha256, spki),
            Public::Ec(curve, point) => (SignatureAlgorithm::of(curve)?, point),
            Public::Ed25519(spki) => (SignatureAlgorithm::Ed25519, spki),
        };
        let key = ParsedPublicKey::new(algorithm.verification(), key)
            .map_err(|error| refused("the public key", error))?;
        Self::new(algorithm, key)
    }

    fn new(algorithm: SignatureAlgorithm, key: ParsedPublicKey) -> Result<Self, KeyProblem> {
        let spki = key.as_der().map_err(|error| refused("the public key", error))?;
        Ok(Self {
            id: KeyId::of(spki.as_ref()),
            algorithm,
            key,
        })
    }

    /// The key's identifier, equal to that of its private key.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// How the key's signatures are made.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// That `signature` is this key's over `message`; else [`WrapError::Refused`]. Of an RSA key a modulus under 2048
    /// bits is refused here too.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), WrapError> {
        self.key
            .verify_sig(message, signature)
            .map_err(|_| WrapError::Refused("the signature"))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({:?}, {})", self.algorithm, self.id)
    }
}

/// A private key that signs.
pub struct SigningKey {
    public: VerifyingKey,
    key: Pair,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl SigningKey {
    /// The private key in the file `path`, in the forms of [`RecipientKey::read`](crate::RecipientKey::read).
    pub fn read(path: &Path, password: Option<&[u8]>) -> Result<Self, KeyFileError> {
        let file = path.display().to_string();
        let bytes = encoded::read(path).map_err(KeyFileError::within(&file))?;
        Self::from_bytes(&file, &bytes, password)
    }

    /// As [`SigningKey::read`], of bytes that are at hand; `file` is what errors call them.
    pub fn from_bytes(file: &str, bytes: &[u8], password: Option<&[u8]>) -> Result<Self, KeyFileError> {
        Self::parse(bytes, password).map_err(KeyFileError::within(file))
    }

    fn parse(bytes: &[u8], password: Option<&[u8]>) -> Result<Self, KeyProblem> {
        const WHAT: &str = "the private key";
        let (algorithm, key, public) = match private::parse(bytes, password)? {
            Private::Rsa(pkcs8) => {
                let pair = RsaKeyPair::from_pkcs8(&pkcs8).map_err(|error| refused(WHAT, error))?;
                let public = pair.public_key().as_ref().to_vec();
                (SignatureAlgorithm::RsaPssSha256, Pair::Rsa(pair), public)
            }
            Private::Ec(curve, der) => {
                let algorithm = SignatureAlgorithm::of(curve)?;
                let signing = match curve {
                    Curve::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
                    _ => &ECDSA_P384_SHA384_ASN1_SIGNING,
                };
                let pair = EcdsaKeyPair::from_private_key_der(signing, &der)
                    .map_err(|error| refused(WHAT, error))?;
                let public = pair.public_key().as_ref().to_vec();
                (algorithm, Pair::Ecdsa(pair), public)
            }
            Private::Ed25519(pkcs8) => {
                let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|error| refused(WHAT, error))?;
                let public = pair.public_key().as_ref().to_vec();
                (SignatureAlgorithm::Ed25519, Pair::Ed25519(pair), public)
            }
        };
        let public =
            ParsedPublicKey::new(algorithm.verification(), public).map_err(|error| refused(WHAT, error))?;
        Ok(Self {
            public: VerifyingKey::new(algorithm, public)?,
            key,
        })
    }

    /// The public half.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.public
    }

    /// The key's identifier, equal to that of its public key.
    pub fn id(&self) -> KeyId {
        self.public.id
    }

    /// The signature of `message`.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, WrapError> {
        let failed = |_| WrapError::Library("signing");
        match &self.key {
            Pair::Ecdsa(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message).map_err(failed)?;
                Ok(signature.as_ref().to_vec())
            }
            Pair::Ed25519(pair) => Ok(pair.try_sign(message).map_err(failed)?.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(
                    &signature::RSA_PSS_SHA256,
                    &SystemRandom::new(),
                    message,
                    &mut signature,
                )
                .map_err(failed)?;
                Ok(signature)
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SigningKey({:?}, {}, secret)",
            self.public.algorithm, self.public.id
        )
    }
}
