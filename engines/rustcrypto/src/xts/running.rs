//! The tweak of the next block, where tweaks follow one another.
//!
//! On x86-64 it stays in a vector register: as two integers it would reach memory in two halves, and reading it back
//! as a block would wait until all work before it is done.

#[cfg(target_arch = "x86_64")]
use std::{
    arch::x86_64::{
        __m128i, _mm_add_epi32, _mm_and_si128, _mm_set_epi32, _mm_shuffle_epi32, _mm_srai_epi32,
        _mm_xor_si128,
    },
    mem,
};

use aes::Block;

#[cfg(not(target_arch = "x86_64"))]
use super::tweaks::times_x;

/// A tweak on its way from block to block.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Running(__m128i);

#[cfg(target_arch = "x86_64")]
impl Running {
    /// Starts at `tweak`.
    #[inline(always)]
    pub(super) fn new(tweak: Block) -> Self {
        // SAFETY: both are 16 bytes, and every value of them is valid.
        Self(unsafe { mem::transmute::<[u8; 16], __m128i>(tweak.0) })
    }

    /// The tweak.
    #[inline(always)]
    pub(super) fn block(self) -> Block {
        // SAFETY: both are 16 bytes, and every value of them is valid.
        Block::from(unsafe { mem::transmute::<__m128i, [u8; 16]>(self.0) })
    }

    /// The tweak after this one.
    #[inline(always)]
    pub(super) fn next(self) -> Self {
        // SAFETY: every x86-64 CPU has SSE2.
        unsafe { self.times_x() }
    }

    /// Each 32-bit word moves up by one bit; its top bit goes to the next word, and that of the last to the reduction.
    #[inline]
    #[target_feature(enable = "sse2")]
    fn times_x(self) -> Self {
        let tops = _mm_shuffle_epi32::<0b10_01_00_11>(_mm_srai_epi32::<31>(self.0));
        let carries = _mm_and_si128(tops, _mm_set_epi32(1, 1, 1, 0x87));
        Self(_mm_xor_si128(_mm_add_epi32(self.0, self.0), carries))
    }
}

/// A tweak on its way from block to block.
#[cfg(not(target_arch = "x86_64"))]
#[derive(Clone, Copy)]
pub(super) struct Running(Block);

#[cfg(not(target_arch = "x86_64"))]
impl Running {
    /// Starts at `tweak`.
    #[inline(always)]
    pub(super) fn new(tweak: Block) -> Self {
        Self(tweak)
    }

    /// The tweak.
    #[inline(always)]
    pub(super) fn block(self) -> Block {
        self.0
    }

    /// The tweak after this one.
    #[inline(always)]
    pub(super) fn next(self) -> Self {
        Self(times_x(self.0))
    }
}
