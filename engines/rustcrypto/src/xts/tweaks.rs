//! The tweaks of consecutive blocks: each is its predecessor times x in GF(2^128), reduced by 0x87.

use aes::{Block, cipher::typenum::Unsigned};
use cipher::consts::U8;

use super::running::Running;

/// How many tweaks are computed side by side, so that none waits for its neighbour and the loops become vector code.
const LANES: usize = 32;

/// The most blocks between two fills of the window: the widest step of the `aes` crate. More would keep the CPU from
/// computing the next tweaks while the rounds of a step are still under way.
pub(super) const WINDOW_BLOCKS: usize = 64;

/// Whether a step of `W` blocks is so short that its tweaks are best computed one after the other, beside the rounds of
/// the step before. In portable code that would be slower.
const fn one_by_one<W: Unsigned>() -> bool {
    cfg!(target_arch = "x86_64") && W::USIZE <= 8
}

/// How many blocks go between two fills of the window when steps have `W` blocks: whole steps only, so that just the
/// last window of a group can leave a part of one.
pub(super) const fn window_blocks<W: Unsigned>() -> usize {
    if one_by_one::<W>() {
        W::USIZE
    } else {
        WINDOW_BLOCKS / W::USIZE * W::USIZE
    }
}

/// The tweaks of the next blocks, in whole cache lines, with room to overshoot.
#[repr(align(64))]
pub(super) struct Window([Block; WINDOW_BLOCKS + LANES]);

impl Default for Window {
    fn default() -> Self {
        Self([Block::default(); WINDOW_BLOCKS + LANES])
    }
}

impl Window {
    /// The first `count` tweaks.
    #[inline(always)]
    pub(super) fn get(&self, count: usize) -> &[Block] {
        &self.0[..count]
    }

    /// Writes the `count` tweaks (at least one) that begin with `first` at `start`, and returns the one after them.
    /// Overwrites up to [`LANES`] tweaks behind them.
    #[inline(always)]
    fn write<W: Unsigned>(&mut self, start: usize, count: usize, first: Running) -> Running {
        if one_by_one::<W>() {
            let mut tweak = first;
            for out in &mut self.0[start..start + count] {
                *out = tweak.block();
                tweak = tweak.next();
            }
            return tweak;
        }
        let first = first.block();
        begin(first, &mut self.0[start..start + LANES]);
        let mut done = LANES;
        while done < count {
            let (known, next) = self.0[start + done - LANES..start + done + LANES].split_at_mut(LANES);
            advance(known, next);
            done += LANES;
        }
        Running::new(times_x(self.0[start + count - 1]))
    }
}

/// Where a walk through all blocks of several units stands.
pub(super) struct Cursor<'a> {
    /// The first tweaks of the units that are still to begin.
    units: &'a [Block],
    unit_blocks: usize,
    /// Blocks left in the unit at hand, and the tweak of the first of them.
    left: usize,
    next: Running,
}

impl<'a> Cursor<'a> {
    /// At the start of the units whose first tweaks are `units`.
    #[inline(always)]
    pub(super) fn new(units: &'a [Block], unit_blocks: usize) -> Self {
        Self {
            units,
            unit_blocks,
            left: 0,
            next: Running::new(Block::default()),
        }
    }

    /// Fills `window` with the tweaks of the next `count` blocks, at most [`WINDOW_BLOCKS`], for steps of `W` blocks.
    #[inline(always)]
    pub(super) fn fill<W: Unsigned>(&mut self, window: &mut Window, count: usize) {
        if count == W::USIZE && self.left >= count {
            // A constant count, which the compiler unrolls.
            self.next = window.write::<W>(0, W::USIZE, self.next);
            self.left -= count;
            return;
        }
        let mut filled = 0;
        while filled < count {
            if self.left == 0 {
                let Some((first, later)) = self.units.split_first() else {
                    return;
                };
                self.units = later;
                self.left = self.unit_blocks;
                self.next = Running::new(*first);
            }
            let run = self.left.min(count - filled);
            self.next = window.write::<W>(filled, run, self.next);
            self.left -= run;
            filled += run;
        }
    }

    /// The tweak after the last block so far, of the same unit.
    #[inline(always)]
    pub(super) fn next(&self) -> Block {
        self.next.block()
    }
}

/// Writes `first` and the tweaks after it, each from `first` alone.
#[inline(always)]
fn begin(first: Block, out: &mut [Block]) {
    let first = u128::from_le_bytes(first.0);
    let (low, high) = (first as u64, (first >> 64) as u64);
    for (lane, out) in out.iter_mut().enumerate() {
        // In two shifts, since a shift by 64 is none.
        let carry = (high >> 1) >> (63 - lane);
        let across = (low >> 1) >> (63 - lane);
        put(out, low << lane ^ reduction(carry), high << lane | across);
    }
}

/// Writes each of `known` times x^[`LANES`] to `next`.
#[inline(always)]
fn advance(known: &[Block], next: &mut [Block]) {
    for (known, next) in known.iter().zip(next) {
        let (low, high) = get(known);
        put(
            next,
            low << LANES ^ reduction(high >> (64 - LANES)),
            high << LANES | low >> (64 - LANES),
        );
    }
}

#[inline(always)]
fn get(tweak: &Block) -> (u64, u64) {
    let (low, high) = tweak.split_ref::<U8>();
    (u64::from_le_bytes(low.0), u64::from_le_bytes(high.0))
}

#[inline(always)]
fn put(tweak: &mut Block, low: u64, high: u64) {
    tweak[..8].copy_from_slice(&low.to_le_bytes());
    tweak[8..].copy_from_slice(&high.to_le_bytes());
}

/// What up to 32 bits that leave at the top become at the bottom: x^128 = x^7 + x^2 + x + 1.
#[inline(always)]
fn reduction(carry: u64) -> u64 {
    carry ^ carry << 1 ^ carry << 2 ^ carry << 7
}

/// The tweak after `tweak`.
#[inline(always)]
pub(super) fn times_x(tweak: Block) -> Block {
    let tweak = u128::from_le_bytes(tweak.0);
    ((tweak << 1) ^ ((tweak >> 127) * 0x87)).to_le_bytes().into()
}
