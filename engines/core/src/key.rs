//! Keys: of the right length by construction, zeroized on drop, never printed.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

use crate::Primitive;

/// `N` secret bytes on the heap, so that moving the key leaves no copy behind.
#[derive(Clone)]
pub struct Key<const N: usize>(Box<[u8; N]>);

/// Why bytes are not a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// XTS needs two different keys; equal halves undo the tweak's secrecy (NIST IG C.I).
    #[error("the two halves of an XTS key must differ")]
    EqualHalves,
    /// The bytes are too many or too few.
    #[error("a key for {primitive} has {expected} bytes, not {found}")]
    Length {
        /// What the key is for.
        primitive: Primitive,
        /// The length that was given.
        found: usize,
        /// The right length.
        expected: usize,
    },
    /// The primitive takes no key of this kind.
    #[error("{0} takes no key of this kind")]
    Primitive(Primitive),
}

impl<const N: usize> Key<N> {
    /// Takes a copy of `bytes`; the caller zeroizes its own.
    pub fn new(bytes: &[u8; N]) -> Self {
        let mut boxed = Box::new([0; N]);
        boxed.copy_from_slice(bytes);
        Self(boxed)
    }

    /// The secret itself, for the library's own key schedule.
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }

    fn from_slice(primitive: Primitive, bytes: &[u8]) -> Result<Self, KeyError> {
        let fits = <&[u8; N]>::try_from(bytes);
        Ok(Self::new(fits.map_err(|_| KeyError::Length {
            primitive,
            found: bytes.len(),
            expected: N,
        })?))
    }
}

impl<const N: usize> Drop for Key<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<const N: usize> fmt::Debug for Key<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key<{N}>(secret)")
    }
}

/// A key for an AEAD; the variant is the algorithm.
#[derive(Clone, Debug)]
pub enum AeadKey {
    /// AES-128-GCM.
    Aes128Gcm(Key<16>),
    /// AES-256-GCM.
    Aes256Gcm(Key<32>),
    /// ChaCha20-Poly1305.
    ChaCha20Poly1305(Key<32>),
}

impl AeadKey {
    /// The key of `primitive` from its bytes: 16 for AES-128-GCM, 32 for the others.
    pub fn new(primitive: Primitive, bytes: &[u8]) -> Result<Self, KeyError> {
        match primitive {
            Primitive::Aes128Gcm => Ok(Self::Aes128Gcm(Key::from_slice(primitive, bytes)?)),
            Primitive::Aes256Gcm => Ok(Self::Aes256Gcm(Key::from_slice(primitive, bytes)?)),
            Primitive::ChaCha20Poly1305 => Ok(Self::ChaCha20Poly1305(Key::from_slice(primitive, bytes)?)),
            other => Err(KeyError::Primitive(other)),
        }
    }

    /// The algorithm.
    pub fn primitive(&self) -> Primitive {
        match self {
            Self::Aes128Gcm(_) => Primitive::Aes128Gcm,
            Self::Aes256Gcm(_) => Primitive::Aes256Gcm,
            Self::ChaCha20Poly1305(_) => Primitive::ChaCha20Poly1305,
        }
    }

    /// The secret bytes.
    pub fn expose(&self) -> &[u8] {
        match self {
            Self::Aes128Gcm(key) => key.expose(),
            Self::Aes256Gcm(key) | Self::ChaCha20Poly1305(key) => key.expose(),
        }
    }
}

/// A key for XTS: the data key, then the tweak key; never two equal halves.
#[derive(Clone, Debug)]
pub enum XtsKey {
    /// AES-128-XTS, 32 bytes together.
    Aes128(Key<32>),
    /// AES-256-XTS, 64 bytes together.
    Aes256(Key<64>),
}

impl XtsKey {
    /// The key of `primitive` from its bytes: 32 for AES-128-XTS, 64 for AES-256-XTS.
    pub fn new(primitive: Primitive, bytes: &[u8]) -> Result<Self, KeyError> {
        let key = match primitive {
            Primitive::Aes128Xts => Self::Aes128(Key::from_slice(primitive, bytes)?),
            Primitive::Aes256Xts => Self::Aes256(Key::from_slice(primitive, bytes)?),
            other => return Err(KeyError::Primitive(other)),
        };
        let (data, tweak) = key.expose().split_at(bytes.len() / 2);
        // No early exit: the comparison takes the same time wherever the halves differ.
        let difference = data.iter().zip(tweak).fold(0, |sum, (a, b)| sum | (a ^ b));
        if difference == 0 {
            Err(KeyError::EqualHalves)
        } else {
            Ok(key)
        }
    }

    /// The algorithm.
    pub fn primitive(&self) -> Primitive {
        match self {
            Self::Aes128(_) => Primitive::Aes128Xts,
            Self::Aes256(_) => Primitive::Aes256Xts,
        }
    }

    /// The secret bytes: the data key, then the tweak key.
    pub fn expose(&self) -> &[u8] {
        match self {
            Self::Aes128(key) => key.expose(),
            Self::Aes256(key) => key.expose(),
        }
    }
}

/// A key of AES-256 in counter mode.
#[derive(Clone, Debug)]
pub struct CtrKey(pub Key<32>);

/// A key of the AES-256 block cipher, for the limit's probe.
#[derive(Clone, Debug)]
pub struct BlockKey(pub Key<32>);

/// A key of HMAC-SHA-256, of any length; 32 bytes or more are advised (RFC 2104, section 3).
#[derive(Clone)]
pub struct MacKey(Zeroizing<Vec<u8>>);

impl MacKey {
    /// Takes a copy of `bytes`; the caller zeroizes its own.
    pub fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// The secret bytes.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_printable() {
        let key = AeadKey::new(Primitive::Aes256Gcm, &[0xab; 32]).unwrap();
        let mac = MacKey::new(&[0xab; 32]);
        let printed = format!("{key:?} {mac:?}");
        assert_eq!(printed, "Aes256Gcm(Key<32>(secret)) MacKey(secret)");
    }

    #[test]
    fn xts_keys_with_equal_halves_are_refused() {
        assert!(matches!(
            XtsKey::new(Primitive::Aes256Xts, &[7; 64]),
            Err(KeyError::EqualHalves)
        ));
        let mut bytes = [7; 64];
        bytes[63] = 8;
        assert!(XtsKey::new(Primitive::Aes256Xts, &bytes).is_ok());
    }

    #[test]
    fn wrong_lengths_and_kinds_are_refused() {
        assert!(matches!(
            AeadKey::new(Primitive::Aes128Gcm, &[0; 32]),
            Err(KeyError::Length {
                found: 32,
                expected: 16,
                ..
            })
        ));
        assert!(matches!(
            AeadKey::new(Primitive::Sha256, &[0; 32]),
            Err(KeyError::Primitive(_))
        ));
        assert!(matches!(
            XtsKey::new(Primitive::Aes256Gcm, &[0; 32]),
            Err(KeyError::Primitive(_))
        ));
    }
}
