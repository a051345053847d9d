//! The secret salt, and what is derived from it.

use std::fmt;

use sealab_engine::{Engine, EngineError, HmacSha256, Key, MacKey};
use sealab_keys::hkdf;
use zeroize::Zeroizing;

use crate::Error;

/// The length of a salt, in bytes.
pub const SALT_BYTES: usize = 32;

/// The secret that images share whose equal chunks are to be equal blobs. Only who encrypts needs it: who has it can
/// confirm guesses of chunks, whoever decrypts has no use for it.
#[derive(Clone)]
pub struct Salt(Key<SALT_BYTES>);

impl Salt {
    /// The salt of these bytes, which must be random.
    pub fn new(bytes: &[u8; SALT_BYTES]) -> Self {
        Self(Key::new(bytes))
    }

    /// A salt from the operating system's random numbers.
    pub fn generate() -> Result<Self, EngineError> {
        let mut bytes = Zeroizing::new([0; SALT_BYTES]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|error| EngineError::Library {
            call: "getrandom",
            detail: error.to_string(),
        })?;
        Ok(Self::new(&bytes))
    }

    /// What gives chunks their keys.
    pub(super) fn key_maker(&self, engine: &dyn Engine) -> Result<Box<dyn HmacSha256>, Error> {
        let key = hkdf::derive_sha256(self.0.expose(), &[], b"sealab convergent v1 chunk keys", 32)?;
        Ok(engine.hmac_sha256(&MacKey::new(&key))?)
    }

    /// What sets the boundaries of chunks apart from those of other salts.
    pub(super) fn boundary_seed(&self) -> Result<u64, Error> {
        let seed = hkdf::derive_sha256(self.0.expose(), &[], b"sealab convergent v1 boundaries", 8)?;
        Ok(seed.iter().fold(0, |seed, byte| seed << 8 | u64::from(*byte)))
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(secret)")
    }
}
