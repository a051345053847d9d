//! What opens packets.

use std::fmt;

use sealab_keys::jwe::{self, JweKey, Limits};
use zeroize::Zeroizing;

use super::{JWE, MAX_PACKET_BYTES, WrappingError};

/// The most recipients of one packet that are read.
pub(crate) const MAX_RECIPIENTS: usize = 100;

/// A key that opens packets of some scheme.
pub trait PacketKey: fmt::Debug + Sync {
    /// The private options in a packet of `scheme` (`jwe`, `pkcs7`, `provider.NAME`, …): `None` where the key is none of
    /// the packet's, or the packet is none of the scheme's. An error is what the user must hear of, such as a
    /// keyprovider that does not answer; other keys are still tried.
    fn open(&self, scheme: &str, packet: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, WrappingError>;
}

/// A key with the name that messages call it by.
#[derive(Clone, Copy, Debug)]
pub struct NamedKey<'a> {
    /// Its file, for example.
    pub name: &'a str,
    /// The key.
    pub key: &'a dyn PacketKey,
}

impl PacketKey for JweKey {
    fn open(&self, scheme: &str, packet: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, WrappingError> {
        const LIMITS: Limits = Limits {
            bytes: MAX_PACKET_BYTES,
            recipients: MAX_RECIPIENTS,
        };
        if scheme != JWE {
            return Ok(None);
        }
        // A packet that is no JWE does not keep the next one from fitting.
        let text = str::from_utf8(packet).ok();
        Ok(text.and_then(|text| jwe::decrypt(text, self, LIMITS).ok()))
    }
}
