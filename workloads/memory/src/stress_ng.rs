//! `stress-ng`: memory as the vm stressors of stress-ng leave it, written from the methods' descriptions in the
//! stress-ng(1) manual.
//!
//! A vm stressor sweeps its mapping again and again. The state here is that of one stopped in the middle of a sweep:
//! the pages before the cursor have been passed, the others not yet. The seed sets the cursor, between a quarter and
//! three quarters of the pages, and every random value. No canaries are planted: the bytes are the method's alone.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::memhog::whole_pages;
use crate::random::Random;
use crate::{ByteSize, PAGE_BYTES, WorkloadError, default_seed};

/// Memory as `stress-ng --vm 1 --vm-bytes SIZE --vm-method METHOD` dirties it.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StressNg {
    /// How much memory, in whole pages of 4 KiB.
    pub size: ByteSize,
    /// The vm stressor's method.
    pub method: Method,
    /// The seed: equal parameters with equal seeds give equal bytes.
    #[serde(default = "default_seed")]
    pub seed: u64,
}

/// A method of the vm stressor, by its name in stress-ng.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// All bits zero; then all bits one.
    ZeroOne,
    /// All bits zero, of which one in 4096 is flipped to one.
    #[serde(rename = "galpat-0")]
    Galpat0,
    /// Sequential Gray codes, byte by byte; each sweep begins one code later.
    Gray,
    /// One byte value everywhere, to which the sweep adds another.
    Incdec,
    /// One 64-bit pattern everywhere, of which each sweep flips one bit in every byte.
    Flip,
    /// Each byte with one data line low; the sweep leaves the last line low where the line before was.
    #[serde(rename = "walk-0d")]
    Walk0d,
    /// Strides of 23 bytes whose first byte is a random value and the others its inverse; each sweep begins one
    /// byte later.
    ModuloX,
    /// 64-bit words of one random byte repeated.
    RandSet,
    /// Random bytes.
    RandSum,
    /// Chunks of 64 bytes, each of one random word repeated, swapped with others.
    Swap,
    /// Random 64-bit words of which the sweep rotates each right by one bit.
    Ror,
    /// The values of a 32-bit Galois linear-feedback shift register.
    Lfsr32,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 12] = [
        Self::ZeroOne,
        Self::Galpat0,
        Self::Gray,
        Self::Incdec,
        Self::Flip,
        Self::Walk0d,
        Self::ModuloX,
        Self::RandSet,
        Self::RandSum,
        Self::Swap,
        Self::Ror,
        Self::Lfsr32,
    ];

    /// Its name in stress-ng and in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            Self::ZeroOne => "zero-one",
            Self::Galpat0 => "galpat-0",
            Self::Gray => "gray",
            Self::Incdec => "incdec",
            Self::Flip => "flip",
            Self::Walk0d => "walk-0d",
            Self::ModuloX => "modulo-x",
            Self::RandSet => "rand-set",
            Self::RandSum => "rand-sum",
            Self::Swap => "swap",
            Self::Ror => "ror",
            Self::Lfsr32 => "lfsr32",
        }
    }
}

/// Repeats a byte through a 64-bit word when multiplied.
const EACH_BYTE: u64 = 0x0101_0101_0101_0101;
const MODULO: usize = 23;

impl StressNg {
    pub(crate) fn validate(&self) -> Result<(), WorkloadError> {
        whole_pages("stress-ng", self.size)
    }

    /// Writes the memory.
    pub(crate) fn fill(&self, out: &mut [u8]) {
        let mut random = Random::new(self.seed, "stress-ng");
        let pages = out.len() / PAGE_BYTES;
        let cursor = pages / 4 + random.below(pages as u64 / 2 + 1) as usize;
        let mut sweep = Sweep::new(self.method, random);
        for (index, page) in out.chunks_mut(PAGE_BYTES).enumerate() {
            sweep.page(index, page, index < cursor);
        }
    }
}

/// One stopped sweep; what stays the same through it.
struct Sweep {
    method: Method,
    random: Random,
    /// The stressor's start value.
    start: u64,
    /// The value that changes with each invocation; never 0 in its low byte.
    change: u64,
    /// Which bit or byte the sweep has come to, from 0 to 7.
    step: u32,
    register: u32,
}

impl Sweep {
    fn new(method: Method, mut random: Random) -> Self {
        Self {
            method,
            start: random.next(),
            change: random.next() | 1,
            step: random.below(8) as u32,
            register: (random.next() as u32).max(1),
            random,
        }
    }

    /// Fills page number `index`; `passed` tells whether the sweep has been there.
    fn page(&mut self, index: usize, page: &mut [u8], passed: bool) {
        match self.method {
            Method::ZeroOne => page.fill(if passed { 0xff } else { 0 }),
            Method::Galpat0 => {
                page.fill(0);
                if passed {
                    for _ in 0..page.len() * 8 / 4096 {
                        let bit = self.random.below(page.len() as u64 * 8) as usize;
                        page[bit / 8] |= 1 << (bit % 8);
                    }
                }
            }
            Method::Gray => {
                let first = (self.start as u8).wrapping_add(u8::from(passed));
                for (count, byte) in page.iter_mut().enumerate() {
                    let count = first.wrapping_add(count as u8);
                    *byte = count ^ (count >> 1);
                }
            }
            Method::Incdec => {
                let added = if passed { self.change as u8 } else { 0 };
                page.fill((self.start as u8).wrapping_add(added));
            }
            Method::Flip => {
                // Bits 0 to step - 1 were flipped by the sweeps before this one.
                let flipped = (1 << (self.step + u32::from(passed))) - 1;
                let word = self.start ^ ((flipped & 0xff) * EACH_BYTE);
                words(page, || word);
            }
            Method::Walk0d => {
                let line = (self.step + u32::from(passed)) % 8;
                page.fill(!(1 << line));
            }
            Method::ModuloX => {
                let first = (self.step as usize + usize::from(passed)) % MODULO;
                let value = (if passed { self.change } else { self.start }) as u8;
                page.fill(!value);
                let at = (first + MODULO - index * PAGE_BYTES % MODULO) % MODULO;
                for byte in page.iter_mut().skip(at).step_by(MODULO) {
                    *byte = value;
                }
            }
            Method::RandSet => {
                let mut bytes = [0; PAGE_BYTES / 8];
                self.random.fill(&mut bytes);
                for (word, byte) in page.chunks_mut(8).zip(bytes) {
                    word.fill(byte);
                }
            }
            Method::RandSum => self.random.fill(page),
            Method::Swap => self.swap(page, passed),
            Method::Ror => {
                self.random.fill(page);
                if passed {
                    for word in page.as_chunks_mut::<8>().0 {
                        *word = u64::from_le_bytes(*word).rotate_right(1).to_le_bytes();
                    }
                }
            }
            Method::Lfsr32 => {
                for word in page.as_chunks_mut::<4>().0 {
                    let low = self.register & 1;
                    self.register = (self.register >> 1) ^ (low.wrapping_neg() & 0xd000_0001);
                    *word = self.register.to_le_bytes();
                }
            }
        }
    }

    /// Chunks swap within their page; across pages the random patterns would look the same.
    fn swap(&mut self, page: &mut [u8], passed: bool) {
        const CHUNK: usize = 64;
        let chunks = page.as_chunks_mut::<CHUNK>().0;
        for chunk in &mut *chunks {
            let pattern = self.random.next();
            words(chunk, || pattern);
        }
        if passed {
            for index in 0..chunks.len() {
                let other = self.random.below(chunks.len() as u64) as usize;
                chunks.swap(index, other);
            }
        }
    }
}

/// Fills `page` with the words that `next` gives.
fn words(page: &mut [u8], mut next: impl FnMut() -> u64) {
    for word in page.as_chunks_mut::<8>().0 {
        *word = next().to_le_bytes();
    }
}

impl fmt::Display for StressNg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, method, seed } = self;
        write!(f, "stress-ng {size} {}, seed {seed}", method.name())
    }
}
