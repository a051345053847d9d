//! Behaviour that the golden vectors do not reach.

use every_engine::engine;
use sealab_engine::{EngineError, Primitive, XtsKey};
use sealab_engine_aws_lc::CANDIDATE;

#[path = "../../contract/block_modes.rs"]
mod block_modes;
#[path = "../../contract/ciphertext_only.rs"]
mod ciphertext_only;
#[path = "../../contract/every_engine.rs"]
mod every_engine;

#[test]
fn what_the_library_lacks_is_refused_by_type() {
    let key: [u8; 32] = std::array::from_fn(|index| index as u8);
    let refused = engine().xts(&XtsKey::new(Primitive::Aes128Xts, &key).unwrap());
    assert!(matches!(
        refused,
        Err(EngineError::Unsupported {
            engine: "aws-lc",
            primitive: Primitive::Aes128Xts
        })
    ));
    assert!(!engine().primitives().contains(&Primitive::Aes128Xts));
}
