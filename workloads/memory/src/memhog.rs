//! `memhog`: pages of one kind of content, with an exact share of duplicates.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::canary::{self, CANARY_BYTES, Canary};
use crate::content::Filler;
use crate::random::Random;
use crate::{ByteSize, Content, PAGE_BYTES, Share, WorkloadError, default_seed};

/// Memory as `memhog` makes it: `size` bytes of `content`, of which a share of pages repeats earlier ones.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Memhog {
    /// How much memory, in whole pages of 4 KiB.
    pub size: ByteSize,
    /// What the pages hold.
    #[serde(default)]
    pub content: Content,
    /// The share of pages that equal an earlier page. Not for `zero` and `constant`, whose pages are all equal.
    #[serde(default)]
    pub duplicates: Share,
    /// The seed: equal parameters with equal seeds give equal bytes.
    #[serde(default = "default_seed")]
    pub seed: u64,
}

impl Memhog {
    pub(crate) fn validate(&self) -> Result<(), WorkloadError> {
        whole_pages("memhog", self.size)?;
        if !self.content.varies() && !self.duplicates.is_zero() {
            return Err(WorkloadError::Invalid {
                workload: "memhog",
                field: "duplicates",
                found: format!("all pages of {} content are equal", self.content),
                expected: "leave duplicates out or choose text, random or mixed".to_owned(),
            });
        }
        Ok(())
    }

    /// The canaries that [`Memhog::fill`] plants in `length` bytes.
    pub(crate) fn canaries(&self, length: usize) -> Vec<Canary> {
        if !self.content.varies() {
            return Vec::new();
        }
        let pages = length / PAGE_BYTES;
        let wanted = pages.min(canary::MOST);
        let mut random = Random::new(self.seed, "memhog canaries");
        let mut canaries: Vec<Canary> = Vec::with_capacity(wanted);
        for (page, repeats) in self.plan(pages).enumerate() {
            // Evenly spread, each in the first page from its place on that is no duplicate.
            let next = canaries.len();
            if next < wanted && page >= next * pages / wanted && repeats.is_none() {
                let within = random.below((PAGE_BYTES - CANARY_BYTES) as u64) as usize;
                canaries.push(Canary::new(&mut random, page * PAGE_BYTES + within));
            }
        }
        canaries
    }

    /// Writes the memory; `canaries` are those of [`Memhog::canaries`] for the same length.
    pub(crate) fn fill(&self, out: &mut [u8], canaries: &[Canary]) {
        let mut filler = Filler::new(self.content, Random::new(self.seed, "memhog content"));
        let mut canaries = canaries.iter().peekable();
        for (page, repeats) in self.plan(out.len() / PAGE_BYTES).enumerate() {
            let start = page * PAGE_BYTES;
            if let Some(earlier) = repeats {
                let earlier = earlier * PAGE_BYTES;
                out.copy_within(earlier..earlier + PAGE_BYTES, start);
                continue;
            }
            let block = &mut out[start..start + PAGE_BYTES];
            filler.page(block);
            if let Some(canary) = canaries.next_if(|canary| canary.offset / PAGE_BYTES == page) {
                canary.plant(block, start);
            }
        }
    }

    /// For each page the earlier page that it repeats, or none. Selection sampling: the share is met exactly, and
    /// every choice of pages is as likely as any other.
    fn plan(&self, pages: usize) -> impl Iterator<Item = Option<usize>> {
        let mut random = Random::new(self.seed, "memhog duplicates");
        let mut wanted = self.duplicates.of(pages).min(pages.saturating_sub(1)) as u64;
        (0..pages).map(move |page| {
            let left = (pages - page) as u64;
            if page == 0 || wanted == 0 || random.below(left) >= wanted {
                return None;
            }
            wanted -= 1;
            Some(random.below(page as u64) as usize)
        })
    }
}

/// Refuses a size that is no whole number of pages.
pub(crate) fn whole_pages(workload: &'static str, size: ByteSize) -> Result<(), WorkloadError> {
    let page = PAGE_BYTES as u64;
    if size.bytes().is_multiple_of(page) {
        return Ok(());
    }
    Err(WorkloadError::Invalid {
        workload,
        field: "size",
        found: format!("{size} is no whole number of pages of {page} bytes"),
        expected: format!("{} would be", size.bytes().next_multiple_of(page)),
    })
}

impl fmt::Display for Memhog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memhog {} {}", self.size, self.content)?;
        if !self.duplicates.is_zero() {
            write!(f, ", {} duplicate pages", self.duplicates)?;
        }
        write!(f, ", seed {}", self.seed)
    }
}
