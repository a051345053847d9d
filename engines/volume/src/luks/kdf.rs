//! From a passphrase to the key of a keyslot.

use std::collections::TryReserveError;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use pbkdf2::pbkdf2_hmac;
use serde::Serialize;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use zeroize::{Zeroize, Zeroizing};

use super::{Hash, LuksError};

/// The length of every salt, in bytes.
pub(super) const SALT_BYTES: usize = 32;

/// A key derivation function with what it costs.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Pbkdf {
    /// PBKDF2 with HMAC (RFC 8018). The only one of LUKS1.
    Pbkdf2 {
        /// The hash beneath the HMAC.
        hash: Hash,
        /// How often the HMAC is computed for each block of output.
        iterations: u32,
    },
    /// Argon2i (RFC 9106), the default of cryptsetup 2.0 to 2.3.
    Argon2i(Argon2Cost),
    /// Argon2id (RFC 9106).
    Argon2id(Argon2Cost),
}

/// What Argon2 costs.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Argon2Cost {
    /// Passes over the memory.
    pub time: u32,
    /// Memory, in KiB.
    pub memory: u32,
    /// Lanes, which could be computed at a time; here they are computed one after another.
    pub cpus: u32,
}

impl Default for Argon2Cost {
    /// 256 MiB, 4 passes and 4 lanes: about a second.
    fn default() -> Self {
        Self {
            time: 4,
            memory: 256 << 10,
            cpus: 4,
        }
    }
}

impl Default for Pbkdf {
    /// Argon2id at its default cost.
    fn default() -> Self {
        Self::Argon2id(Argon2Cost::default())
    }
}

/// What a key derivation may cost at most. A header that asks for more is refused before anything is computed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KdfLimits {
    /// PBKDF2's iterations.
    pub iterations: u32,
    /// Argon2's memory, in KiB.
    pub memory: u32,
    /// Argon2's memory times its passes, in KiB.
    pub memory_passes: u64,
}

impl Default for KdfLimits {
    /// About a minute on a machine of today, and 1 GiB, which is the most that cryptsetup asks for unless told.
    fn default() -> Self {
        Self {
            iterations: 1 << 26,
            memory: 1 << 20,
            memory_passes: 32 << 20,
        }
    }
}

/// cryptsetup's own least cost, that of its tests; a header with less was not made by it.
pub(super) const LEAST_ITERATIONS: u32 = 1000;
const LEAST_TIME: u32 = 4;
const LEAST_MEMORY: u32 = 32;
const MOST_CPUS: u32 = 4;

impl Pbkdf {
    /// The parameter that is out of bounds, if one is: its name, its value, what is allowed.
    pub(crate) fn out_of_bounds(&self, limits: &KdfLimits) -> Option<(&'static str, u64, String)> {
        let outside = |name, value: u32, least: u32, most: u32| {
            let allowed = format!("{least} to {most}");
            (!(least..=most).contains(&value)).then_some((name, u64::from(value), allowed))
        };
        match *self {
            Self::Pbkdf2 { iterations, .. } => {
                outside("iterations", iterations, LEAST_ITERATIONS, limits.iterations)
            }
            Self::Argon2i(cost) | Self::Argon2id(cost) => {
                // Not more passes than `memory_passes` allows with this memory.
                let passes = limits.memory_passes / u64::from(cost.memory.max(1));
                let passes = u32::try_from(passes).unwrap_or(u32::MAX);
                outside("memory", cost.memory, LEAST_MEMORY, limits.memory)
                    .or_else(|| outside("cpus", cost.cpus, 1, MOST_CPUS))
                    .or_else(|| outside("time", cost.time, LEAST_TIME, passes))
            }
        }
    }

    /// The key from a passphrase, whose length is the caller's affair.
    pub(crate) fn derive(
        &self,
        passphrase: &[u8],
        salt: &[u8],
        bytes: usize,
    ) -> Result<Zeroizing<Vec<u8>>, LuksError> {
        let mut key = Zeroizing::new(vec![0; bytes]);
        match *self {
            Self::Pbkdf2 { hash, iterations } => pbkdf2(hash, passphrase, salt, iterations, &mut key),
            Self::Argon2i(cost) => argon2(Algorithm::Argon2i, cost, passphrase, salt, &mut key)?,
            Self::Argon2id(cost) => argon2(Algorithm::Argon2id, cost, passphrase, salt, &mut key)?,
        }
        Ok(key)
    }
}

/// PBKDF2 with the HMAC of `hash`, for as many bytes as `output` has.
pub(super) fn pbkdf2(hash: Hash, secret: &[u8], salt: &[u8], iterations: u32, output: &mut [u8]) {
    match hash {
        Hash::Sha1 => pbkdf2_hmac::<Sha1>(secret, salt, iterations, output),
        Hash::Sha256 => pbkdf2_hmac::<Sha256>(secret, salt, iterations, output),
        Hash::Sha512 => pbkdf2_hmac::<Sha512>(secret, salt, iterations, output),
    }
}

fn argon2(
    algorithm: Algorithm,
    cost: Argon2Cost,
    passphrase: &[u8],
    salt: &[u8],
    output: &mut [u8],
) -> Result<(), LuksError> {
    let failed = |error: argon2::Error| LuksError::Derivation(format!("Argon2: {error}"));
    let params = Params::new(cost.memory, cost.time, cost.cpus, Some(output.len())).map_err(failed)?;
    // Reserved here because the library would end the program where there is not enough.
    let mut memory = Vec::new();
    let blocks = params.block_count();
    memory
        .try_reserve_exact(blocks)
        .map_err(|error: TryReserveError| {
            LuksError::Derivation(format!("Argon2 needs {} KiB of memory: {error}", cost.memory))
        })?;
    memory.resize(blocks, Block::default());
    let derived = Argon2::new(algorithm, Version::V0x13, params).hash_password_into_with_memory(
        passphrase,
        salt,
        output,
        &mut memory,
    );
    memory.zeroize();
    derived.map_err(failed)
}
