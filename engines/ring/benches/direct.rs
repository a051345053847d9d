//! What the engine's trait costs over ring called directly: AES-256-GCM, sixteen messages of 4 KiB in place.

#![allow(missing_docs, reason = "of what the macros write")]
#![allow(clippy::unwrap_used, reason = "a bench that fails says so")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce as RingNonce, UnboundKey};
use sealab_engine::{AeadKey, Messages, Nonce, Primitive, Tag};

const MESSAGE_BYTES: usize = 4096;
const COUNT: usize = 16;

fn gcm(criterion: &mut Criterion) {
    let engine = (sealab_engine_ring::CANDIDATE.open)().unwrap();
    let mut object = engine
        .aead(&AeadKey::new(Primitive::Aes256Gcm, &[7; 32]).unwrap())
        .unwrap();
    let direct = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).unwrap());
    let nonces: [Nonce; COUNT] = std::array::from_fn(|index| Nonce([index as u8; 12]));
    let mut tags = [Tag([0; 16]); COUNT];
    let mut data = vec![7; MESSAGE_BYTES * COUNT];

    let mut group = criterion.benchmark_group("ring aes-256-gcm 4096");
    group.throughput(Throughput::Bytes(data.len() as u64));
    group.bench_function("trait object", |bencher| {
        bencher.iter(|| {
            let messages = Messages::equal(MESSAGE_BYTES, black_box(&nonces), &[]).unwrap();
            object.seal(messages, black_box(&mut data[..]).into(), &mut tags)
        });
    });
    group.bench_function("direct", |bencher| {
        bencher.iter(|| {
            let messages = black_box(&mut data[..]).chunks_exact_mut(MESSAGE_BYTES);
            for ((message, nonce), tag) in messages.zip(black_box(&nonces)).zip(&mut tags) {
                let nonce = RingNonce::assume_unique_for_key(nonce.0);
                let sealed = direct.seal_in_place_separate_tag(nonce, Aad::empty(), message);
                tag.0.copy_from_slice(sealed.unwrap().as_ref());
            }
        });
    });
    group.finish();
}

criterion_group!(benches, gcm);
criterion_main!(benches);
