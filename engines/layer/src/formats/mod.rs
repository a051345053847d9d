//! The formats of encrypted layers, and what is done with whole images in them.

mod annotations;
mod decrypt;
mod encrypt;
mod open;
mod recipients;
mod rewrap;
mod show;
mod unlock;

use std::fmt;
use std::str::FromStr;

use sealab_engine::Primitive;

use crate::chunks::StreamCipher;
use crate::convergent::CONVERGENT;
use crate::ocicrypt::CIPHER;

pub use decrypt::{LayerOutcome, SealedDigest, decrypt};
pub use encrypt::{EncryptOptions, encrypt};
pub use open::{open_convergent_layer, open_layer};
pub use recipients::{WrappedFor, recipients_of};
pub use rewrap::{Removal, Rewrap, rewrap};
pub use show::{LayerInfo, show};

pub(crate) use decrypt::within;
pub(crate) use open::{LayerParts, open_parts};

/// How an encrypted layer lies in its blob and annotations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// As containers/ocicrypt has it, byte for byte.
    Ocicrypt,
    /// The same, readable by the same programs, with a table of tags by which any range is read verified.
    OcicryptSeekable,
    /// Chunks sealed one by one; only Sealab reads it.
    ChunkedAead(StreamCipher),
    /// Chunks cut by content, under keys that follow from them and a secret salt: equal ones are stored once. Only Sealab
    /// reads it.
    Convergent,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 5] = [
        Self::Ocicrypt,
        Self::OcicryptSeekable,
        Self::ChunkedAead(StreamCipher::Aes256Gcm),
        Self::ChunkedAead(StreamCipher::ChaCha20Poly1305),
        Self::Convergent,
    ];

    /// The format's name in commands and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ocicrypt => "ocicrypt",
            Self::OcicryptSeekable => "ocicrypt-seekable",
            Self::ChunkedAead(StreamCipher::Aes256Gcm) => "chunked-aead",
            Self::ChunkedAead(StreamCipher::ChaCha20Poly1305) => "chunked-aead-chacha20-poly1305",
            Self::Convergent => "convergent",
        }
    }

    /// What an engine must have to encrypt or decrypt layers of the format.
    pub fn primitives(self) -> &'static [Primitive] {
        use Primitive::{Aes256Ctr, Aes256Gcm, ChaCha20Poly1305, HmacSha256, Sha256};
        match self {
            Self::Ocicrypt => &[Aes256Ctr, HmacSha256, Sha256],
            // The index of its files is under AES-256-GCM.
            Self::ChunkedAead(StreamCipher::ChaCha20Poly1305) => {
                &[ChaCha20Poly1305, Aes256Gcm, HmacSha256, Sha256]
            }
            Self::ChunkedAead(StreamCipher::Aes256Gcm) | Self::Convergent => &[Aes256Gcm, HmacSha256, Sha256],
            Self::OcicryptSeekable => &[Aes256Ctr, Aes256Gcm, HmacSha256, Sha256],
        }
    }

    /// The format that a layer's public options and table say.
    fn of(cipher: &str, has_table: bool) -> Option<Self> {
        if cipher == CIPHER {
            return Some(if has_table {
                Self::OcicryptSeekable
            } else {
                Self::Ocicrypt
            });
        }
        if cipher == CONVERGENT {
            return Some(Self::Convergent);
        }
        StreamCipher::ALL
            .into_iter()
            .find(|stream| stream.name() == cipher)
            .map(Self::ChunkedAead)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                format!("{text:?} is no format of layers; there are {names}")
            })
    }
}
