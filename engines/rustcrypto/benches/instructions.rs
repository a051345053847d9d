//! Instruction counts under Callgrind, which do not depend on the machine's load. Callgrind knows no 512-bit registers
//! and hides VAES, so that the `aes` crate takes its AES-NI code here: the counts guard our own code around it.

#![allow(
    missing_docs,
    unused_qualifications,
    unreachable_pub,
    reason = "of what the macros write"
)]

use std::hint::black_box;

use gungraun::prelude::*;
use sealab_engine::{
    Aead, AeadKey, DataUnits, Engine, EngineError, Messages, Nonce, Primitive, Tag, Tweak, Xts, XtsKey,
};

const BATCH_BYTES: usize = 16 * 4096;

fn engine() -> Box<dyn Engine> {
    (sealab_engine_rustcrypto::CANDIDATE.open)().expect("RustCrypto is compiled in")
}

/// A keyed object with 64 KiB in units of `unit_bytes`.
fn xts(unit_bytes: usize) -> (Box<dyn Xts>, Vec<u8>, Vec<Tweak>) {
    let key: Vec<u8> = (0..64).collect();
    let key = XtsKey::new(Primitive::Aes256Xts, &key).expect("64 bytes with two different halves");
    let tweaks = (0..BATCH_BYTES / unit_bytes).map(|unit| Tweak::plain64(unit as u64));
    let xts = engine().xts(&key).expect("RustCrypto has every primitive");
    (xts, vec![7; BATCH_BYTES], tweaks.collect())
}

#[library_benchmark]
#[bench::units_of_512(xts(512))]
#[bench::units_of_4096(xts(4096))]
fn xts_encrypt((mut xts, mut data, tweaks): (Box<dyn Xts>, Vec<u8>, Vec<Tweak>)) -> Result<(), EngineError> {
    let units = DataUnits::new(data.len() / tweaks.len(), &tweaks)?;
    black_box(xts.encrypt(black_box(units), black_box(&mut data[..]).into()))
}

#[library_benchmark]
#[bench::units_of_512(xts(512))]
#[bench::units_of_4096(xts(4096))]
fn xts_decrypt((mut xts, mut data, tweaks): (Box<dyn Xts>, Vec<u8>, Vec<Tweak>)) -> Result<(), EngineError> {
    let units = DataUnits::new(data.len() / tweaks.len(), &tweaks)?;
    black_box(xts.decrypt(black_box(units), black_box(&mut data[..]).into()))
}

fn gcm() -> (Box<dyn Aead>, Vec<u8>, [Nonce; 16]) {
    let key = AeadKey::new(Primitive::Aes256Gcm, &[7; 32]).expect("32 bytes");
    let aead = engine().aead(&key).expect("RustCrypto has every primitive");
    let nonces = std::array::from_fn(|index| Nonce([index as u8; 12]));
    (aead, vec![7; BATCH_BYTES], nonces)
}

#[library_benchmark]
#[bench::messages_of_4096(gcm())]
fn gcm_seal((mut aead, mut data, nonces): (Box<dyn Aead>, Vec<u8>, [Nonce; 16])) -> Result<(), EngineError> {
    let messages = Messages::equal(4096, &nonces, &[])?;
    let mut tags = [Tag([0; 16]); 16];
    black_box(aead.seal(black_box(messages), black_box(&mut data[..]).into(), &mut tags))
}

library_benchmark_group!(name = aes_256, benchmarks = [xts_encrypt, xts_decrypt, gcm_seal]);

main!(library_benchmark_groups = aes_256);
