//! What tells the right volume key from a wrong one.

use subtle::ConstantTimeEq;

use super::kdf::{LEAST_ITERATIONS, SALT_BYTES, pbkdf2};
use super::{Hash, LuksError};

/// LUKS1's digests are cut to this length, in bytes, whatever the hash.
pub(super) const LUKS1_DIGEST_BYTES: usize = 20;

/// PBKDF2 of the volume key.
#[derive(Clone, Debug)]
pub(super) struct Digest {
    pub(super) hash: Hash,
    pub(super) iterations: u32,
    pub(super) salt: [u8; SALT_BYTES],
    pub(super) digest: Vec<u8>,
}

impl Digest {
    /// The digest of `key` with a new salt. The key is random, so nobody guesses it, whatever the iterations.
    pub(super) fn of(key: &[u8], hash: Hash, bytes: usize) -> Result<Self, LuksError> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt)?;
        let mut digest = vec![0; bytes];
        pbkdf2(hash, key, &salt, LEAST_ITERATIONS, &mut digest);
        Ok(Self {
            hash,
            iterations: LEAST_ITERATIONS,
            salt,
            digest,
        })
    }

    /// Whether `key` is the volume key.
    pub(super) fn holds(&self, key: &[u8]) -> bool {
        let mut digest = vec![0; self.digest.len()];
        pbkdf2(self.hash, key, &self.salt, self.iterations, &mut digest);
        !digest.is_empty() && bool::from(digest.ct_eq(&self.digest))
    }
}
