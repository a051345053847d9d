//! What the engine's trait costs over OpenSSL called directly: AES-256-XTS, sixteen units of 4 KiB from one buffer into
//! another, with one context whose tweak alone is set for each unit.

#![allow(missing_docs, reason = "of what the macros write")]
#![allow(clippy::unwrap_used, reason = "a bench that fails says so")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use openssl::cipher::Cipher;
use openssl::cipher_ctx::CipherCtx;
use sealab_engine::{DataUnits, InOutBuf, Primitive, Tweak, XtsKey};

const UNIT_BYTES: usize = 4096;
const COUNT: usize = 16;

fn xts(criterion: &mut Criterion) {
    let key: [u8; 64] = std::array::from_fn(|index| index as u8);
    let engine = (sealab_engine_openssl::CANDIDATE.open)().unwrap();
    let mut object = engine
        .xts(&XtsKey::new(Primitive::Aes256Xts, &key).unwrap())
        .unwrap();
    let mut direct = CipherCtx::new().unwrap();
    direct
        .encrypt_init(Some(Cipher::aes_256_xts()), Some(&key), None)
        .unwrap();
    let tweaks: [Tweak; COUNT] = std::array::from_fn(|unit| Tweak::plain64(unit as u64));
    let plain = vec![7; UNIT_BYTES * COUNT];
    let mut sealed = vec![0; plain.len()];

    let mut group = criterion.benchmark_group("openssl aes-256-xts 4096");
    group.throughput(Throughput::Bytes(plain.len() as u64));
    group.bench_function("trait object", |bencher| {
        bencher.iter(|| {
            let units = DataUnits::new(UNIT_BYTES, black_box(&tweaks)).unwrap();
            object.encrypt(units, InOutBuf::new(black_box(&plain), &mut sealed).unwrap())
        });
    });
    group.bench_function("direct", |bencher| {
        bencher.iter(|| {
            let units = black_box(&plain)
                .chunks_exact(UNIT_BYTES)
                .zip(sealed.chunks_exact_mut(UNIT_BYTES));
            for ((plain, sealed), tweak) in units.zip(black_box(&tweaks)) {
                direct.encrypt_init(None, None, Some(&tweak.0)).unwrap();
                // SAFETY: the output is as long as the input, and XTS writes no more.
                unsafe { direct.cipher_update_unchecked(plain, Some(sealed)) }.unwrap();
            }
        });
    });
    group.finish();
}

criterion_group!(benches, xts);
criterion_main!(benches);
