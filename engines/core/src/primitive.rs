//! The names of what an engine can implement.

use std::fmt;

/// One cryptographic operation that an engine may implement.
///
/// The text form ([`Primitive::id`]) stands in scenario files, run records and vectors and is kept stable.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Primitive {
    /// AES-128-GCM with 96-bit nonces and 128-bit tags (NIST SP 800-38D).
    Aes128Gcm,
    /// AES-128 in XTS mode, two 128-bit keys (IEEE 1619, NIST SP 800-38E).
    Aes128Xts,
    /// The AES-256 block cipher alone, over many independent blocks: the limit that no mode can pass.
    /// A probe of speed, never a way to protect data.
    Aes256Block,
    /// AES-256 in counter mode with a 128-bit big-endian counter (NIST SP 800-38A).
    Aes256Ctr,
    /// AES-256-GCM with 96-bit nonces and 128-bit tags (NIST SP 800-38D).
    Aes256Gcm,
    /// AES-256 in XTS mode, two 256-bit keys (IEEE 1619, NIST SP 800-38E).
    Aes256Xts,
    /// ChaCha20-Poly1305 with 96-bit nonces (RFC 8439).
    ChaCha20Poly1305,
    /// HMAC with SHA-256 (RFC 2104).
    HmacSha256,
    /// SHA-256 (FIPS 180-4).
    Sha256,
}

impl Primitive {
    /// Every primitive, in the order of their identifiers.
    pub const ALL: [Self; 9] = [
        Self::Aes128Gcm,
        Self::Aes128Xts,
        Self::Aes256Block,
        Self::Aes256Ctr,
        Self::Aes256Gcm,
        Self::Aes256Xts,
        Self::ChaCha20Poly1305,
        Self::HmacSha256,
        Self::Sha256,
    ];

    /// The stable text form.
    pub fn id(self) -> &'static str {
        match self {
            Self::Aes128Gcm => "aes-128-gcm",
            Self::Aes128Xts => "aes-128-xts",
            Self::Aes256Block => "aes-256-block",
            Self::Aes256Ctr => "aes-256-ctr",
            Self::Aes256Gcm => "aes-256-gcm",
            Self::Aes256Xts => "aes-256-xts",
            Self::ChaCha20Poly1305 => "chacha20-poly1305",
            Self::HmacSha256 => "hmac-sha256",
            Self::Sha256 => "sha-256",
        }
    }

    /// The primitive of that identifier.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|primitive| primitive.id() == id)
    }

    /// Whether its speed hangs on the AES instructions of the CPU.
    pub fn uses_aes(self) -> bool {
        !matches!(self, Self::ChaCha20Poly1305 | Self::HmacSha256 | Self::Sha256)
    }
}

impl fmt::Display for Primitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_distinct_and_read_back() {
        for primitive in Primitive::ALL {
            assert_eq!(Primitive::from_id(primitive.id()), Some(primitive));
        }
        assert_eq!(Primitive::from_id("aes-512-xts"), None);
    }
}
