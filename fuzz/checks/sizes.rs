//! Sizes, times and shares of workloads: within their range, or refused in one line.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use sealab_memory::{ByteSize, Settle, Share};

use crate::refusal;

/// Whether `data` is any of the three; panics where one is out of its range.
pub(crate) fn check(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let size = told::<ByteSize>(text, |size| (1..=ByteSize::MAX.bytes()).contains(&size.bytes()));
    let time = told::<Settle>(text, |time| {
        (Duration::from_millis(1)..=Settle::MAX.duration()).contains(&time.duration())
    });
    // YAML's parser makes the number of a share.
    let share = text.parse::<f64>().is_ok_and(|number| match Share::new(number) {
        Ok(share) => {
            assert!(share.of(1_000_000) < 1_000_000, "{number}");
            assert_eq!(share.of(1_000_000) == 0, share.is_zero(), "{number}");
            refusal::is_one_line(&share.to_string());
            true
        }
        Err(error) => {
            refusal::is_one_line(&error.to_string());
            false
        }
    });
    size || time || share
}

/// Whether `text` is a `T`; one must be in range and be shown as text that means the same.
fn told<T>(text: &str, in_range: impl Fn(&T) -> bool) -> bool
where
    T: FromStr<Err: Display> + Display + PartialEq,
{
    match text.parse::<T>() {
        Ok(value) => {
            let shown = value.to_string();
            assert!(in_range(&value), "{shown} of {text:?}");
            assert!(
                shown.parse::<T>().is_ok_and(|again| again == value),
                "{shown} of {text:?}"
            );
            true
        }
        Err(error) => {
            refusal::is_one_line(&error.to_string());
            false
        }
    }
}
