//! The golden vectors of every primitive that the engine implements.

use sealab_engine_ring::CANDIDATE;

#[test]
fn golden_vectors_hold() {
    let engine = (CANDIDATE.open)().unwrap();
    assert_eq!(engine.id(), CANDIDATE.id);
    for &primitive in engine.primitives() {
        let checked =
            sealab_vectors::check_all(&*engine, primitive).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(checked.skipped, 0, "{primitive}");
    }
}
