//! LUKS1 and LUKS2: headers, keyslots and the sectors behind them.
//!
//! [`create`] makes a volume, [`open`] opens one, [`Header`] is for everything that needs no sectors: showing what a
//! header says, adding and removing keyslots, mending a broken copy. What headers may ask for is a fixed list
//! ([`Cipher`], [`Hash`], [`Pbkdf`] within [`KdfLimits`]); the rest is refused, and a [`Refusal`] says what.

mod anti_forensic;
mod bytes;
mod create;
mod description;
mod device;
mod digest;
mod error;
mod header;
mod kdf;
mod keyslot;
mod luks1;
mod luks2;
mod options;
mod profile;
mod sectors;
mod summary;
mod volume;

pub use create::create;
pub use device::Device;
pub use error::{LuksError, Refusal};
pub use header::Header;
pub use kdf::{Argon2Cost, KdfLimits, Pbkdf};
pub use options::{IntegrityOptions, OpenOptions, Options, Version};
pub use profile::{Cipher, Hash};
pub use summary::{AreaSummary, CopySummary, DigestSummary, KeyslotSummary, Summary, TokenSummary};
pub use volume::{LuksVolume, open};

/// What a LUKS1 header says that begins with `bytes`. Reads nothing else: for fuzzing.
pub fn parse_luks1(bytes: &[u8]) -> Result<Summary, Refusal> {
    Ok(luks1::Luks1::parse(bytes, &KdfLimits::default())?.summary())
}

/// What the LUKS2 header says whose two copies are in `bytes`, the first bytes of a store. Reads nothing else: for
/// fuzzing.
pub fn parse_luks2(bytes: &[u8]) -> Result<Summary, Refusal> {
    Ok(luks2::Luks2::parse(bytes, &KdfLimits::default())?.summary())
}
