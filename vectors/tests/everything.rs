//! Every vector there is, through one engine.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stand outside of the functions that are marked as tests"
)]

use std::path::Path;

use sealab_engine::Primitive;
use sealab_vectors::{check, check_all};

/// How many tests the files under `data/` that are of a primitive say that they have.
fn tests_on_disk() -> u64 {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let document: serde_json::Value = serde_json::from_str(&text).unwrap();
            let primitive = Primitive::from_id(document["algorithm"].as_str().unwrap());
            primitive.map_or(0, |_| document["numberOfTests"].as_u64().unwrap())
        })
        .sum()
}

#[test]
fn rustcrypto_passes_every_vector() {
    let engine = (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap();
    let (mut compact, mut all) = (0, 0);
    for primitive in Primitive::ALL {
        let checked = check_all(&*engine, primitive).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(checked.skipped, 0, "{primitive}");
        all += checked.passed;
        let checked = check(&*engine, primitive).unwrap_or_else(|error| panic!("{error}"));
        compact += checked.passed;
    }
    assert_eq!(all as u64, tests_on_disk());
    assert!(
        compact * 4 < all,
        "the compact set has {compact} of {all} vectors"
    );
}
