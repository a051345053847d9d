//! Every format over a real engine: what is sealed opens, and what was changed or moved does not.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails loudly")]

use sealab_checkpoint::{FORMATS, Format, Plane, Protection, SECRET_BYTES, Secret, Units, format};
use sealab_engine::{Engine, EngineError, InOutBuf};

const LENGTHS: [u32; 5] = [0, 1, 16, 100, 4096];

fn engine() -> Box<dyn Engine> {
    (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap()
}

fn secret() -> Secret {
    let mut bytes = [0; SECRET_BYTES];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = index as u8;
    }
    Secret::from_bytes(&bytes)
}

fn plain(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 7 + index / 251) as u8).collect()
}

/// 150 pages: more than two batches, the last one not full.
fn pages() -> (Units<'static>, Vec<u8>) {
    (Units::equal(1000, 512, 150), plain(512 * 150))
}

fn seal(format: &dyn Format, units: Units<'_>, plain: &[u8], lane: u32) -> (Vec<u8>, Vec<u8>) {
    let mut sealer = format.sealer(engine().as_ref(), &secret(), lane).unwrap();
    let mut sealed = vec![0; plain.len()];
    let mut trailers = vec![0; units.count() * format.trailer_bytes()];
    sealer
        .seal(units, InOutBuf::new(plain, &mut sealed).unwrap(), &mut trailers)
        .unwrap();
    (sealed, trailers)
}

fn open(
    format: &dyn Format,
    units: Units<'_>,
    sealed: &[u8],
    trailers: &[u8],
) -> (Result<(), EngineError>, Vec<u8>) {
    let mut sealer = format.sealer(engine().as_ref(), &secret(), 0).unwrap();
    let mut opened = vec![0xee; sealed.len()];
    let result = sealer.open(units, InOutBuf::new(sealed, &mut opened).unwrap(), trailers);
    (result, opened)
}

fn authenticated() -> impl Iterator<Item = &'static dyn Format> {
    FORMATS
        .iter()
        .copied()
        .filter(|format| format.protection() == Protection::ConfidentialityAndIntegrity)
}

#[test]
fn identifiers_are_distinct_and_found() {
    for one in FORMATS {
        assert_eq!(
            FORMATS.iter().filter(|other| other.id() == one.id()).count(),
            1,
            "{}",
            one.id()
        );
        assert_eq!(format(one.id()).map(|found| found.title()), Some(one.title()));
    }
    assert!(format("rot13").is_none());
}

#[test]
fn pages_come_back() {
    let (units, plain) = pages();
    for format in FORMATS {
        let (sealed, trailers) = seal(*format, units, &plain, 3);
        assert_ne!(sealed, plain, "{}", format.id());
        let (result, opened) = open(*format, units, &sealed, &trailers);
        result.unwrap();
        assert!(opened == plain, "{}", format.id());
    }
}

#[test]
fn messages_of_differing_lengths_come_back() {
    let units = Units::each(7, &LENGTHS);
    let plain = plain(units.bytes());
    let mut tried = 0;
    for format in FORMATS
        .iter()
        .filter(|format| format.planes().contains(&Plane::Protobuf))
    {
        let (sealed, trailers) = seal(*format, units, &plain, 0);
        let (result, opened) = open(*format, units, &sealed, &trailers);
        result.unwrap();
        assert!(opened == plain, "{}", format.id());
        tried += 1;
    }
    assert!(tried >= 4);
}

#[test]
fn a_changed_bit_anywhere_is_refused_and_nothing_comes_out() {
    let (units, plain) = pages();
    for format in authenticated() {
        let (sealed, trailers) = seal(format, units, &plain, 0);
        for at in [0, 512 * 70 + 5, plain.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 0x80;
            let (result, opened) = open(format, units, &changed, &trailers);
            let index = at / 512;
            assert!(
                matches!(result, Err(EngineError::Unauthentic { index: found }) if found == index),
                "{}: byte {at}: {result:?}",
                format.id()
            );
            assert!(opened.iter().all(|byte| *byte == 0), "{}", format.id());
        }
        for at in 0..format.trailer_bytes() {
            let mut changed = trailers.clone();
            changed[format.trailer_bytes() * 149 + at] ^= 1;
            let (result, opened) = open(format, units, &sealed, &changed);
            assert!(
                matches!(result, Err(EngineError::Unauthentic { index: 149 })),
                "{}: trailer byte {at}",
                format.id()
            );
            assert!(opened.iter().all(|byte| *byte == 0), "{}", format.id());
        }
    }
}

#[test]
fn a_unit_in_anothers_place_is_refused() {
    for format in authenticated() {
        let length = format.trailer_bytes();
        let units = Units::equal(0, 64, 2);
        let plain = plain(128);
        let (sealed, trailers) = seal(format, units, &plain, 0);
        let swapped = [&sealed[64..], &sealed[..64]].concat();
        let swapped_trailers = [&trailers[length..], &trailers[..length]].concat();
        let (result, _) = open(format, units, &swapped, &swapped_trailers);
        assert!(
            matches!(result, Err(EngineError::Unauthentic { index: 0 })),
            "{}",
            format.id()
        );
    }
}

#[test]
fn equal_pages_do_not_show() {
    let units = Units::equal(0, 4096, 2);
    let plain = vec![0; 8192];
    for format in FORMATS
        .iter()
        .filter(|format| format.protection() != Protection::Nothing)
    {
        let (sealed, _) = seal(*format, units, &plain, 0);
        assert_ne!(sealed[..4096], sealed[4096..], "{}", format.id());
    }
}

#[test]
fn no_nonce_comes_twice_within_a_sealer_or_between_lanes() {
    for format in authenticated() {
        let units = Units::equal(0, 16, 65);
        let plain = plain(16 * 65);
        let mut sealer = format.sealer(engine().as_ref(), &secret(), 1).unwrap();
        let mut nonces = Vec::new();
        let mut keep = |trailers: &[u8]| {
            nonces.extend(
                trailers
                    .chunks_exact(format.trailer_bytes())
                    .map(|trailer| trailer[trailer.len() - 12..].to_vec()),
            );
        };
        for _ in 0..2 {
            let mut sealed = vec![0; plain.len()];
            let mut trailers = vec![0; 65 * format.trailer_bytes()];
            sealer
                .seal(units, InOutBuf::new(&plain, &mut sealed).unwrap(), &mut trailers)
                .unwrap();
            keep(&trailers);
        }
        keep(&seal(format, units, &plain, 2).1);
        let count = nonces.len();
        nonces.sort();
        nonces.dedup();
        assert_eq!((nonces.len(), count), (195, 195), "{}", format.id());
    }
}

#[test]
fn ragged_calls_are_refused() {
    for format in FORMATS {
        let mut sealer = format.sealer(engine().as_ref(), &secret(), 0).unwrap();
        let units = Units::equal(0, 64, 2);
        let mut trailers = vec![0; 2 * format.trailer_bytes()];
        let mut short = [0; 127];
        let result = sealer.seal(units, InOutBuf::from(&mut short[..]), &mut trailers);
        assert!(
            matches!(result, Err(EngineError::Length { .. })),
            "{}",
            format.id()
        );
        let mut data = [0; 128];
        trailers.push(0);
        let result = sealer.seal(units, InOutBuf::from(&mut data[..]), &mut trailers);
        assert!(
            matches!(result, Err(EngineError::Length { .. })),
            "{}",
            format.id()
        );
    }
}
