//! Every engine of this machine on the same random input, against each other.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

#[path = "../src/candidates.rs"]
#[allow(dead_code, reason = "the list alone is used")]
mod candidates;
#[path = "../../fuzz/checks/engines.rs"]
mod engines;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};
use sealab_engine::Engine;

#[test]
fn all_engines_give_the_same_answers() {
    let opened: Vec<Box<dyn Engine>> = candidates::CANDIDATES
        .iter()
        .filter_map(|candidate| (candidate.open)().ok())
        .collect();
    assert!(
        opened.len() >= 6,
        "{} engines; those that are linked are six",
        opened.len()
    );
    let mut runner = TestRunner::new(Config {
        cases: 3000,
        failure_persistence: None,
        ..Config::default()
    });
    let mut operations = 0;
    runner
        .run(&vec(any::<u8>(), 300..12_000), |data| {
            engines::check(&opened, &data);
            Ok(())
        })
        .unwrap();
    // The input decides the operation; what describes none must be rare.
    for seed in 0..256_u32 {
        let data: Vec<u8> = (0..8000_u32)
            .map(|i| (i.wrapping_mul(seed | 1) >> 3) as u8 ^ seed as u8)
            .collect();
        operations += usize::from(engines::check(&opened, &data));
    }
    assert!(
        operations > 200,
        "{operations} of 256 inputs described an operation"
    );
}
