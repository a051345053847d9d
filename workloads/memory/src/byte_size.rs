//! A number of bytes as people write it: `64MiB`, `512KiB`, `4096`.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// What is shown of a refused text; the rest of a hostile one is of no use to anybody.
const SHOWN_CHARS: usize = 40;

/// A number of bytes from 1 to [`ByteSize::MAX`].
///
/// Written as a whole number of bytes (`4096`) or with a binary unit (`512KiB`, `64MiB`, `1GiB`), and shown in the
/// largest unit that divides it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ByteSize(u64);

/// Why a text or number is no [`ByteSize`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{found} is no size: {reason}; write it as 4096, 512KiB, 64MiB or 1GiB, from 1 byte to 64GiB")]
pub struct ParseByteSizeError {
    found: String,
    reason: &'static str,
}

impl ParseByteSizeError {
    fn new(found: impl fmt::Display, reason: &'static str) -> Self {
        Self {
            found: found.to_string(),
            reason,
        }
    }
}

impl ByteSize {
    /// The largest size: 64 GiB.
    pub const MAX: Self = Self(64 * GIB);

    /// The size of `bytes` bytes.
    pub fn from_bytes(bytes: u64) -> Result<Self, ParseByteSizeError> {
        match bytes {
            0 => Err(ParseByteSizeError::new(bytes, "it is zero")),
            _ if bytes > Self::MAX.0 => Err(ParseByteSizeError::new(bytes, "it is too large")),
            _ => Ok(Self(bytes)),
        }
    }

    /// The size in mebibytes, for defaults; the caller keeps it in range.
    pub(crate) const fn mebibytes(count: u64) -> Self {
        assert!(count > 0 && count <= 64 * 1024);
        Self(count * MIB)
    }

    /// The number of bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// The number of bytes as a length in memory; none where the machine's addresses are too short for it.
    pub fn to_usize(self) -> Option<usize> {
        usize::try_from(self.0).ok()
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, name) in [(GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")] {
            if self.0.is_multiple_of(unit) {
                return write!(f, "{}{name}", self.0 / unit);
            }
        }
        write!(f, "{}", self.0)
    }
}

impl FromStr for ByteSize {
    type Err = ParseByteSizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let shown: String = text.chars().take(SHOWN_CHARS).collect();
        let refuse = |reason| ParseByteSizeError::new(format_args!("{shown:?}"), reason);
        if text.is_empty() {
            return Err(refuse("it is empty"));
        }
        if text.starts_with('-') {
            return Err(refuse("it is negative"));
        }
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        if number.is_empty() {
            return Err(refuse("it begins with no digit"));
        }
        let unit = match unit.trim_start() {
            "" | "B" => 1,
            "KiB" => KIB,
            "MiB" => MIB,
            "GiB" => GIB,
            other if other.starts_with(['.', ',', '_', 'e']) => {
                return Err(refuse("only whole numbers are taken"));
            }
            _ => return Err(refuse("its unit is none of KiB, MiB and GiB")),
        };
        // A number that u64 cannot hold is too large too.
        number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(unit))
            .map_or_else(
                || Err(refuse("it is too large")),
                |bytes| Self::from_bytes(bytes).map_err(|error| refuse(error.reason)),
            )
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = ByteSize;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size such as 4096, 512KiB, 64MiB or 1GiB")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteSize, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<ByteSize, E> {
                ByteSize::from_bytes(bytes).map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<ByteSize, E> {
                let bytes = u64::try_from(bytes)
                    .map_err(|_| E::custom(ParseByteSizeError::new(bytes, "it is negative")))?;
                self.visit_u64(bytes)
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<ByteSize, E> {
                let reason = "only whole numbers are taken";
                Err(E::custom(ParseByteSizeError::new(number, reason)))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ByteSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of bytes from 1 to 64GiB, as 4096, 512KiB, 64MiB or 1GiB.",
            "anyOf": [
                { "type": "integer", "minimum": 1, "maximum": Self::MAX.0 },
                { "type": "string", "pattern": "^[0-9]{1,11} ?(B|KiB|MiB|GiB)?$" },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_shown() {
        for (text, bytes, shown) in [
            ("4096", 4096, "4KiB"),
            ("1", 1, "1"),
            ("1000 B", 1000, "1000"),
            ("512KiB", 512 << 10, "512KiB"),
            ("64MiB", 64 << 20, "64MiB"),
            ("1024 MiB", 1 << 30, "1GiB"),
            ("1536MiB", 1536 << 20, "1536MiB"),
            ("64GiB", 64 << 30, "64GiB"),
        ] {
            let size: ByteSize = text.parse().expect(text);
            assert_eq!((size.bytes(), size.to_string().as_str()), (bytes, shown));
        }
    }

    #[test]
    fn hostile_sizes_are_refused_with_the_reason() {
        let long = "9".repeat(1 << 20);
        for (text, reason) in [
            ("", "empty"),
            ("0", "zero"),
            ("0GiB", "zero"),
            ("-1", "negative"),
            ("-64MiB", "negative"),
            ("64.5MiB", "whole"),
            ("1e9", "whole"),
            ("MiB", "no digit"),
            ("64MB", "unit"),
            ("64mib", "unit"),
            ("64MiBx", "unit"),
            ("68719476737", "too large"),
            ("65GiB", "too large"),
            ("18446744073709551616", "too large"),
            ("17179869185GiB", "too large"),
            ("٣MiB", "no digit"),
            (&long, "too large"),
        ] {
            let error = text.parse::<ByteSize>().expect_err(text).to_string();
            assert!(error.contains(reason), "{text:.50}: {error:.200}");
            assert!(error.len() < 300, "{}", error.len());
        }
    }

    #[test]
    fn yaml_numbers_and_texts_are_sizes() {
        let read = |text: &str| serde_saphyr::from_str::<ByteSize>(text);
        assert_eq!(read("64MiB").expect("text").bytes(), 64 << 20);
        assert_eq!(read("4096").expect("number").bytes(), 4096);
        assert_eq!(read("\"4096\"").expect("quoted").bytes(), 4096);
        for (text, reason) in [
            ("-4096", "negative"),
            ("0", "zero"),
            ("1.5", "whole"),
            ("[1]", "a size such as"),
            ("99999999999999999999999", "size"),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
