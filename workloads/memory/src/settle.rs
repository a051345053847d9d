//! How long a program runs before its memory is taken: `2s`, `500ms`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A time from 1 ms to [`Settle::MAX`], written `500ms`, `2s` or `1min`; a number alone is seconds.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Settle(Duration);

/// Why a text or number is no [`Settle`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{found} is no time: {reason}; write it as 500ms, 2s or 1min, from 1ms to 5min")]
pub struct ParseSettleError {
    found: String,
    reason: &'static str,
}

impl ParseSettleError {
    fn new(found: impl fmt::Display, reason: &'static str) -> Self {
        Self {
            found: found.to_string(),
            reason,
        }
    }
}

impl Settle {
    /// The longest time: 5 minutes.
    pub const MAX: Self = Self(Duration::from_secs(5 * 60));

    /// The time of a workload that names none.
    pub(crate) const DEFAULT: Self = Self(Duration::from_secs(2));

    /// The time of `milliseconds`.
    pub fn from_millis(milliseconds: u64) -> Result<Self, ParseSettleError> {
        let time = Duration::from_millis(milliseconds);
        let refuse = |reason| Err(ParseSettleError::new(format_args!("{milliseconds}ms"), reason));
        match time {
            Duration::ZERO => refuse("it is zero"),
            _ if time > Self::MAX.0 => refuse("it is too long"),
            _ => Ok(Self(time)),
        }
    }

    /// The time.
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl fmt::Display for Settle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.subsec_millis() {
            0 => write!(f, "{}s", self.0.as_secs()),
            _ => write!(f, "{}ms", self.0.as_millis()),
        }
    }
}

impl FromStr for Settle {
    type Err = ParseSettleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let shown: String = text.chars().take(40).collect();
        let refuse = |reason| ParseSettleError::new(format_args!("{shown:?}"), reason);
        if text.starts_with('-') {
            return Err(refuse("it is negative"));
        }
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        if number.is_empty() {
            return Err(refuse("it begins with no digit"));
        }
        let unit = match unit.trim_start() {
            "ms" => 1,
            "s" | "" => 1000,
            "min" => 60_000,
            other if other.starts_with(['.', ',', 'e']) => {
                return Err(refuse("only whole numbers are taken"));
            }
            _ => return Err(refuse("its unit is none of ms, s and min")),
        };
        number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(unit))
            .map_or_else(
                || Err(refuse("it is too long")),
                |milliseconds| Self::from_millis(milliseconds).map_err(|e| refuse(e.reason)),
            )
    }
}

impl<'de> Deserialize<'de> for Settle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Settle;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as 500ms, 2s or 1min")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Settle, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Settle, E> {
                seconds.to_string().parse().map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Settle, E> {
                seconds.to_string().parse().map_err(E::custom)
            }

            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Settle, E> {
                let reason = "only whole numbers are taken";
                Err(E::custom(ParseSettleError::new(seconds, reason)))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

impl Serialize for Settle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Settle {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Settle".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A time from 1ms to 5min, as 500ms, 2s or 1min; a number alone is seconds.",
            "anyOf": [
                { "type": "integer", "minimum": 1, "maximum": Self::MAX.0.as_secs() },
                { "type": "string", "pattern": "^[0-9]{1,6} ?(ms|s|min)?$" },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_shown() {
        for (text, milliseconds, shown) in [
            ("2s", 2000, "2s"),
            ("2", 2000, "2s"),
            ("500ms", 500, "500ms"),
            ("1500 ms", 1500, "1500ms"),
            ("5min", 300_000, "300s"),
        ] {
            let settle: Settle = serde_saphyr::from_str(text).expect(text);
            assert_eq!(settle.duration(), Duration::from_millis(milliseconds));
            assert_eq!(settle.to_string(), shown);
        }
    }

    #[test]
    fn hostile_times_are_refused_with_the_reason() {
        for (text, reason) in [
            ("0s", "zero"),
            ("0", "zero"),
            ("-2s", "negative"),
            ("-2", "negative"),
            ("1.5s", "whole"),
            ("1.5", "whole"),
            ("2h", "unit"),
            ("s", "no digit"),
            ("6min", "too long"),
            ("301", "too long"),
            ("18446744073709551616s", "too long"),
            ("18446744073709551615min", "too long"),
        ] {
            let error = serde_saphyr::from_str::<Settle>(text)
                .expect_err(text)
                .to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
