//! The secret of one sealed set.

use std::fmt;

use zeroize::Zeroizing;

/// Bytes of a [`Secret`]: 64 for the cipher, 32 for the message authentication code.
pub const SECRET_BYTES: usize = 96;

/// Independent random bytes for the keys of one sealed set; zeroized on drop, never printed.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// A fresh secret from the system's generator.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new(vec![0; SECRET_BYTES]);
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The secret of those bytes.
    pub fn from_bytes(bytes: &[u8; SECRET_BYTES]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    pub(crate) fn cipher_key<const N: usize>(&self) -> [u8; N] {
        const { assert!(N <= 64) };
        let mut key = [0; N];
        key.copy_from_slice(&self.0[..N]);
        key
    }

    pub(crate) fn mac_key(&self) -> &[u8] {
        &self.0[64..]
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(secret)")
    }
}
