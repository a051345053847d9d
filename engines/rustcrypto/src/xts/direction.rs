//! Encryption and decryption as one interface, so that XTS is written once.
//!
//! Everything is inlined into the `aes` crate's functions, where the CPU features of its backend are enabled: the
//! tweaks and XORs use the same wide registers as the rounds.
//!
//! A step sees the backend through [`black_box`]. Otherwise the compiler reads all round keys before the loop over the
//! steps, runs out of registers, and then orders the rounds block by block: half the speed with 16 registers.

use std::hint::black_box;

use aes::{
    Block,
    cipher::{Array, BlockCipherDecBackend, BlockCipherEncBackend, InOut, array::ArraySize},
};
use cipher::consts::U16;

/// A block cipher in one direction, with the step that it does best.
pub(super) trait Direction {
    /// How many blocks go through side by side.
    type Width: ArraySize;
    /// Whether the last two blocks of a unit that steals ciphertext swap their tweaks (IEEE 1619, 5.4.2).
    const SWAPS_LAST_TWEAKS: bool;

    /// One block, in place.
    fn block(&self, block: &mut Block);

    /// A full step, in place.
    fn wide(&self, blocks: &mut Array<Block, Self::Width>);
}

pub(super) struct Encryption<'a, B>(pub(super) &'a B);

impl<B: BlockCipherEncBackend<BlockSize = U16>> Direction for Encryption<'_, B> {
    type Width = B::ParBlocksSize;
    const SWAPS_LAST_TWEAKS: bool = false;

    #[inline(always)]
    fn block(&self, block: &mut Block) {
        self.0.encrypt_block(InOut::from(block));
    }

    #[inline(always)]
    fn wide(&self, blocks: &mut Array<Block, Self::Width>) {
        black_box(self.0).encrypt_par_blocks(InOut::from(blocks));
    }
}

pub(super) struct Decryption<'a, B>(pub(super) &'a B);

impl<B: BlockCipherDecBackend<BlockSize = U16>> Direction for Decryption<'_, B> {
    type Width = B::ParBlocksSize;
    const SWAPS_LAST_TWEAKS: bool = true;

    #[inline(always)]
    fn block(&self, block: &mut Block) {
        self.0.decrypt_block(InOut::from(block));
    }

    #[inline(always)]
    fn wide(&self, blocks: &mut Array<Block, Self::Width>) {
        black_box(self.0).decrypt_par_blocks(InOut::from(blocks));
    }
}
