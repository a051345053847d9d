//! What memory holds: zeros, one byte value, text, random bytes, or the mixture of a process.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::random::Random;

mod mixed;
mod text;

/// The byte that `memhog` of numactl writes (seen in its memory).
const MEMHOG_BYTE: u8 = 0xff;

/// The content of generated memory.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// Zero bytes.
    Zero,
    /// One byte value everywhere, 0xff, as memhog writes it.
    Constant,
    /// Words of a made-up language with the frequencies of a natural one; compresses 3 to 4 times.
    Text,
    /// Random bytes.
    Random,
    /// Blocks of 512 bytes as process memory has them: by chance 30 % zeros, 20 % pointers (64-bit words with common
    /// high bits), 15 % small 32-bit integers, 20 % text, 15 % random bytes.
    #[default]
    Mixed,
}

impl Content {
    /// Whether pages of this content differ from each other, and a canary may be planted in them.
    pub(crate) fn varies(self) -> bool {
        !matches!(self, Self::Zero | Self::Constant)
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zero => "zero",
            Self::Constant => "constant",
            Self::Text => "text",
            Self::Random => "random",
            Self::Mixed => "mixed",
        })
    }
}

/// Writes content, page after page.
pub(crate) struct Filler {
    content: Content,
    random: Random,
}

impl Filler {
    pub(crate) fn new(content: Content, random: Random) -> Self {
        Self { content, random }
    }

    /// Fills the next page, or what is left of one.
    pub(crate) fn page(&mut self, page: &mut [u8]) {
        match self.content {
            Content::Zero => page.fill(0),
            Content::Constant => page.fill(MEMHOG_BYTE),
            Content::Text => text::fill(&mut self.random, page),
            Content::Random => self.random.fill(page),
            Content::Mixed => mixed::fill(&mut self.random, page),
        }
    }
}
