//! A group of units on its way through the data cipher.

use std::slice;

use aes::{
    Block,
    cipher::{
        Array, BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherEncBackend, BlockCipherEncClosure,
        BlockSizeUser, InOut, typenum::Unsigned,
    },
};
use cipher::consts::U16;
use inout::InOutBuf;

use super::{
    GROUP_UNITS,
    direction::{Decryption, Direction, Encryption},
    tweaks::{Cursor, WINDOW_BLOCKS, Window, times_x, window_blocks},
};

/// Encrypts the first `count` blocks and may encrypt the others too.
pub(super) struct FirstTweaks<'a> {
    pub(super) blocks: &'a mut [Block; GROUP_UNITS],
    pub(super) count: usize,
}

impl BlockSizeUser for FirstTweaks<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for FirstTweaks<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let mut left = self.count;
        let (steps, rest) = Array::<Block, B::ParBlocksSize>::slice_as_chunks_mut(self.blocks);
        for step in steps {
            if !worth_a_step::<B::ParBlocksSize>(left) {
                for block in step.iter_mut().take(left) {
                    backend.encrypt_block(block.into());
                }
                return;
            }
            backend.encrypt_par_blocks(step.into());
            left = left.saturating_sub(B::ParBlocksSize::USIZE);
        }
        for block in rest.iter_mut().take(left) {
            backend.encrypt_block(block.into());
        }
    }
}

/// Whether so many blocks are faster in a step that is not full than one by one. A step of 64 blocks in 512-bit
/// registers takes as long as 16 single blocks, a step of 4 in software as long as one; where single blocks cost no
/// more than their share, little is lost.
#[inline(always)]
fn worth_a_step<N: Unsigned>(blocks: usize) -> bool {
    blocks > N::USIZE / 4
}

/// Units of one length with their encrypted tweaks.
pub(super) struct Group<'a, 'inp, 'out> {
    pub(super) first: &'a [Block],
    pub(super) unit_bytes: usize,
    pub(super) data: InOutBuf<'inp, 'out, u8>,
}

impl BlockSizeUser for Group<'_, '_, '_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Group<'_, '_, '_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        self.run(&Encryption(backend));
    }
}

impl BlockCipherDecClosure for Group<'_, '_, '_> {
    #[inline(always)]
    fn call<B: BlockCipherDecBackend<BlockSize = U16>>(self, backend: &B) {
        self.run(&Decryption(backend));
    }
}

impl Group<'_, '_, '_> {
    #[inline(always)]
    fn run<D: Direction>(self, direction: &D) {
        let Self {
            first,
            unit_bytes,
            data,
        } = self;
        let window = &mut Window::default();
        let unit_blocks = unit_bytes / 16;
        if unit_bytes % 16 == 0 {
            let (blocks, _) = data.into_chunks();
            whole_blocks(direction, &mut Cursor::new(first, unit_blocks), window, blocks);
            return;
        }
        let mut rest = data;
        for tweak in first {
            let (unit, later) = rest.split_at(unit_bytes);
            rest = later;
            let mut cursor = Cursor::new(slice::from_ref(tweak), unit_blocks);
            let (whole, end) = unit.split_at((unit_blocks - 1) * 16);
            let (blocks, _) = whole.into_chunks();
            whole_blocks(direction, &mut cursor, window, blocks);
            let next = if unit_blocks == 1 { *tweak } else { cursor.next() };
            stealing_end(direction, next, end);
        }
    }
}

/// A step's blocks between the two XORs, whole cache lines.
#[repr(align(64))]
struct Room<T>(T);

/// All of `blocks` under the tweaks that `cursor` has for them.
#[inline(always)]
fn whole_blocks<D: Direction>(
    direction: &D,
    cursor: &mut Cursor<'_>,
    window: &mut Window,
    blocks: InOutBuf<'_, '_, Block>,
) {
    const { assert!(D::Width::USIZE <= WINDOW_BLOCKS) };
    let most = window_blocks::<D::Width>();
    let mut room = Room(Array::<Block, D::Width>::default());
    let room = &mut room.0;
    let mut rest = blocks;
    while !rest.is_empty() {
        let count = rest.len().min(most);
        let (now, later) = rest.split_at(count);
        rest = later;
        cursor.fill::<D::Width>(window, count);
        let (tweaks, last_tweaks) = Array::<Block, D::Width>::slice_as_chunks(window.get(count));
        let (steps, last) = now.into_chunks::<D::Width>();
        for (step, tweaks) in steps.into_iter().zip(tweaks) {
            wide(direction, tweaks, step, room);
        }
        if worth_a_step::<D::Width>(last.len()) {
            part_of_a_step(direction, last_tweaks, last, room);
        } else {
            for (block, tweak) in last.into_iter().zip(last_tweaks) {
                single(direction, tweak, block);
            }
        }
    }
}

#[inline(always)]
fn wide<D: Direction>(
    direction: &D,
    tweaks: &Array<Block, D::Width>,
    mut step: InOut<'_, '_, Array<Block, D::Width>>,
    room: &mut Array<Block, D::Width>,
) {
    xor(step.get_in(), tweaks, room);
    direction.wide(room);
    xor(room, tweaks, step.get_out());
}

/// A step filled up with blocks that nobody sees.
#[inline(always)]
fn part_of_a_step<D: Direction>(
    direction: &D,
    tweaks: &[Block],
    mut data: InOutBuf<'_, '_, Block>,
    room: &mut Array<Block, D::Width>,
) {
    xor(data.get_in(), tweaks, &mut room[..tweaks.len()]);
    direction.wide(room);
    xor(&room[..tweaks.len()], tweaks, data.get_out());
}

#[inline(always)]
fn single<D: Direction>(direction: &D, tweak: &Block, mut data: InOut<'_, '_, Block>) {
    let mut block = Block::default();
    xor(
        slice::from_ref(data.get_in()),
        slice::from_ref(tweak),
        slice::from_mut(&mut block),
    );
    direction.block(&mut block);
    xor(
        slice::from_ref(&block),
        slice::from_ref(tweak),
        slice::from_mut(data.get_out()),
    );
}

/// Byte by byte over flat slices, which the compiler turns into the widest registers.
#[inline(always)]
fn xor(blocks: &[Block], tweaks: &[Block], out: &mut [Block]) {
    let blocks = Block::slice_as_flattened(blocks);
    let tweaks = Block::slice_as_flattened(tweaks);
    let out = Block::slice_as_flattened_mut(out);
    for ((out, block), tweak) in out.iter_mut().zip(blocks).zip(tweaks) {
        *out = block ^ tweak;
    }
}

/// The last whole block and the partial one after it, which steals from its ciphertext (IEEE 1619, 5.3.2 and 5.4.2).
#[inline(always)]
fn stealing_end<D: Direction>(direction: &D, tweak: Block, mut end: InOutBuf<'_, '_, u8>) {
    let mut tweaks = [tweak, times_x(tweak)];
    if D::SWAPS_LAST_TWEAKS {
        tweaks.reverse();
    }
    let mut whole = Block::default();
    let mut stolen = Block::default();
    let (input, partial) = end.get_in().split_at(16);
    whole.copy_from_slice(input);
    single(direction, &tweaks[0], InOut::from(&mut whole));
    stolen.copy_from_slice(&whole);
    stolen[..partial.len()].copy_from_slice(partial);
    single(direction, &tweaks[1], InOut::from(&mut stolen));
    let (output, partial) = end.get_out().split_at_mut(16);
    output.copy_from_slice(&stolen);
    partial.copy_from_slice(&whole[..partial.len()]);
}
