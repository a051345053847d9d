//! What the engine promises beyond right bytes: verdicts, zeros after a failure, and what it says of itself.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use sealab_engine::{AeadKey, Engine, EngineError, InOutBuf, Messages, Nonce, Primitive, Tag};

#[path = "../../contract/ciphertext_only.rs"]
mod ciphertext_only;

fn engine() -> Box<dyn Engine> {
    (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap()
}

const AEADS: [(Primitive, usize); 3] = [
    (Primitive::Aes128Gcm, 16),
    (Primitive::Aes256Gcm, 32),
    (Primitive::ChaCha20Poly1305, 32),
];
const LENGTHS: [u32; 4] = [40, 0, 100, 17];
const NONCES: [Nonce; 4] = [Nonce([1; 12]), Nonce([2; 12]), Nonce([3; 12]), Nonce([4; 12])];

#[test]
fn a_batch_opens_again() {
    for (primitive, key_bytes) in AEADS {
        let mut aead = engine()
            .aead(&AeadKey::new(primitive, &vec![5; key_bytes]).unwrap())
            .unwrap();
        let messages = Messages::each(&LENGTHS, &NONCES, b"aabbccdd").unwrap();
        let plain: Vec<u8> = (0..157).collect();
        let mut sealed = vec![0; plain.len()];
        let mut tags = [Tag([0; 16]); 4];
        aead.seal(messages, InOutBuf::new(&plain, &mut sealed).unwrap(), &mut tags)
            .unwrap();
        assert_ne!(plain, sealed);
        let mut opened = vec![0; plain.len()];
        aead.open(messages, InOutBuf::new(&sealed, &mut opened).unwrap(), &tags)
            .unwrap();
        assert_eq!(plain, opened, "{primitive}");
    }
}

#[test]
fn a_false_tag_is_named_and_leaves_zeros() {
    for (primitive, key_bytes) in AEADS {
        let mut aead = engine()
            .aead(&AeadKey::new(primitive, &vec![5; key_bytes]).unwrap())
            .unwrap();
        let messages = Messages::each(&LENGTHS, &NONCES, b"aabbccdd").unwrap();
        let mut sealed = vec![7; 157];
        let mut tags = [Tag([0; 16]); 4];
        aead.seal(messages, sealed.as_mut_slice().into(), &mut tags)
            .unwrap();
        for index in 0..4 {
            let mut false_tags = tags;
            false_tags[index].0[15] ^= 1;
            let mut data = sealed.clone();
            let opened = aead.open(messages, data.as_mut_slice().into(), &false_tags);
            assert!(
                matches!(opened, Err(EngineError::Unauthentic { index: found }) if found == index),
                "{primitive}: {opened:?}"
            );
            assert!(
                data.iter().all(|byte| *byte == 0),
                "{primitive}: output of message {index}"
            );
        }
        // The associated data of the third message.
        let messages = Messages::each(&LENGTHS, &NONCES, b"aabbcxdd").unwrap();
        let mut out = vec![9; 157];
        let opened = aead.open(messages, InOutBuf::new(&sealed, &mut out).unwrap(), &tags);
        assert!(matches!(opened, Err(EngineError::Unauthentic { index: 2 })));
        assert_eq!(out, [0; 157]);
    }
}

#[test]
fn a_batch_of_another_length_is_refused() {
    let key = AeadKey::new(Primitive::Aes256Gcm, &[5; 32]).unwrap();
    let mut aead = engine().aead(&key).unwrap();
    let messages = Messages::each(&LENGTHS, &NONCES, b"").unwrap();
    let mut data = [1; 156];
    let mut tags = [Tag([0; 16]); 4];
    let sealed = aead.seal(messages, data.as_mut_slice().into(), &mut tags);
    assert!(matches!(sealed, Err(EngineError::Length { .. })));
    let opened = aead.open(messages, data.as_mut_slice().into(), &tags);
    assert!(matches!(opened, Err(EngineError::Length { .. })));
    assert_eq!(data, [1; 156]);
}

#[test]
fn versions_are_those_of_the_lock_file() {
    let version = engine().version();
    let lock = include_str!("../../../Cargo.lock");
    for named in version.split(", ") {
        let (name, number) = named.split_once(' ').unwrap();
        assert!(
            lock.contains(&format!("name = \"{name}\"\nversion = \"{number}\"\n")),
            "{named} is not in Cargo.lock"
        );
    }
    assert!(version.starts_with("aes 0.9."), "{version}");
}

#[test]
fn the_code_path_is_the_library_s() {
    let path = engine().code_path();
    assert_eq!(path.hardware_aes, aes::hardware_accelerated());
    assert_eq!(path.hardware_aes, !path.description.starts_with("software"));
}
