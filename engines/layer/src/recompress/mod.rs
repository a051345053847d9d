//! Layers that are compressed otherwise before they are encrypted, so that equal chunks are found in them, or files read at
//! their places.

mod decode;
mod layer;

use std::fmt;
use std::str::FromStr;

pub(crate) use layer::{Recompressed, recompress};

/// How layers are compressed when they are encrypted. Whatever is chosen, what is in them stays the same: the digest of the
/// uncompressed tar is held against the one in the image's configuration.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Compression {
    /// As they are.
    #[default]
    Keep,
    /// Not at all: layers become tars.
    None,
    /// In zstd frames of 128 KiB of the tar each, which any program reads as one zstd stream, and of which each can be read
    /// alone.
    ZstdFrames,
}

impl Compression {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Keep, Self::None, Self::ZstdFrames];

    /// Its name in commands and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::None => "none",
            Self::ZstdFrames => "zstd-frames",
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Compression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|compression| compression.name() == text)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                format!("{text:?} is no compression of layers; there are {names}")
            })
    }
}
