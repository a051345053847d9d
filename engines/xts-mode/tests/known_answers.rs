//! The standard's vectors, and what the engine says of itself.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use sealab_engine::{DataUnits, Engine, EngineError, InOutBuf, Primitive, Tweak, XtsKey};

fn engine() -> Box<dyn Engine> {
    (sealab_engine_xts_mode::CANDIDATE.open)().unwrap()
}

fn hex(digits: &str) -> Vec<u8> {
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else {
        panic!("odd number of digits")
    };
    pairs
        .iter()
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// IEEE 1619, vector 15: 17 bytes, so that ciphertext is stolen; twice in a batch.
#[test]
fn ieee_1619_vector_15_in_place_and_into_a_buffer() {
    let key = hex("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0");
    let key = XtsKey::new(Primitive::Aes128Xts, &key).unwrap();
    let mut xts = engine().xts(&key).unwrap();
    let tweaks = [Tweak::plain64(0x12_3456_789a); 2];
    let units = DataUnits::new(17, &tweaks).unwrap();
    let plain: Vec<u8> = (0..17).chain(0..17).collect();
    let cipher = hex("6c1625db4671522d3d7599601de7ca09ed").repeat(2);

    let mut data = plain.clone();
    xts.encrypt(units, data.as_mut_slice().into()).unwrap();
    assert_eq!(data, cipher);
    xts.decrypt(units, data.as_mut_slice().into()).unwrap();
    assert_eq!(data, plain);

    let mut out = vec![0; 34];
    xts.encrypt(units, InOutBuf::new(&plain, &mut out).unwrap())
        .unwrap();
    assert_eq!(out, cipher);
    xts.decrypt(units, InOutBuf::new(&cipher, &mut out).unwrap())
        .unwrap();
    assert_eq!(out, plain);
}

/// IEEE 1619, vector 10: the first two blocks of 512 bytes.
#[test]
fn ieee_1619_vector_10() {
    let key = hex(concat!(
        "2718281828459045235360287471352662497757247093699959574966967627",
        "3141592653589793238462643383279502884197169399375105820974944592"
    ));
    let mut xts = engine()
        .xts(&XtsKey::new(Primitive::Aes256Xts, &key).unwrap())
        .unwrap();
    let tweaks = [Tweak::plain64(0xff)];
    let mut data: Vec<u8> = (0..512).map(|index| index as u8).collect();
    let units = DataUnits::new(512, &tweaks).unwrap();
    xts.encrypt(units, data.as_mut_slice().into()).unwrap();
    assert_eq!(
        data[..32],
        hex("1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b")
    );
}

#[test]
fn data_of_another_length_is_refused() {
    let key = XtsKey::new(
        Primitive::Aes256Xts,
        &std::array::from_fn::<u8, 64, _>(|index| index as u8),
    )
    .unwrap();
    let mut xts = engine().xts(&key).unwrap();
    let tweaks = [Tweak::plain64(0)];
    let units = DataUnits::new(32, &tweaks).unwrap();
    let mut data = [3; 33];
    let refused = xts.encrypt(units, data.as_mut_slice().into());
    assert!(matches!(refused, Err(EngineError::Length { found: 33, .. })));
    assert_eq!(data, [3; 33]);
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
    assert!(version.starts_with("xts-mode 0.6."), "{version}");
}
