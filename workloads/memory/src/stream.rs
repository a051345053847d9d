//! `stream`: bytes without units, as a raw image file of a checkpoint holds them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::canary::{self, CANARY_BYTES, Canary};
use crate::content::Filler;
use crate::random::Random;
use crate::{ByteSize, Content, PAGE_BYTES, default_seed};

/// A raw stream of `size` bytes of `content`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// How long it is.
    pub size: ByteSize,
    /// What it holds.
    #[serde(default)]
    pub content: Content,
    /// The seed: equal parameters with equal seeds give equal bytes.
    #[serde(default = "default_seed")]
    pub seed: u64,
}

impl Stream {
    /// The canaries that [`Stream::fill`] plants in `length` bytes; none where the content is one byte value.
    pub(crate) fn canaries(&self, length: usize) -> Vec<Canary> {
        // Each lies within one page, so that it is written with it.
        let pages = if length < PAGE_BYTES {
            usize::from(length >= CANARY_BYTES)
        } else {
            length / PAGE_BYTES
        };
        if !self.content.varies() {
            return Vec::new();
        }
        let count = pages.min(canary::MOST);
        let room = length.min(PAGE_BYTES).saturating_sub(CANARY_BYTES) as u64 + 1;
        let mut random = Random::new(self.seed, "stream canaries");
        (0..count)
            .map(|index| {
                let within = random.below(room) as usize;
                Canary::new(&mut random, index * pages / count * PAGE_BYTES + within)
            })
            .collect()
    }

    /// Writes the stream; `canaries` are those of [`Stream::canaries`] for the same length.
    pub(crate) fn fill(&self, out: &mut [u8], canaries: &[Canary]) {
        let mut filler = Filler::new(self.content, Random::new(self.seed, "stream content"));
        for page in out.chunks_mut(PAGE_BYTES) {
            filler.page(page);
        }
        for canary in canaries {
            canary.plant(out, 0);
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, content, seed } = self;
        write!(f, "stream {size} {content}, seed {seed}")
    }
}
