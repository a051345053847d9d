//! Behaviour that the golden vectors do not reach.

use every_engine::engine;
use sealab_engine_openssl::CANDIDATE;

#[path = "../../contract/block_modes.rs"]
mod block_modes;
#[path = "../../contract/ciphertext_only.rs"]
mod ciphertext_only;
#[path = "../../contract/every_engine.rs"]
mod every_engine;

#[test]
fn the_library_is_3_6_or_newer() {
    let version = engine().version();
    let numbers: Vec<u32> = version.split('.').map(|number| number.parse().unwrap()).collect();
    assert!(numbers[..] >= [3, 6][..], "{version}");
}
