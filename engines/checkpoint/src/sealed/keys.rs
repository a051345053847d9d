//! The set's key and what is derived from it.

use std::fmt;

use sealab_engine::{AeadKey, Engine, MacKey};
use sealab_keys::hkdf;
use sealab_keys::jwe::{self, JweKey, Limits};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Error;
use super::header::{Cipher, SET_ID_BYTES};

/// Bytes of a [`SetKey`].
pub const SET_KEY_BYTES: usize = 32;

/// The random key of one sealed set; zeroized on drop, never printed.
#[derive(Clone)]
pub struct SetKey(Zeroizing<Vec<u8>>);

impl SetKey {
    /// A fresh key from the system's generator.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub fn generate() -> Result<Self, Error> {
        let mut bytes = Zeroizing::new(vec![0; SET_KEY_BYTES]);
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The key of those bytes.
    pub fn from_bytes(bytes: &[u8; SET_KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    pub(super) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetKey(secret)")
    }
}

/// What unlocks a sealed set.
#[derive(Clone, Copy, Debug)]
pub enum Unlock<'a> {
    /// A recipient's private key.
    Recipient(&'a JweKey),
    /// The set's own key, got elsewhere. What the header wraps for recipients is not opened then.
    Set(&'a SetKey),
}

impl Unlock<'_> {
    /// The set's key out of the header's `jwe`.
    pub(super) fn set_key(&self, file: &str, jwe: &str) -> Result<SetKey, Error> {
        let unwrapped = match self {
            Self::Set(key) => return Ok((*key).clone()),
            Self::Recipient(key) => jwe::decrypt(jwe, key, Limits::default()),
        };
        let bytes = unwrapped.map_err(|detail| Error::Unwrap {
            file: file.to_owned(),
            detail,
        })?;
        if bytes.len() == SET_KEY_BYTES {
            return Ok(SetKey(bytes));
        }
        // Any length but the right one is no key of ours; which it is says nothing more.
        Err(Error::unauthentic(file, 0, "the wrapped key"))
    }
}

/// Keys of one purpose each, by HKDF-SHA-256 from the set's key with the set's id as salt.
pub(super) struct Keys {
    chunks: AeadKey,
    header: MacKey,
    trailer: MacKey,
    commitment: [u8; 32],
}

impl Keys {
    pub(super) fn derive(set: &SetKey, id: &[u8; SET_ID_BYTES], cipher: Cipher) -> Result<Self, Error> {
        let derive = |purpose: &str| {
            let info = format!("sealed-checkpoint v1 {purpose}");
            hkdf::derive_sha256(set.expose(), id, info.as_bytes(), 32)
        };
        let mut commitment = [0; 32];
        commitment.copy_from_slice(&derive("key commitment")?);
        let primitive = cipher.primitive();
        Ok(Self {
            chunks: AeadKey::new(primitive, &derive(&format!("chunks {primitive}"))?)?,
            header: MacKey::new(&derive("header")?),
            trailer: MacKey::new(&derive("trailer")?),
            commitment,
        })
    }

    /// The AEAD of chunks.
    pub(super) fn chunks(&self) -> &AeadKey {
        &self.chunks
    }

    /// Says which key it is without giving it away: no two keys have the same.
    pub(super) fn commitment(&self) -> &[u8; 32] {
        &self.commitment
    }

    pub(super) fn header_mac(&self, engine: &dyn Engine, header: &[u8]) -> Result<[u8; 32], Error> {
        Ok(engine.hmac_sha256(&self.header)?.compute(&[header])?)
    }

    pub(super) fn trailer_mac(&self, engine: &dyn Engine, parts: &[&[u8]]) -> Result<[u8; 32], Error> {
        Ok(engine.hmac_sha256(&self.trailer)?.compute(parts)?)
    }
}

/// Whether two codes are equal, in constant time.
pub(super) fn equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.ct_eq(b).into()
}
