//! The digest of a block with its salt.

use sealab_engine::{Engine, EngineError, Sha256};
use sha2::{Digest, Sha512};

use super::superblock::{HashType, Parameters};

/// The hash of a tree.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithm {
    /// SHA-256, computed by the engine.
    Sha256,
    /// SHA-512. Engines have none; the `sha2` crate computes it.
    Sha512,
}

impl Algorithm {
    pub(super) const NAMES: &'static str = "sha256 or sha512";

    pub(super) fn from_name(name: &[u8]) -> Option<Self> {
        [Self::Sha256, Self::Sha512]
            .into_iter()
            .find(|algorithm| algorithm.name().as_bytes() == name)
    }

    /// The name in superblocks and of `veritysetup --hash`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// The length of a digest.
    pub fn digest_bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// Computes digests of blocks, one at a time.
pub(super) struct Hasher {
    /// Without, SHA-512.
    sha256: Option<Box<dyn Sha256>>,
    salt_before: Vec<u8>,
    salt_behind: Vec<u8>,
    digest: [u8; 64],
}

impl Hasher {
    pub(super) fn new(engine: &dyn Engine, parameters: &Parameters) -> Result<Self, EngineError> {
        let salt = parameters.salt.clone();
        let (salt_before, salt_behind) = match parameters.hash_type {
            HashType::Normal => (salt, vec![]),
            HashType::ChromeOs => (vec![], salt),
        };
        Ok(Self {
            sha256: match parameters.algorithm {
                Algorithm::Sha256 => Some(engine.sha256()?),
                Algorithm::Sha512 => None,
            },
            salt_before,
            salt_behind,
            digest: [0; 64],
        })
    }

    /// The digest of `block`.
    pub(super) fn digest(&mut self, block: &[u8]) -> Result<&[u8], EngineError> {
        let parts = [&self.salt_before[..], block, &self.salt_behind[..]];
        let length = match &mut self.sha256 {
            Some(sha256) => {
                let digest = sha256.digest(&parts)?;
                self.digest[..digest.len()].copy_from_slice(&digest);
                digest.len()
            }
            None => {
                let mut sha512 = Sha512::new();
                parts.iter().for_each(|part| sha512.update(part));
                self.digest.copy_from_slice(&sha512.finalize());
                self.digest.len()
            }
        };
        Ok(&self.digest[..length])
    }
}
