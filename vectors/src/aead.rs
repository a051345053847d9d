//! Vectors of the AEADs.

use std::fmt;

use sealab_engine::{Aead, AeadKey, Engine, EngineError, Messages, Nonce, Primitive, Tag};

use crate::VectorError;
use crate::case::{Case, Verdict};
use crate::check::{Checked, Stop, cycled, sets, stopped};
use crate::form::{Form, equal, zeroed};

/// A batch has at least this many messages.
const BATCH_MESSAGES: usize = 5;

pub(crate) fn check(
    engine: &dyn Engine,
    primitive: Primitive,
    cases: &[Case],
) -> Result<Checked, VectorError> {
    let mut checked = Checked::default();
    for set in sets(cases.iter(), |case| Ok((case.key()?, case.aad()?.len())))? {
        checked.count(set.len(), check_set(engine, primitive, &set))?;
    }
    Ok(checked)
}

/// Messages of one key and equally long associated data, each alone and then all in one batch.
fn check_set(engine: &dyn Engine, primitive: Primitive, set: &[&Case]) -> Result<(), Stop> {
    let first = set[0];
    let key = AeadKey::new(primitive, first.key()?).map_err(|error| first.malformed(error.to_string()))?;
    let mut aead = engine
        .aead(&key)
        .map_err(|error| stopped(first, &"keying", error))?;
    let (valid, invalid): (Vec<&Case>, Vec<&Case>) =
        set.iter().partition(|case| case.verdict == Verdict::Valid);
    for case in &valid {
        case.equally_long_ct()?;
        holds(&mut *aead, &Batch::new(&[case])?)?;
        // The tag's every byte must count, wherever the message stands in a batch.
        let mut batch = Batch::new(&[case, case, case])?;
        for byte in [0, 7, 15] {
            batch.tags[1].0[byte] ^= 0x80;
            refused(&mut *aead, &batch, 1)?;
            batch.tags[1].0[byte] ^= 0x80;
        }
    }
    if !valid.is_empty() {
        holds(&mut *aead, &Batch::new(&cycled(&valid, BATCH_MESSAGES))?)?;
    }
    for case in &invalid {
        refused(&mut *aead, &Batch::new(&[case])?, 0)?;
        if let Some(good) = valid.first() {
            refused(&mut *aead, &Batch::new(&[good, case, good])?, 1)?;
        }
    }
    Ok(())
}

/// Cases laid end to end.
struct Batch<'a> {
    cases: Vec<&'a Case>,
    lengths: Vec<u32>,
    nonces: Vec<Nonce>,
    associated_data: Vec<u8>,
    plaintext: Vec<u8>,
    ciphertext: Vec<u8>,
    tags: Vec<Tag>,
}

impl<'a> Batch<'a> {
    fn new(cases: &[&'a Case]) -> Result<Self, VectorError> {
        let mut batch = Self {
            cases: cases.to_vec(),
            lengths: Vec::new(),
            nonces: Vec::new(),
            associated_data: Vec::new(),
            plaintext: Vec::new(),
            ciphertext: Vec::new(),
            tags: Vec::new(),
        };
        for case in cases {
            let ct = case.ct()?;
            let length = u32::try_from(ct.len()).map_err(|error| case.malformed(error.to_string()))?;
            batch.lengths.push(length);
            batch.nonces.push(Nonce(case.iv()?));
            batch.associated_data.extend_from_slice(case.aad()?);
            batch.plaintext.extend_from_slice(case.msg());
            batch.ciphertext.extend_from_slice(ct);
            batch.tags.push(Tag(case.tag()?));
        }
        Ok(batch)
    }

    /// As the engine takes it: a lone message by one length for all, several by a list of lengths.
    fn messages(&self) -> Result<Messages<'_>, VectorError> {
        match self.lengths.as_slice() {
            [length] => Messages::equal(*length as usize, &self.nonces, &self.associated_data),
            lengths => Messages::each(lengths, &self.nonces, &self.associated_data),
        }
        .map_err(|error| self.cases[0].malformed(error.to_string()))
    }

    /// That `output` is `expected`, message by message.
    fn equal(
        &self,
        how: &dyn fmt::Display,
        what: &'static str,
        expected: &[u8],
        output: &[u8],
    ) -> Result<(), VectorError> {
        for (case, (range, _, _)) in self.cases.iter().zip(self.messages()?.iter()) {
            equal(case, how, what, &expected[range.clone()], &output[range])?;
        }
        Ok(())
    }
}

/// That sealing gives the vectors' ciphertexts and tags, and opening their plaintexts.
fn holds(aead: &mut dyn Aead, batch: &Batch<'_>) -> Result<(), Stop> {
    let (messages, count) = (batch.messages()?, batch.cases.len());
    for form in Form::BOTH {
        let how = format!("seal {form}, batch of {count}");
        let mut tags = vec![Tag([0; 16]); count];
        let (output, result) = form.run(&batch.plaintext, |data| aead.seal(messages, data, &mut tags));
        result.map_err(|error| stopped(batch.cases[0], &how, error))?;
        batch.equal(&how, "ciphertext", &batch.ciphertext, &output)?;
        for ((case, tag), expected) in batch.cases.iter().zip(&tags).zip(&batch.tags) {
            equal(case, &how, "tag", &expected.0, &tag.0)?;
        }

        let how = format!("open {form}, batch of {count}");
        let (output, result) = form.run(&batch.ciphertext, |data| aead.open(messages, data, &batch.tags));
        result.map_err(|error| stopped(batch.cases[0], &how, error))?;
        batch.equal(&how, "plaintext", &batch.plaintext, &output)?;
    }
    Ok(())
}

/// That opening fails at message `index` and leaves zeros.
fn refused(aead: &mut dyn Aead, batch: &Batch<'_>, index: usize) -> Result<(), Stop> {
    let messages = batch.messages()?;
    let case = batch.cases[index];
    for form in Form::BOTH {
        let how = format!("open {form}, batch of {}", batch.cases.len());
        let (output, result) = form.run(&batch.ciphertext, |data| aead.open(messages, data, &batch.tags));
        match result {
            Err(EngineError::Unauthentic { index: actual }) if actual == index => {}
            Err(EngineError::Unauthentic { index: actual }) => Err(VectorError::Blamed {
                file: case.file.clone(),
                case: case.id,
                how: how.clone(),
                expected: index,
                actual,
            })?,
            Err(error) => return Err(stopped(case, &how, error)),
            Ok(()) => Err(VectorError::Accepted {
                file: case.file.clone(),
                case: case.id,
                how: how.clone(),
            })?,
        }
        zeroed(case, &how, &output)?;
    }
    Ok(())
}
