//! Vectors of XTS.

use sealab_engine::{DataUnits, Engine, Primitive, Tweak, Xts, XtsKey};
use sha2::{Digest, Sha256};

use crate::VectorError;
use crate::case::Case;
use crate::check::{Checked, Stop, cycled, sets, stopped};
use crate::form::{Form, equal};

/// Batches reach about this many bytes, beyond what a library works on at once.
const BATCH_BYTES: usize = 4096;

pub(crate) fn check(
    engine: &dyn Engine,
    primitive: Primitive,
    cases: &[Case],
) -> Result<Checked, VectorError> {
    let mut checked = Checked::default();
    let mut whole = Vec::new();
    for case in cases {
        match case.ct_sha256()? {
            Some(digest) => checked.count(1, check_digest(engine, primitive, case, &digest))?,
            None => whole.push(case),
        }
    }
    for set in sets(whole.into_iter(), |case| Ok((case.key()?, case.msg().len())))? {
        checked.count(set.len(), check_set(engine, primitive, &set))?;
    }
    Ok(checked)
}

fn keyed(engine: &dyn Engine, primitive: Primitive, case: &Case) -> Result<Box<dyn Xts>, Stop> {
    let key = XtsKey::new(primitive, case.key()?).map_err(|error| case.malformed(error.to_string()))?;
    engine.xts(&key).map_err(|error| stopped(case, &"keying", error))
}

/// A unit of whose ciphertext only the SHA-256 is known: once that holds, the ciphertext must decrypt.
fn check_digest(
    engine: &dyn Engine,
    primitive: Primitive,
    case: &Case,
    digest: &[u8; 32],
) -> Result<(), Stop> {
    let mut xts = keyed(engine, primitive, case)?;
    let tweaks = [Tweak(case.tweak()?)];
    let units = DataUnits::new(case.msg().len(), &tweaks).map_err(|e| case.malformed(e.to_string()))?;
    for form in Form::BOTH {
        let how = format!("encrypt {form}, 1 of {} bytes", case.msg().len());
        let (ciphertext, result) = form.run(case.msg(), |data| xts.encrypt(units, data));
        result.map_err(|error| stopped(case, &how, error))?;
        let actual = Sha256::digest(&ciphertext);
        equal(case, &how, "SHA-256 of the ciphertext", digest, &actual)?;

        let how = format!("decrypt {form}, 1 of {} bytes", case.msg().len());
        let (plaintext, result) = form.run(&ciphertext, |data| xts.decrypt(units, data));
        result.map_err(|error| stopped(case, &how, error))?;
        equal(case, &how, "plaintext", case.msg(), &plaintext)?;
    }
    Ok(())
}

/// Units of one key and length, each alone and then all in one batch.
fn check_set(engine: &dyn Engine, primitive: Primitive, set: &[&Case]) -> Result<(), Stop> {
    for case in set {
        case.equally_long_ct()?;
    }
    let first = set[0];
    let mut xts = keyed(engine, primitive, first)?;
    for case in set {
        check_batch(&mut *xts, &[case])?;
    }
    let batch = cycled(set, BATCH_BYTES / first.msg().len().max(1) + 3);
    check_batch(&mut *xts, &batch)
}

fn check_batch(xts: &mut dyn Xts, batch: &[&Case]) -> Result<(), Stop> {
    let unit_bytes = batch[0].msg().len();
    let mut tweaks = Vec::new();
    let (mut plaintext, mut ciphertext) = (Vec::new(), Vec::new());
    for case in batch {
        tweaks.push(Tweak(case.tweak()?));
        plaintext.extend_from_slice(case.msg());
        ciphertext.extend_from_slice(case.ct()?);
    }
    let units = DataUnits::new(unit_bytes, &tweaks).map_err(|e| batch[0].malformed(e.to_string()))?;
    for form in Form::BOTH {
        let how = format!("encrypt {form}, {} of {unit_bytes} bytes", batch.len());
        let (output, result) = form.run(&plaintext, |data| xts.encrypt(units, data));
        result.map_err(|error| stopped(batch[0], &how, error))?;
        for ((case, actual), expected) in batch
            .iter()
            .zip(output.chunks_exact(unit_bytes))
            .zip(ciphertext.chunks_exact(unit_bytes))
        {
            equal(case, &how, "ciphertext", expected, actual)?;
        }

        let how = format!("decrypt {form}, {} of {unit_bytes} bytes", batch.len());
        let (output, result) = form.run(&ciphertext, |data| xts.decrypt(units, data));
        result.map_err(|error| stopped(batch[0], &how, error))?;
        for (case, actual) in batch.iter().zip(output.chunks_exact(unit_bytes)) {
            equal(case, &how, "plaintext", case.msg(), actual)?;
        }
    }
    Ok(())
}
