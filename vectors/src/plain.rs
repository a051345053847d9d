//! Vectors of what knows neither units nor messages: counter mode, the block cipher, HMAC and SHA-256.

use sealab_engine::{BlockKey, CtrKey, Engine, EngineError, InOutBuf, Key, MacKey};

use crate::VectorError;
use crate::case::Case;
use crate::check::{Checked, Stop, stopped};
use crate::form::{Form, equal};

/// How often a block vector is repeated in one call, beyond what a library works on at once.
const BLOCK_REPEATS: usize = 37;

pub(crate) fn check_ctr(engine: &dyn Engine, cases: &[Case]) -> Result<Checked, VectorError> {
    each(cases, |case| {
        let key = CtrKey(Key::new(&sized_key(case)?));
        let initial = case.iv()?;
        let mut ctr = engine
            .ctr(&key)
            .map_err(|error| stopped(case, &"keying", error))?;
        both_ways(case, 1, |data, _| ctr.apply(&initial, data))
    })
}

pub(crate) fn check_block(engine: &dyn Engine, cases: &[Case]) -> Result<Checked, VectorError> {
    each(cases, |case| {
        let key = BlockKey(Key::new(&sized_key(case)?));
        let mut block = engine
            .block_cipher(&key)
            .map_err(|error| stopped(case, &"keying", error))?;
        for repeats in [1, BLOCK_REPEATS] {
            both_ways(case, repeats, |data, direction| match direction {
                Direction::Encrypt => block.encrypt_blocks(data),
                Direction::Decrypt => block.decrypt_blocks(data),
            })?;
        }
        Ok(())
    })
}

pub(crate) fn check_hmac(engine: &dyn Engine, cases: &[Case]) -> Result<Checked, VectorError> {
    each(cases, |case| {
        let key = MacKey::new(case.key()?);
        let mut hmac = engine
            .hmac_sha256(&key)
            .map_err(|error| stopped(case, &"keying", error))?;
        in_parts(case, "code", &case.tag()?, |parts| hmac.compute(parts))
    })
}

pub(crate) fn check_sha256(engine: &dyn Engine, cases: &[Case]) -> Result<Checked, VectorError> {
    each(cases, |case| {
        let mut sha256 = engine
            .sha256()
            .map_err(|error| stopped(case, &"opening", error))?;
        in_parts(case, "digest", &case.digest()?, |parts| sha256.digest(parts))
    })
}

fn each(cases: &[Case], check: impl Fn(&Case) -> Result<(), Stop>) -> Result<Checked, VectorError> {
    let mut checked = Checked::default();
    for case in cases {
        checked.count(1, check(case))?;
    }
    Ok(checked)
}

fn sized_key(case: &Case) -> Result<[u8; 32], VectorError> {
    let key = case.key()?;
    key.try_into()
        .map_err(|_| case.malformed(format!("key has {} bytes; it must have 32", key.len())))
}

#[derive(Clone, Copy)]
enum Direction {
    Encrypt,
    Decrypt,
}

/// The case, `repeats` times end to end, encrypted and decrypted in both forms through one keyed object.
fn both_ways(
    case: &Case,
    repeats: usize,
    mut call: impl FnMut(InOutBuf<'_, '_, u8>, Direction) -> Result<(), EngineError>,
) -> Result<(), Stop> {
    let plaintext = case.msg().repeat(repeats);
    let ciphertext = case.equally_long_ct()?.repeat(repeats);
    for form in Form::BOTH {
        for (direction, verb, what, input, expected) in [
            (
                Direction::Encrypt,
                "encrypt",
                "ciphertext",
                &plaintext,
                &ciphertext,
            ),
            (
                Direction::Decrypt,
                "decrypt",
                "plaintext",
                &ciphertext,
                &plaintext,
            ),
        ] {
            let how = format!("{verb} {form}, {} bytes", input.len());
            let (output, result) = form.run(input, |data| call(data, direction));
            result.map_err(|error| stopped(case, &how, error))?;
            equal(case, &how, what, expected, &output)?;
        }
    }
    Ok(())
}

/// The case whole, in two parts, and in parts of 1, 0 and 63 bytes, through one object.
fn in_parts(
    case: &Case,
    what: &'static str,
    expected: &[u8; 32],
    mut call: impl FnMut(&[&[u8]]) -> Result<[u8; 32], EngineError>,
) -> Result<(), Stop> {
    let msg = case.msg();
    let (left, right) = msg.split_at(msg.len() / 2);
    let (head, tail) = msg.split_at(msg.len().min(1));
    let uneven: Vec<&[u8]> = [head, &[]].into_iter().chain(tail.chunks(63)).collect();
    for (how, parts) in [
        ("the message whole", &[msg][..]),
        ("the message in two parts", &[left, right][..]),
        ("the message in uneven parts", &uneven[..]),
    ] {
        let actual = call(parts).map_err(|error| stopped(case, &how, error))?;
        equal(case, &how, what, expected, &actual)?;
    }
    Ok(())
}
