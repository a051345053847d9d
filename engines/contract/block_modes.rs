//! What the golden vectors do not reach, of engines with XTS, CTR and the block cipher. Included beside
//! `every_engine.rs`.

use sealab_engine::{BlockKey, CtrKey, DataUnits, EngineError, InOutBuf, Key, Primitive, Tweak, XtsKey};

use crate::every_engine::engine;

/// The longest unit that IEEE 1619 allows, and the longest that steals ciphertext.
#[test]
fn the_longest_units_come_back() {
    let key: [u8; 64] = std::array::from_fn(|index| index as u8);
    let mut xts = engine()
        .xts(&XtsKey::new(Primitive::Aes256Xts, &key).unwrap())
        .unwrap();
    for length in [16 << 20, (16 << 20) - 1] {
        let tweaks = [Tweak::plain64(1)];
        let units = DataUnits::new(length, &tweaks).unwrap();
        let plaintext = vec![0x5a; length];
        let mut data = vec![0; length];
        xts.encrypt(units, InOutBuf::new(&plaintext, &mut data).unwrap())
            .unwrap();
        // Every block has a tweak of its own, so equal plaintext nowhere gives equal ciphertext.
        let mut blocks: Vec<_> = data.chunks_exact(16).collect();
        let count = blocks.len();
        blocks.sort_unstable();
        blocks.dedup();
        assert_eq!(blocks.len(), count);
        xts.decrypt(units, InOutBuf::from(&mut data[..])).unwrap();
        assert_eq!(data, plaintext);
    }
}

#[test]
fn parts_of_blocks_are_refused() {
    let mut block = engine().block_cipher(&BlockKey(Key::new(&[7; 32]))).unwrap();
    let mut data = [0; 33];
    assert!(matches!(
        block.encrypt_blocks(InOutBuf::from(&mut data[..])),
        Err(EngineError::Length { found: 33, .. })
    ));
    assert!(matches!(
        block.decrypt_blocks(InOutBuf::from(&mut data[..15])),
        Err(EngineError::Length { found: 15, .. })
    ));
    assert_eq!(data, [0; 33]);
    block.encrypt_blocks(InOutBuf::from(&mut data[..0])).unwrap();
    let mut ctr = engine().ctr(&CtrKey(Key::new(&[7; 32]))).unwrap();
    ctr.apply(&[0; 16], InOutBuf::from(&mut data[..0])).unwrap();
}
