//! Which units a call works on.

use std::ops::Range;

use sealab_engine::{EngineError, Messages, Nonce};

/// Units laid end to end in one buffer.
#[derive(Clone, Copy, Debug)]
pub struct Units<'a> {
    /// The number of the first unit: its page, sector or message number. It is bound into every unit.
    pub first: u64,
    lengths: Lengths<'a>,
    count: usize,
}

#[derive(Clone, Copy, Debug)]
enum Lengths<'a> {
    Each(&'a [u32]),
    Equal(usize),
}

impl<'a> Units<'a> {
    /// `count` units of `unit_bytes`, the first with the number `first`.
    pub fn equal(first: u64, unit_bytes: usize, count: usize) -> Self {
        Self {
            first,
            lengths: Lengths::Equal(unit_bytes),
            count,
        }
    }

    /// Units of the given `lengths` in bytes, the first with the number `first`.
    pub fn each(first: u64, lengths: &'a [u32]) -> Self {
        Self {
            first,
            lengths: Lengths::Each(lengths),
            count: lengths.len(),
        }
    }

    /// How many units there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The common length, if the units are equally long by construction.
    pub(crate) fn equal_length(&self) -> Option<usize> {
        match self.lengths {
            Lengths::Each(_) => None,
            Lengths::Equal(length) => Some(length),
        }
    }

    /// The bytes of all units together.
    pub fn bytes(&self) -> usize {
        match self.lengths {
            Lengths::Each(lengths) => lengths.iter().map(|length| *length as usize).sum(),
            Lengths::Equal(length) => length * self.count,
        }
    }

    /// The units `range`, counted from the first.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        let first = self.first.wrapping_add(range.start as u64);
        match self.lengths {
            Lengths::Each(lengths) => Self::each(first, &lengths[range]),
            Lengths::Equal(length) => Self::equal(first, length, range.len()),
        }
    }

    /// The units' lengths, in order.
    pub(crate) fn iter_lengths(&self) -> impl Iterator<Item = usize> + use<'a> {
        let Self { lengths, count, .. } = *self;
        (0..count).map(move |index| match lengths {
            Lengths::Each(lengths) => lengths[index] as usize,
            Lengths::Equal(length) => length,
        })
    }

    /// The units as messages with these nonces and associated data.
    pub(crate) fn messages(
        &self,
        nonces: &'a [Nonce],
        associated_data: &'a [u8],
    ) -> Result<Messages<'a>, EngineError> {
        match self.lengths {
            Lengths::Each(lengths) => Messages::each(lengths, nonces, associated_data),
            Lengths::Equal(length) => Messages::equal(length, nonces, associated_data),
        }
    }

    /// That `data` bytes and `trailers` bytes are what these units and their trailers take.
    pub(crate) fn check(
        &self,
        data: usize,
        trailers: usize,
        trailer_bytes: usize,
    ) -> Result<(), EngineError> {
        if data != self.bytes() {
            return Err(EngineError::Length {
                what: "the data of a run of units",
                found: data,
                expected: self.bytes().to_string(),
            });
        }
        if trailers != self.count * trailer_bytes {
            return Err(EngineError::Length {
                what: "the trailers of a run of units",
                found: trailers,
                expected: (self.count * trailer_bytes).to_string(),
            });
        }
        Ok(())
    }
}
