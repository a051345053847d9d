//! The number of an NV index.

use std::fmt;
use std::str::FromStr;

/// An NV index that belongs to the owner: 0x01800000 to 0x01BFFFFF.
///
/// The TCG's Registry of Reserved TPM 2.0 Handles and Localities gives the indices below to the makers of the TPM and of
/// the platform and those above to the TCG's own uses, endorsement certificates among them. No TPM enforces it, so that a
/// counter elsewhere might meet what a firmware update brings.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NvIndex(u32);

const FIRST: u32 = 0x0180_0000;
const LAST: u32 = 0x01bf_ffff;

impl NvIndex {
    /// `index` where it is the owner's.
    pub fn new(index: u32) -> Option<Self> {
        (FIRST..=LAST).contains(&index).then_some(Self(index))
    }

    pub(crate) fn handle(self) -> u32 {
        self.0
    }
}

impl fmt::Display for NvIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

impl FromStr for NvIndex {
    type Err = String;

    /// `0x` and hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("0x").filter(|digits| !digits.starts_with('+'));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        number.and_then(Self::new).ok_or_else(|| {
            format!(
                "\"{}\" is no NV index of the owner, {FIRST:#010x} to {LAST:#010x}",
                text.escape_debug()
            )
        })
    }
}
