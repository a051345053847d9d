//! Engines without XTS, CTR and the block cipher refuse them by type. Included beside `every_engine.rs`.

use sealab_engine::{BlockKey, CtrKey, EngineError, Key, Primitive, XtsKey};

use crate::every_engine::engine;

#[test]
fn what_the_library_lacks_is_refused_by_type() {
    let engine = engine();
    let key: [u8; 64] = std::array::from_fn(|index| index as u8);
    for (primitive, key) in [
        (Primitive::Aes128Xts, &key[..32]),
        (Primitive::Aes256Xts, &key[..]),
    ] {
        let key = XtsKey::new(primitive, key).unwrap();
        let refused = engine.xts(&key).map(drop);
        assert!(matches!(refused, Err(EngineError::Unsupported { primitive: p, .. }) if p == primitive));
    }
    let refused = engine.ctr(&CtrKey(Key::new(&[7; 32]))).map(drop);
    assert!(matches!(refused, Err(EngineError::Unsupported { .. })));
    let refused = engine.block_cipher(&BlockKey(Key::new(&[7; 32]))).map(drop);
    assert!(matches!(refused, Err(EngineError::Unsupported { .. })));
}
