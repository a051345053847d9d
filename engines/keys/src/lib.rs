//! How data keys are wrapped for recipients: for checkpoints and for image layers alike.
//!
//! [`Recipient`] is a public key that data keys are wrapped for, [`RecipientKey`] the private key that unwraps them;
//! [`VerifyingKey`] and [`SigningKey`] are the same for signatures. All four are read from PEM or DER. What wraps:
//! [`rsa_oaep`], [`pkcs1v15`], [`key_wrap`], and [`jwe`] for several recipients in one packet; [`hkdf`] derives.
//! The cryptography is AWS-LC's; secrets are zeroized when they are dropped and never printed.

mod curve;
mod ecdh_es;
mod encoded;
mod error;
pub mod hkdf;
pub mod jwe;
mod jwk;
mod key_id;
pub mod key_wrap;
mod object;
pub mod pkcs1v15;
mod private;
mod public;
mod recipient;
mod recipient_key;
pub mod rsa_oaep;
mod signing;

pub use curve::Curve;
pub use encoded::{KeyFileError, KeyProblem, MAX_FILE_BYTES};
pub use error::WrapError;
pub use jwk::JwkError;
pub use key_id::KeyId;
pub use recipient::{KeyKind, Recipient};
pub use recipient_key::RecipientKey;
pub use signing::{SignatureAlgorithm, SigningKey, VerifyingKey};
