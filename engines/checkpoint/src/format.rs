//! What a format is, and the list of them.

use sealab_engine::{Engine, EngineError, InOutBuf, Primitive};

use crate::{Plane, Secret, Units, aead, block, ctr_hmac, xts};

/// What a format protects against somebody who reads or changes the stored bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protection {
    /// Nothing: a probe, never a way to protect data.
    Nothing,
    /// Reading only; a change is not noticed.
    Confidentiality,
    /// Reading, and any change of a unit or its place.
    ConfidentialityAndIntegrity,
}

/// How a unit is sealed.
pub trait Format: Sync {
    /// The stable identifier, as in scenario files and records.
    fn id(&self) -> &'static str;

    /// One line for people.
    fn title(&self) -> &'static str;

    /// The planes it can seal.
    fn planes(&self) -> &'static [Plane];

    /// What an engine must implement for it.
    fn primitives(&self) -> &'static [Primitive];

    /// What it gives.
    fn protection(&self) -> Protection;

    /// Bytes that are stored for each unit besides its ciphertext.
    fn trailer_bytes(&self) -> usize;

    /// The format under `secret`. Sealers that work at once under one secret take different `lane`s, so that no
    /// nonce comes twice.
    fn sealer(&self, engine: &dyn Engine, secret: &Secret, lane: u32)
    -> Result<Box<dyn Sealer>, EngineError>;
}

/// A format under one secret, on one thread.
pub trait Sealer: Send {
    /// Seals the units of `data` and writes their trailers, [`Format::trailer_bytes`] each.
    fn seal(
        &mut self,
        units: Units<'_>,
        data: InOutBuf<'_, '_, u8>,
        trailers: &mut [u8],
    ) -> Result<(), EngineError>;

    /// Opens the units of `data`. Where a unit is not authentic the call fails and its whole output is zeros.
    fn open(
        &mut self,
        units: Units<'_>,
        data: InOutBuf<'_, '_, u8>,
        trailers: &[u8],
    ) -> Result<(), EngineError>;
}

/// Every format.
pub static FORMATS: &[&dyn Format] = &[
    &block::Block,
    &xts::AES_128,
    &xts::AES_256,
    &aead::AES_128_GCM,
    &aead::AES_256_GCM,
    &aead::CHACHA20_POLY1305,
    &ctr_hmac::CtrHmac,
];

/// The format of that identifier.
pub fn format(id: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.id() == id)
}
