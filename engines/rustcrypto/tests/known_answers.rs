//! The standards' own vectors, through the engine as a caller sees it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use sealab_engine::{
    AeadKey, BlockKey, CtrKey, DataUnits, Engine, Key, MacKey, Messages, Nonce, Primitive, Tag, Tweak, XtsKey,
};

fn engine() -> Box<dyn Engine> {
    (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap()
}

fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_hexdigit).collect();
    let (pairs, []) = digits.as_chunks::<2>() else {
        panic!("odd number of digits")
    };
    pairs
        .iter()
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn array<const N: usize>(digits: &str) -> [u8; N] {
    hex(digits).try_into().unwrap()
}

fn xts(primitive: Primitive, key: &str, number: u64, plain: &[u8], cipher: &str) {
    let mut xts = engine().xts(&XtsKey::new(primitive, &hex(key)).unwrap()).unwrap();
    let tweaks = [Tweak::plain64(number)];
    let units = DataUnits::new(plain.len(), &tweaks).unwrap();
    let mut data = plain.to_vec();
    xts.encrypt(units, data.as_mut_slice().into()).unwrap();
    let expected = hex(cipher);
    assert_eq!(data[..expected.len()], expected);
    xts.decrypt(units, data.as_mut_slice().into()).unwrap();
    assert_eq!(data, plain);
}

#[test]
fn ieee_1619_vectors_2_3_and_10() {
    let number = 0x33_3333_3333;
    let keys = "11111111111111111111111111111111 22222222222222222222222222222222";
    let cipher = "c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0";
    xts(Primitive::Aes128Xts, keys, number, &[0x44; 32], cipher);

    let keys = "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0 22222222222222222222222222222222";
    let cipher = "af85336b597afc1a900b2eb21ec949d292df4c047e0b21532186a5971a227a89";
    xts(Primitive::Aes128Xts, keys, number, &[0x44; 32], cipher);

    // The first two blocks of 512 bytes.
    let keys = "2718281828459045235360287471352662497757247093699959574966967627
                3141592653589793238462643383279502884197169399375105820974944592";
    let plain: Vec<u8> = (0..512).map(|index| index as u8).collect();
    let cipher = "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b";
    xts(Primitive::Aes256Xts, keys, 0xff, &plain, cipher);
}

#[test]
fn ieee_1619_vectors_15_to_18_steal_ciphertext() {
    let keys = "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0 bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0";
    for cipher in [
        "6c1625db4671522d3d7599601de7ca09ed",
        "d069444b7a7e0cab09e24447d24deb1fedbf",
        "e5df1351c0544ba1350b3363cd8ef4beedbf9d",
        "9d84c813f719aa2c7be3f66171c7c5c2edbf9dac",
    ] {
        let plain: Vec<u8> = (0..cipher.len() as u8 / 2).collect();
        xts(Primitive::Aes128Xts, keys, 0x12_3456_789a, &plain, cipher);
    }
}

fn aead(
    primitive: Primitive,
    key: &str,
    nonce: &str,
    associated: &str,
    plain: &[u8],
    cipher: &str,
    tag: &str,
) {
    let mut aead = engine()
        .aead(&AeadKey::new(primitive, &hex(key)).unwrap())
        .unwrap();
    let nonces = [Nonce(array(nonce))];
    let associated = hex(associated);
    let messages = Messages::equal(plain.len(), &nonces, &associated).unwrap();
    let mut data = plain.to_vec();
    let mut tags = [Tag([0; 16])];
    aead.seal(messages, data.as_mut_slice().into(), &mut tags)
        .unwrap();
    assert_eq!(data, hex(cipher));
    assert_eq!(tags[0].0, array(tag));
    aead.open(messages, data.as_mut_slice().into(), &tags).unwrap();
    assert_eq!(data, plain);
}

#[test]
fn gcm_specification_test_cases_4_and_16() {
    let key = "feffe9928665731c6d6a8f9467308308";
    let nonce = "cafebabefacedbaddecaf888";
    let associated = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
    let plain = hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
                     1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    let cipher = "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e
                  21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091";
    let tag = "5bc94fbc3221a5db94fae95ae7121a47";
    aead(Primitive::Aes128Gcm, key, nonce, associated, &plain, cipher, tag);

    let cipher = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
                  8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662";
    let tag = "76fc6ece0f4e1768cddf8853bb2d551b";
    aead(
        Primitive::Aes256Gcm,
        &key.repeat(2),
        nonce,
        associated,
        &plain,
        cipher,
        tag,
    );
}

#[test]
fn rfc_8439_section_2_8_2() {
    aead(
        Primitive::ChaCha20Poly1305,
        "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        "070000004041424344454647",
        "50515253c0c1c2c3c4c5c6c7",
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
          sunscreen would be it.",
        "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6
         3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36
         92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
         3ff4def08e4b7a9de576d26586cec64b6116",
        "1ae10b594f09e26a7e902ecbd0600691",
    );
}

const SP_800_38A_KEY: &str = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
const SP_800_38A_PLAIN: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51
                                30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

#[test]
fn sp_800_38a_f_5_5_counter_mode() {
    let mut ctr = engine().ctr(&CtrKey(Key::new(&array(SP_800_38A_KEY)))).unwrap();
    let mut data = hex(SP_800_38A_PLAIN);
    let initial = array("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    ctr.apply(&initial, data.as_mut_slice().into()).unwrap();
    let cipher = "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5
                  2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6";
    assert_eq!(data, hex(cipher));
}

#[test]
fn the_counter_carries_through_all_128_bits() {
    let mut ctr = engine().ctr(&CtrKey(Key::new(&array(SP_800_38A_KEY)))).unwrap();
    let mut two = [0; 32];
    ctr.apply(&[0xff; 16], two.as_mut_slice().into()).unwrap();
    let mut wrapped = [0; 16];
    ctr.apply(&[0; 16], wrapped.as_mut_slice().into()).unwrap();
    assert_eq!(two[16..], wrapped);
}

#[test]
fn sp_800_38a_f_1_5_blocks() {
    let mut cipher = engine()
        .block_cipher(&BlockKey(Key::new(&array(SP_800_38A_KEY))))
        .unwrap();
    let mut data = hex(SP_800_38A_PLAIN);
    cipher.encrypt_blocks(data.as_mut_slice().into()).unwrap();
    let expected = "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870
                    b6ed21b99ca6f4f9f153e7b1beafed1d23304b7a39f9f3ff067d8d8f9e24ecc7";
    assert_eq!(data, hex(expected));
    cipher.decrypt_blocks(data.as_mut_slice().into()).unwrap();
    assert_eq!(data, hex(SP_800_38A_PLAIN));
    assert!(cipher.encrypt_blocks((&mut data[..17]).into()).is_err());
}

#[test]
fn rfc_4231_case_2() {
    let mut mac = engine().hmac_sha256(&MacKey::new(b"Jefe")).unwrap();
    let expected = array("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_eq!(
        mac.compute(&[b"what do ya want ", b"", b"for nothing?"]).unwrap(),
        expected
    );
    assert_eq!(mac.compute(&[b"what do ya want for nothing?"]).unwrap(), expected);
}

#[test]
fn fips_180_4_abc() {
    let mut sha = engine().sha256().unwrap();
    let expected = array("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(sha.digest(&[b"a", b"bc"]).unwrap(), expected);
    assert_eq!(sha.digest(&[b"abc"]).unwrap(), expected);
}
