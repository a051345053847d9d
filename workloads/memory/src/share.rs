//! A share of a whole, exact to one part in a million, so that a label tells it without rounding.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MILLION: u32 = 1_000_000;

/// A share from 0 to below 1, kept in parts per million. Shown as a percentage: `20 %`, `0.5 %`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Share(u32);

/// Why a number is no [`Share`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{found} is no share: write a number from 0 to 0.999999, such as 0.2 for 20 %")]
pub struct ParseShareError {
    found: f64,
}

impl Share {
    /// The share of `share`, rounded to one part in a million.
    pub fn new(share: f64) -> Result<Self, ParseShareError> {
        let parts = (share * f64::from(MILLION)).round();
        // NaN fails both comparisons.
        if parts >= 0.0 && parts < f64::from(MILLION) {
            Ok(Self(parts as u32))
        } else {
            Err(ParseShareError { found: share })
        }
    }

    /// Whether the share is nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// How many of `count` this share is, to the nearest.
    pub fn of(self, count: usize) -> usize {
        let product = count as u128 * u128::from(self.0) + u128::from(MILLION / 2);
        (product / u128::from(MILLION)) as usize
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000, self.0 % 10_000);
        if rest == 0 {
            return write!(f, "{whole} %");
        }
        let digits = format!("{rest:04}");
        write!(f, "{whole}.{} %", digits.trim_end_matches('0'))
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Share;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a share from 0 to 0.999999, such as 0.2")
            }

            fn visit_f64<E: de::Error>(self, share: f64) -> Result<Share, E> {
                Share::new(share).map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, share: u64) -> Result<Share, E> {
                self.visit_f64(share as f64)
            }

            fn visit_i64<E: de::Error>(self, share: i64) -> Result<Share, E> {
                self.visit_f64(share as f64)
            }
        }
        deserializer.deserialize_any(Number)
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / f64::from(MILLION))
    }
}

impl JsonSchema for Share {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A share from 0 to 0.999999, such as 0.2 for 20 %.",
            "type": "number",
            "minimum": 0,
            "maximum": 0.999_999,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact_and_shown_without_rounding() {
        for (share, count, of, shown) in [
            ("0.2", 16384, 3277, "20 %"),
            ("0", 100, 0, "0 %"),
            ("0.07", 100, 7, "7 %"),
            ("0.005", 1000, 5, "0.5 %"),
            ("0.999999", 10, 10, "99.9999 %"),
        ] {
            let read: Share = serde_saphyr::from_str(share).expect(share);
            assert_eq!((read.of(count), read.to_string().as_str()), (of, shown));
        }
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for text in ["-0.1", "-1", "1", "1.0", "20", "x", "1e300"] {
            let error = serde_saphyr::from_str::<Share>(text).expect_err(text).to_string();
            assert!(error.contains("share"), "{text}: {error}");
        }
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(Share::new(number).is_err(), "{number}");
        }
    }
}
