//! XTS against the standard's definition, one block at a time, and over cipher backends of every width.

use std::marker::PhantomData;

use aes::cipher::{
    BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherEncBackend, BlockCipherEncClosure,
    BlockSizeUser, InOut, ParBlocksSizeUser,
    array::ArraySize,
    consts::{U1, U4, U8, U30, U64 as Widest},
    typenum::Unsigned,
};
use sealab_engine::{Primitive, XtsKey};

use super::*;

/// XTS as IEEE 1619 writes it, with nothing in common with the code under test but the block cipher.
struct Reference {
    data: Aes256,
    tweak: Aes256,
}

impl Reference {
    fn new(key: &[u8; 64]) -> Self {
        Self {
            data: Aes256::new_from_slice(&key[..32]).unwrap(),
            tweak: Aes256::new_from_slice(&key[32..]).unwrap(),
        }
    }

    fn tweaks(&self, tweak: Tweak, count: usize) -> Vec<[u8; 16]> {
        let mut block = Block::from(tweak.0);
        self.tweak.encrypt_block(&mut block);
        let mut tweaks = vec![block.0];
        while tweaks.len() < count {
            let last = tweaks[tweaks.len() - 1];
            let mut next = [0; 16];
            let mut carry = 0;
            for (next, last) in next.iter_mut().zip(last) {
                *next = last << 1 | carry;
                carry = last >> 7;
            }
            next[0] ^= if carry == 1 { 0x87 } else { 0 };
            tweaks.push(next);
        }
        tweaks
    }

    fn block(&self, input: &[u8], tweak: [u8; 16]) -> Vec<u8> {
        let mut block: Block = input.iter().zip(tweak).map(|(a, b)| a ^ b).collect();
        self.data.encrypt_block(&mut block);
        block.iter().zip(tweak).map(|(a, b)| a ^ b).collect()
    }

    fn encrypt(&self, unit: &[u8], tweak: Tweak) -> Vec<u8> {
        let tweaks = self.tweaks(tweak, unit.len() / 16 + 1);
        let mut out: Vec<u8> = Vec::new();
        for (block, tweak) in unit.chunks_exact(16).zip(&tweaks) {
            out.extend(self.block(block, *tweak));
        }
        let partial = unit.chunks_exact(16).remainder();
        if !partial.is_empty() {
            let stolen = out.split_off(out.len() - 16);
            let last = [partial, &stolen[partial.len()..]].concat();
            out.extend(self.block(&last, tweaks[unit.len() / 16]));
            out.extend(&stolen[..partial.len()]);
        }
        out
    }
}

fn key() -> [u8; 64] {
    std::array::from_fn(|index| (index * 7 + 1) as u8)
}

fn tweak(unit: usize) -> Tweak {
    Tweak([unit as u8; 16].map(|byte| byte.wrapping_mul(29) ^ 0xa5))
}

fn plaintext(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index * index + index / 256) as u8)
        .collect()
}

/// Encrypts and decrypts `count` units of `unit_bytes` with `subject`, in place and into a buffer.
fn check(subject: &mut dyn Xts, unit_bytes: usize, count: usize) {
    let reference = Reference::new(&key());
    let plain = plaintext(unit_bytes * count);
    let tweaks: Vec<Tweak> = (0..count).map(tweak).collect();
    let units = DataUnits::new(unit_bytes, &tweaks).unwrap();
    let expected: Vec<u8> = plain
        .chunks_exact(unit_bytes)
        .zip(&tweaks)
        .flat_map(|(unit, tweak)| reference.encrypt(unit, *tweak))
        .collect();
    let label = format!("{count} units of {unit_bytes}");

    let mut in_place = plain.clone();
    subject.encrypt(units, in_place.as_mut_slice().into()).unwrap();
    assert!(in_place == expected, "encryption in place, {label}");
    subject.decrypt(units, in_place.as_mut_slice().into()).unwrap();
    assert!(in_place == plain, "decryption in place, {label}");

    let mut out = vec![0; plain.len()];
    subject
        .encrypt(units, InOutBuf::new(&plain, &mut out).unwrap())
        .unwrap();
    assert!(out == expected, "encryption into a buffer, {label}");
    subject
        .decrypt(units, InOutBuf::new(&expected, &mut out).unwrap())
        .unwrap();
    assert!(out == plain, "decryption into a buffer, {label}");
}

fn subject() -> Aes256Xts {
    let XtsKey::Aes256(key) = XtsKey::new(Primitive::Aes256Xts, &key()).unwrap() else {
        unreachable!()
    };
    Aes256Xts::new(&key)
}

#[test]
fn every_length() {
    let mut subject = subject();
    for length in 16..=16 * 33 + 15 {
        check(&mut subject, length, 1);
        check(&mut subject, length, 3);
    }
}

#[test]
fn every_batch() {
    let mut subject = subject();
    for count in 0..=70 {
        for unit_bytes in [512, 520, 4096] {
            check(&mut subject, unit_bytes, count);
        }
    }
}

#[test]
fn batches_of_several_groups() {
    let mut subject = subject();
    for count in [127, 128, 129, 200] {
        for unit_bytes in [16, 33, 80, 528] {
            check(&mut subject, unit_bytes, count);
        }
    }
}

#[test]
fn every_width_of_the_cipher() {
    for (unit_bytes, count) in [
        (16, 64),
        (17, 5),
        (48, 64),
        (496, 9),
        (520, 4),
        (528, 63),
        (4096, 3),
        (4111, 2),
    ] {
        check(&mut Narrow::<U1>::new(), unit_bytes, count);
        check(&mut Narrow::<U4>::new(), unit_bytes, count);
        check(&mut Narrow::<U8>::new(), unit_bytes, count);
        check(&mut Narrow::<U30>::new(), unit_bytes, count);
        check(&mut Narrow::<Widest>::new(), unit_bytes, count);
    }
}

#[test]
fn tweaks_carry_between_their_halves_and_out_of_the_top() {
    tweaks_carry::<U8>();
    tweaks_carry::<Widest>();
}

fn tweaks_carry<W: Unsigned>() {
    for first in [[0xff; 16], [0x80; 16], {
        let mut low_half = [0; 16];
        low_half[7] = 0x80;
        low_half
    }] {
        let mut window = Window::default();
        Cursor::new(&[first.into()], WINDOW_BLOCKS).fill::<W>(&mut window, WINDOW_BLOCKS);
        let mut expected = u128::from_le_bytes(first);
        for (index, tweak) in window.get(WINDOW_BLOCKS).iter().enumerate() {
            assert_eq!(
                tweak.0,
                expected.to_le_bytes(),
                "tweak {index} after {first:02x?}"
            );
            let carry = expected >> 127;
            expected <<= 1;
            if carry == 1 {
                expected ^= 0x87;
            }
        }
    }
}

#[test]
fn data_of_another_length_is_refused_and_left_alone() {
    let tweaks = [tweak(0), tweak(1)];
    let units = DataUnits::new(32, &tweaks).unwrap();
    let mut data = [9; 63];
    let refused = subject().encrypt(units, data.as_mut_slice().into());
    assert!(matches!(refused, Err(EngineError::Length { found: 63, .. })));
    assert_eq!(data, [9; 63]);
}

/// AES-256 as a backend with steps of `W` blocks, like those that the `aes` crate has on other CPUs. At most one group.
struct Narrow<W> {
    reference: Reference,
    width: PhantomData<W>,
}

impl<W> Narrow<W> {
    fn new() -> Self {
        Self {
            reference: Reference::new(&key()),
            width: PhantomData,
        }
    }

    fn first(&self, units: DataUnits<'_>) -> [Block; GROUP_UNITS]
    where
        W: ArraySize,
    {
        let mut blocks = [Block::default(); GROUP_UNITS];
        for (block, tweak) in blocks.iter_mut().zip(units.tweaks()) {
            block.0 = tweak.0;
        }
        let count = units.tweaks().len();
        FirstTweaks {
            blocks: &mut blocks,
            count,
        }
        .call(&Backend::<W>(&self.reference.tweak, PhantomData));
        blocks
    }
}

impl<W: ArraySize> Xts for Narrow<W>
where
    Self: Send,
{
    fn encrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        let group = Group {
            first: &self.first(units)[..units.tweaks().len()],
            unit_bytes: units.unit_bytes(),
            data,
        };
        BlockCipherEncClosure::call(group, &Backend::<W>(&self.reference.data, PhantomData));
        Ok(())
    }

    fn decrypt(&mut self, units: DataUnits<'_>, data: InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        let group = Group {
            first: &self.first(units)[..units.tweaks().len()],
            unit_bytes: units.unit_bytes(),
            data,
        };
        BlockCipherDecClosure::call(group, &Backend::<W>(&self.reference.data, PhantomData));
        Ok(())
    }
}

struct Backend<'a, W>(&'a Aes256, PhantomData<W>);

impl<W> BlockSizeUser for Backend<'_, W> {
    type BlockSize = U16;
}

impl<W: ArraySize> ParBlocksSizeUser for Backend<'_, W> {
    type ParBlocksSize = W;
}

impl<W: ArraySize> BlockCipherEncBackend for Backend<'_, W> {
    fn encrypt_block(&self, block: InOut<'_, '_, Block>) {
        self.0.encrypt_block_inout(block);
    }
}

impl<W: ArraySize> BlockCipherDecBackend for Backend<'_, W> {
    fn decrypt_block(&self, block: InOut<'_, '_, Block>) {
        self.0.decrypt_block_inout(block);
    }
}
