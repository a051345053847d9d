//! Vectors of XTS.

use sealab_engine::{DataUnits, Engine, Primitive, Tweak, Xts, XtsKey};

use crate::VectorError;
use crate::check::{Checked, Stop, cycled, sets, stopped};
use crate::file::{Case, Verdict};
use crate::form::{Form, equal};

/// Batches reach about this many bytes, beyond what a library works on at once.
const BATCH_BYTES: usize = 4096;

pub(crate) fn check(
    engine: &dyn Engine,
    primitive: Primitive,
    cases: &[Case],
) -> Result<Checked, VectorError> {
    let mut checked = Checked::default();
    for set in sets(cases.iter(), |case| Ok((case.key()?, case.msg().len())))? {
        checked.count(set.len(), check_set(engine, primitive, &set))?;
    }
    Ok(checked)
}

/// Units of one key and length, each alone and then all in one batch.
fn check_set(engine: &dyn Engine, primitive: Primitive, set: &[&Case]) -> Result<(), Stop> {
    for case in set {
        if case.test.result != Verdict::Valid {
            Err(case.malformed("XTS has nothing to refuse; result must be valid".to_owned()))?;
        }
        case.equally_long_ct()?;
    }
    let first = set[0];
    let key = XtsKey::new(primitive, first.key()?).map_err(|error| first.malformed(error.to_string()))?;
    let mut xts = engine
        .xts(&key)
        .map_err(|error| stopped(first, &"keying", error))?;
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
