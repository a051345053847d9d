//! The identifier of a key pair.

use std::fmt;

use aws_lc_rs::digest;

/// The SHA-256 of a public key's SubjectPublicKeyInfo in DER: the same for a public key and its private key, whatever
/// file they come from. `openssl pkey -pubin -in FILE -outform DER | sha256sum` prints it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyId([u8; 32]);

impl KeyId {
    pub(crate) fn of(spki: &[u8]) -> Self {
        let mut id = [0; 32];
        id.copy_from_slice(digest::digest(&digest::SHA256, spki).as_ref());
        Self(id)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
