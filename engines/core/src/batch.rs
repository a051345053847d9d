//! What a call works on: data units with tweaks, messages with nonces and associated data.
//!
//! The data itself is an [`InOutBuf`]: one buffer changed in place, or an input and an output of equal length.

use std::ops::Range;

use inout::InOutBuf;

use crate::EngineError;

/// The length of a tweak: one AES block.
pub const TWEAK_BYTES: usize = 16;
/// The length of a nonce: 96 bits, the one length that both AEADs share without hashing.
pub const NONCE_BYTES: usize = 12;
/// The length of an authentication tag.
pub const TAG_BYTES: usize = 16;

/// The tweak of one data unit, before its encryption under the tweak key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(transparent)]
pub struct Tweak(pub [u8; TWEAK_BYTES]);

impl Tweak {
    /// The unit's number as 64 bits little-endian, then zeros: dm-crypt's `plain64`.
    pub fn plain64(number: u64) -> Self {
        let mut bytes = [0; TWEAK_BYTES];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Self(bytes)
    }
}

/// The nonce of one message; never used twice under a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(transparent)]
pub struct Nonce(pub [u8; NONCE_BYTES]);

/// The authentication tag of one message.
///
/// Not comparable with `==`: tags are compared by the library that opens a message, in constant time.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Tag(pub [u8; TAG_BYTES]);

/// Equally long data units, each with its own tweak, laid end to end in one buffer.
#[derive(Clone, Copy, Debug)]
pub struct DataUnits<'a> {
    unit_bytes: usize,
    tweaks: &'a [Tweak],
}

impl<'a> DataUnits<'a> {
    /// As many units of `unit_bytes` (at least 16; a length that is no multiple of 16 steals ciphertext) as tweaks.
    pub fn new(unit_bytes: usize, tweaks: &'a [Tweak]) -> Result<Self, EngineError> {
        // IEEE 1619 ends a data unit at 2^20 blocks.
        if !(TWEAK_BYTES..=TWEAK_BYTES << 20).contains(&unit_bytes) {
            return Err(EngineError::Length {
                what: "a data unit",
                found: unit_bytes,
                expected: "16 to 16777216".to_owned(),
            });
        }
        Ok(Self { unit_bytes, tweaks })
    }

    /// The length of each unit, in bytes.
    pub fn unit_bytes(&self) -> usize {
        self.unit_bytes
    }

    /// The units' tweaks, in order.
    pub fn tweaks(&self) -> &'a [Tweak] {
        self.tweaks
    }

    /// That `data` holds exactly these units.
    pub fn check(&self, data: &InOutBuf<'_, '_, u8>) -> Result<(), EngineError> {
        let expected = self.tweaks.len().checked_mul(self.unit_bytes);
        if expected == Some(data.len()) {
            return Ok(());
        }
        Err(EngineError::Length {
            what: "the data of a batch",
            found: data.len(),
            expected: format!("{} units of {}", self.tweaks.len(), self.unit_bytes),
        })
    }
}

/// Messages laid end to end in one buffer, each with its own nonce and equally long associated data.
#[derive(Clone, Copy, Debug)]
pub struct Messages<'a> {
    lengths: Lengths<'a>,
    nonces: &'a [Nonce],
    associated_data: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
enum Lengths<'a> {
    Each(&'a [u32]),
    Equal(usize),
}

impl<'a> Messages<'a> {
    /// As many messages of `length` bytes as nonces. `associated_data` holds all messages' associated data end to
    /// end, in equal parts; it may be empty.
    pub fn equal(length: usize, nonces: &'a [Nonce], associated_data: &'a [u8]) -> Result<Self, EngineError> {
        Self {
            lengths: Lengths::Equal(length),
            nonces,
            associated_data,
        }
        .consistent()
    }

    /// Messages of the given `lengths` (bytes), one for each nonce; `associated_data` as in [`Messages::equal`].
    pub fn each(
        lengths: &'a [u32],
        nonces: &'a [Nonce],
        associated_data: &'a [u8],
    ) -> Result<Self, EngineError> {
        if lengths.len() != nonces.len() {
            return Err(EngineError::Length {
                what: "the list of message lengths",
                found: lengths.len(),
                expected: format!("{} entries, as there are nonces", nonces.len()),
            });
        }
        Self {
            lengths: Lengths::Each(lengths),
            nonces,
            associated_data,
        }
        .consistent()
    }

    fn consistent(self) -> Result<Self, EngineError> {
        let count = self.nonces.len();
        if count == 0 && self.associated_data.is_empty()
            || count > 0 && self.associated_data.len().is_multiple_of(count)
        {
            return Ok(self);
        }
        Err(EngineError::Length {
            what: "the associated data of a batch",
            found: self.associated_data.len(),
            expected: format!("{count} equal parts"),
        })
    }

    /// How many messages there are.
    pub fn count(&self) -> usize {
        self.nonces.len()
    }

    /// That `data` and `tags` hold exactly these messages.
    pub fn check(&self, data: &InOutBuf<'_, '_, u8>, tags: &[Tag]) -> Result<(), EngineError> {
        let total = match self.lengths {
            Lengths::Equal(length) => self.nonces.len().checked_mul(length),
            Lengths::Each(lengths) => lengths
                .iter()
                .try_fold(0_usize, |sum, length| sum.checked_add(*length as usize)),
        };
        if total != Some(data.len()) {
            return Err(EngineError::Length {
                what: "the data of a batch",
                found: data.len(),
                expected: total.map_or_else(|| "less than the address space".to_owned(), |t| t.to_string()),
            });
        }
        if tags.len() != self.nonces.len() {
            return Err(EngineError::Length {
                what: "the list of tags",
                found: tags.len() * TAG_BYTES,
                expected: (self.nonces.len() * TAG_BYTES).to_string(),
            });
        }
        Ok(())
    }

    /// Each message's place in the data, nonce and associated data, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Range<usize>, &'a Nonce, &'a [u8])> + use<'a> {
        let Self {
            lengths,
            nonces,
            associated_data,
        } = *self;
        let part = associated_data.len().checked_div(nonces.len()).unwrap_or(0);
        let mut start = 0;
        nonces.iter().enumerate().map(move |(index, nonce)| {
            let length = match lengths {
                Lengths::Each(lengths) => lengths[index] as usize,
                Lengths::Equal(length) => length,
            };
            let range = start..start + length;
            start = range.end;
            (range, nonce, &associated_data[index * part..(index + 1) * part])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain64_is_little_endian() {
        assert_eq!(
            Tweak::plain64(0x0102).0,
            [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        );
    }

    #[test]
    fn data_units_have_bounds() {
        assert!(DataUnits::new(15, &[]).is_err());
        assert!(DataUnits::new((16 << 20) + 1, &[]).is_err());
        let tweaks = [Tweak::plain64(0); 2];
        let units = DataUnits::new(20, &tweaks).unwrap();
        let mut data = [0; 40];
        assert!(units.check(&InOutBuf::from(&mut data[..])).is_ok());
        assert!(units.check(&InOutBuf::from(&mut data[..39])).is_err());
    }

    #[test]
    fn messages_are_walked_in_order() {
        let nonces = [Nonce([1; 12]), Nonce([2; 12])];
        let messages = Messages::each(&[3, 5], &nonces, b"abcd").unwrap();
        let walked: Vec<_> = messages.iter().collect();
        assert_eq!(walked[0], (0..3, &nonces[0], &b"ab"[..]));
        assert_eq!(walked[1], (3..8, &nonces[1], &b"cd"[..]));
    }

    #[test]
    fn ragged_batches_are_refused() {
        let nonces = [Nonce([0; 12]); 2];
        assert!(Messages::equal(4, &nonces, b"abc").is_err());
        assert!(Messages::equal(4, &[], b"abc").is_err());
        assert!(Messages::each(&[1], &nonces, b"").is_err());
        let messages = Messages::equal(4, &nonces, b"").unwrap();
        let mut data = [0; 8];
        assert!(
            messages
                .check(&InOutBuf::from(&mut data[..]), &[Tag([0; 16]); 1])
                .is_err()
        );
        assert!(
            messages
                .check(&InOutBuf::from(&mut data[..7]), &[Tag([0; 16]); 2])
                .is_err()
        );
        assert!(
            messages
                .check(&InOutBuf::from(&mut data[..]), &[Tag([0; 16]); 2])
                .is_ok()
        );
    }
}
