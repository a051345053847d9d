//! Each library that is on this machine, held to the golden vectors. A missing one is named; under `CI=true` it fails.

use std::io::Write;

use sealab_engine::{AeadKey, Candidate, Engine, EngineError, Primitive, XtsKey};
use sealab_engine_system::CANDIDATES;

/// The engine, or nothing where its library is missing and may be.
fn open(candidate: &Candidate) -> Option<Box<dyn Engine>> {
    match (candidate.open)() {
        Ok(engine) => Some(engine),
        Err(EngineError::Unavailable { reason }) => {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "{}: {reason}",
                candidate.id
            );
            // Past the test harness, which keeps what a passing test prints to itself.
            let _ = writeln!(std::io::stderr(), "SKIPPED {}: {reason}", candidate.id);
            None
        }
        Err(error) => panic!("{}: {error}", candidate.id),
    }
}

#[test]
fn the_vectors_of_every_listed_primitive_hold() {
    for engine in CANDIDATES.iter().filter_map(open) {
        for primitive in engine.primitives() {
            let checked = sealab_vectors::check_all(&*engine, *primitive)
                .unwrap_or_else(|error| panic!("{}, {primitive}: {error}, {error:?}", engine.id()));
            assert_eq!(checked.skipped, 0, "{}, {primitive}", engine.id());
        }
    }
}

#[test]
fn what_is_not_listed_is_unsupported() {
    for engine in CANDIDATES.iter().filter_map(open) {
        for primitive in Primitive::ALL {
            let listed = engine.primitives().contains(&primitive);
            let unsupported = matches!(
                sealab_vectors::check(&*engine, primitive),
                Err(sealab_vectors::VectorError::Nothing { .. })
            );
            assert_eq!(unsupported, !listed, "{}, {primitive}", engine.id());
        }
    }
}

#[test]
fn engines_name_themselves_their_version_and_their_code() {
    for candidate in &CANDIDATES {
        let Some(engine) = open(candidate) else { continue };
        assert_eq!(engine.id(), candidate.id);
        assert!(
            engine.version().starts_with(|c: char| c.is_ascii_digit()),
            "{}",
            engine.version()
        );
        let path = engine.code_path();
        assert!(!path.description.contains("unknown"), "{}", path.description);
    }
}

#[test]
fn objects_outlive_their_engine_and_move_between_threads() {
    for candidate in &CANDIDATES {
        let Some(engine) = open(candidate) else { continue };
        let xts = engine.xts(
            &XtsKey::new(
                Primitive::Aes256Xts,
                &std::array::from_fn::<_, 64, _>(|i| i as u8),
            )
            .unwrap(),
        );
        let aead = engine.aead(&AeadKey::new(Primitive::Aes256Gcm, &[7; 32]).unwrap());
        let (xts, aead) = (xts.unwrap(), aead.unwrap());
        drop(engine);
        std::thread::spawn(move || drop((xts, aead))).join().unwrap();
    }
}
