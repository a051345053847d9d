//! A number of bytes as people write it: `64MiB`, `512KiB`, `4096`.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;

/// No workload has more in memory: 64 GiB.
const MOST_IN_MEMORY: u64 = 64 * GIB;

/// What is shown of a refused text; the rest of a hostile one is of no use to anybody.
const SHOWN_CHARS: usize = 40;

/// A number of bytes from 1 to [`ByteSize::MAX`].
///
/// Written as a whole number of bytes (`4096`) or with a binary unit (`512KiB`, `64MiB`, `1GiB`, `1TiB`), and shown in the
/// largest unit that divides it. What fits a volume need not fit a memory: [`ByteSize::to_usize`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ByteSize(u64);

/// Why a text or number is no [`ByteSize`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{found} is no size: {reason}; write it as 4096, 512KiB, 64MiB, 1GiB or 1TiB, from 1 byte to 16TiB")]
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
    /// The largest size: 16 TiB, that of a volume.
    pub const MAX: Self = Self(16 * TIB);

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

    /// The number of bytes as a length in memory; none beyond 64 GiB, or where the machine's addresses are too short for it.
    pub fn to_usize(self) -> Option<usize> {
        usize::try_from(self.0).ok().filter(|_| self.0 <= MOST_IN_MEMORY)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, name) in [(TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")] {
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
            "TiB" => TIB,
            other if other.starts_with(['.', ',', '_', 'e']) => {
                return Err(refuse("only whole numbers are taken"));
            }
            _ => return Err(refuse("its unit is none of KiB, MiB, GiB and TiB")),
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
                f.write_str("a size such as 4096, 512KiB, 64MiB, 1GiB or 1TiB")
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
            "description": "A number of bytes from 1 to 16TiB, as 4096, 512KiB, 64MiB, 1GiB or 1TiB.",
            "anyOf": [
                { "type": "integer", "minimum": 1, "maximum": Self::MAX.0 },
                { "type": "string", "pattern": "^[0-9]{1,14} ?(B|KiB|MiB|GiB|TiB)?$" },
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
            ("1024GiB", 1 << 40, "1TiB"),
            ("1536GiB", 1536 << 30, "1536GiB"),
            ("16TiB", 16 << 40, "16TiB"),
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
            ("17592186044417", "too large"),
            ("16385GiB", "too large"),
            ("17TiB", "too large"),
            ("1PiB", "unit"),
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
    fn what_no_memory_holds_is_no_length() {
        let length = |text: &str| text.parse::<ByteSize>().expect(text).to_usize();
        assert_eq!(length("64GiB"), Some(64 << 30));
        assert_eq!(length("68719476737"), None);
        assert_eq!(length("1TiB"), None);
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
