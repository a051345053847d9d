//! Time of AES-256-XTS: through the trait object that the lab calls, on the concrete type, and with the `xts-mode`
//! crate over the same `aes` crate.

#![allow(missing_docs, reason = "of what the macros write")]

use std::hint::black_box;

use aes::{
    Aes256,
    cipher::{Array, KeyInit},
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sealab_engine::{DataUnits, Engine, EngineError, Key, Primitive, Tweak, Xts, XtsKey};
use sealab_engine_rustcrypto::{Aes256Xts, CANDIDATE};
use xts_mode::Xts128;

/// What one call works on: 64 KiB, within the second-level cache.
const BATCH_BYTES: usize = 64 * 1024;

#[repr(align(4096))]
struct Batch([u8; BATCH_BYTES]);

fn xts(criterion: &mut Criterion) -> Result<(), EngineError> {
    let key: [u8; 64] = std::array::from_fn(|index| index as u8);
    let engine: Box<dyn Engine> = (CANDIDATE.open)()?;
    let xts_key = XtsKey::new(Primitive::Aes256Xts, &key).map_err(|error| EngineError::Library {
        call: "XtsKey::new",
        detail: error.to_string(),
    })?;
    let mut object = engine.xts(&xts_key)?;
    let mut concrete = Aes256Xts::new(&Key::new(&key));
    let (data_key, tweak_key) = key.split_at(32);
    let cipher = |half: &[u8]| Aes256::new(&half.iter().copied().collect());
    let published = Xts128::new(cipher(data_key), cipher(tweak_key));

    let mut batch = Box::new(Batch([7; BATCH_BYTES]));
    let mut group = criterion.benchmark_group("aes-256-xts");
    group.throughput(Throughput::Bytes(BATCH_BYTES as u64));
    for unit_bytes in [512, 4096, 65536] {
        let tweaks: Vec<Tweak> = (0..BATCH_BYTES / unit_bytes)
            .map(|unit| Tweak::plain64(unit as u64))
            .collect();
        let units = DataUnits::new(unit_bytes, &tweaks)?;
        group.bench_function(BenchmarkId::new("trait object", unit_bytes), |bencher| {
            bencher.iter(|| object.encrypt(black_box(units), black_box(&mut batch.0[..]).into()));
        });
        group.bench_function(BenchmarkId::new("concrete type", unit_bytes), |bencher| {
            bencher.iter(|| concrete.encrypt(black_box(units), black_box(&mut batch.0[..]).into()));
        });
        group.bench_function(BenchmarkId::new("xts-mode", unit_bytes), |bencher| {
            bencher.iter(|| {
                let sectors = black_box(&mut batch.0[..]).chunks_exact_mut(unit_bytes);
                for (sector, tweak) in sectors.zip(black_box(&tweaks)) {
                    published.encrypt_sector(sector, Array(tweak.0));
                }
            });
        });
    }
    group.finish();
    Ok(())
}

fn all(criterion: &mut Criterion) {
    xts(criterion).expect("RustCrypto is compiled in and the sizes are right");
}

criterion_group!(benches, all);
criterion_main!(benches);
