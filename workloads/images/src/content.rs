//! What an image's files hold.

use std::fmt;
use std::io;

use schemars::JsonSchema;
use sealab_memory::{ByteSize, Content, Memhog, Workload};
use serde::{Deserialize, Serialize};

/// What an image's files hold.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageContent {
    /// The host's own files under /usr: an even sample of them.
    #[default]
    Host,
    /// Text of a made-up language, which compresses 3 to 4 times.
    Text,
    /// Random bytes, which nothing compresses.
    Random,
}

impl fmt::Display for ImageContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host files",
            Self::Text => "text",
            Self::Random => "random bytes",
        })
    }
}

/// What is made at a time, in bytes.
const PIECE_BYTES: usize = 1 << 20;
/// Made content comes in whole pages.
const PAGE_BYTES: usize = 4096;

/// Reads made-up content, the same for the same seed.
pub(crate) struct Made {
    content: Content,
    seed: u64,
    left: u64,
    next: u64,
    piece: Vec<u8>,
    used: usize,
}

impl Made {
    /// `length` bytes of it.
    pub(crate) fn new(content: Content, seed: u64, length: u64) -> Self {
        Self {
            content,
            seed,
            left: length,
            next: 0,
            piece: Vec::new(),
            used: 0,
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        let pages = (self.left.min(PIECE_BYTES as u64) as usize).next_multiple_of(PAGE_BYTES);
        self.piece.resize(pages, 0);
        let workload = Workload::Memhog(Memhog {
            size: ByteSize::from_bytes(pages as u64).map_err(io::Error::other)?,
            content: self.content,
            duplicates: Default::default(),
            // Another one for each piece of each seed.
            seed: self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.next,
        });
        workload
            .prepare(&false.into())
            .and_then(|prepared| prepared.write_to(&mut self.piece))
            .map_err(io::Error::other)?;
        (self.next, self.used) = (self.next + 1, 0);
        Ok(())
    }
}

impl io::Read for Made {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || bytes.is_empty() {
            return Ok(0);
        }
        if self.used == self.piece.len() {
            self.refill()?;
        }
        let there = &self.piece[self.used..];
        let count = there
            .len()
            .min(bytes.len())
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        bytes[..count].copy_from_slice(&there[..count]);
        (self.used, self.left) = (self.used + count, self.left - count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn made_content_is_of_its_length_and_the_same_each_time() {
        let read = |seed, length| {
            let mut bytes = Vec::new();
            Made::new(Content::Random, seed, length)
                .read_to_end(&mut bytes)
                .expect("memory");
            bytes
        };
        let one = read(1, (2 << 20) + 5);
        assert_eq!(one.len(), (2 << 20) + 5);
        assert_eq!(one, read(1, (2 << 20) + 5));
        assert_ne!(one[..1 << 20], one[1 << 20..2 << 20]);
        assert_ne!(one[..100], read(2, 100));
        assert!(read(1, 0).is_empty());
    }
}
