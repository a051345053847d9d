//! Numbers for people: rates decimal (GB/s = 10⁹ bytes a second) with three significant digits, sizes binary (KiB = 1024).

use sealab_record::{Cell, CellStatus, Figure};

/// What a figure counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unit<'a> {
    /// Plain bytes a second.
    BytesPerSecond,
    /// Whatever the record's `rate` names.
    Named(&'a str),
}

/// The figure of a cell that was measured, with what it counts. A figure that is not finite is none.
pub(crate) fn figure(cell: &Cell) -> Option<(Unit<'_>, Figure)> {
    if !matches!(cell.status, CellStatus::Measured | CellStatus::Suspect) {
        return None;
    }
    let (unit, figure) = match (&cell.throughput_bytes_per_s, &cell.rate) {
        (Some(figure), _) => (Unit::BytesPerSecond, *figure),
        (None, Some(rate)) => (Unit::Named(&rate.unit), rate.figure),
        (None, None) => return None,
    };
    [figure.median, figure.low, figure.high]
        .iter()
        .all(|value| value.is_finite())
        .then_some((unit, figure))
}

/// The word that stands where a figure is missing.
pub(crate) fn status_word(status: CellStatus) -> &'static str {
    match status {
        CellStatus::Failed => "failed",
        CellStatus::Measured => "measured",
        CellStatus::Suspect => "suspect",
        CellStatus::Unavailable => "unavailable",
        CellStatus::Unsupported => "unsupported",
    }
}

impl Unit<'_> {
    /// `10.2 GB/s`.
    pub(crate) fn value(self, value: f64) -> String {
        let (scale, name) = self.scale(value);
        format!("{} {name}", significant(value / scale))
    }

    /// The value where the unit stands elsewhere: rates in bytes keep theirs, because its scale follows the value.
    pub(crate) fn short(self, value: f64) -> String {
        match self {
            Self::BytesPerSecond => self.value(value),
            Self::Named(_) => significant(value),
        }
    }

    /// `10.2 GB/s (10.1 to 10.3)`: all three in the scale of the median.
    pub(crate) fn with_interval(self, figure: &Figure) -> String {
        format!("{} ({})", self.value(figure.median), self.interval(figure))
    }

    /// `10.1 to 10.3`, in the scale of the median.
    pub(crate) fn interval(self, figure: &Figure) -> String {
        let (scale, _) = self.scale(figure.median);
        format!(
            "{} to {}",
            significant(figure.low / scale),
            significant(figure.high / scale)
        )
    }

    fn scale(self, value: f64) -> (f64, String) {
        const PREFIXES: [(f64, &str); 4] = [(1e12, "TB/s"), (1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s")];
        match self {
            Self::Named(name) => (1.0, crate::printable::one_line(name)),
            // 999.6 MB/s has three digits only as 1.00 GB/s.
            Self::BytesPerSecond => PREFIXES
                .iter()
                .find(|(scale, _)| value.abs() >= scale * 0.9995)
                .map_or((1.0, "B/s".to_owned()), |(scale, name)| {
                    (*scale, (*name).to_owned())
                }),
        }
    }
}

/// Three significant digits; more before the decimal point are kept, grouped by commas.
pub(crate) fn significant(value: f64) -> String {
    if !value.is_finite() {
        return "not a number".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = |value: f64| value.abs().log10().floor() as i32;
    let rounded = {
        let factor = 10f64.powi(2 - magnitude(value));
        let rounded = (value * factor).round() / factor;
        if rounded.is_finite() && rounded != 0.0 {
            rounded
        } else {
            value
        }
    };
    let decimals = (2 - magnitude(rounded)).clamp(0, 12) as usize;
    if value.abs() >= 1e15 {
        return format!("{value:.2e}");
    }
    grouped(&format!("{rounded:.decimals$}"))
}

/// A whole number with commas between groups of three.
pub(crate) fn whole(value: u64) -> String {
    grouped(&value.to_string())
}

/// `4 KiB`, `512 B`, `1.21 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const PREFIXES: [(u32, &str); 4] = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    for (shift, name) in PREFIXES {
        if bytes >> shift > 0 {
            let unit = 1u64 << shift;
            return if bytes.is_multiple_of(unit) {
                format!("{} {name}", whole(bytes / unit))
            } else {
                format!("{} {name}", significant(bytes as f64 / unit as f64))
            };
        }
    }
    format!("{bytes} B")
}

/// `34.1×`.
pub(crate) fn times(ratio: f64) -> String {
    format!("{}×", significant(ratio))
}

/// A share as `91.3 %`, rounded to three digits.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", significant(share * 100.0))
}

/// How far the interval reaches from the median at most: `±0.8 %`.
pub(crate) fn spread(figure: &Figure) -> String {
    let reach = (figure.high - figure.median).max(figure.median - figure.low);
    if figure.median == 0.0 || !reach.is_finite() {
        return "±?".to_owned();
    }
    let share = (reach / figure.median).abs() * 100.0;
    if share < 9.95 {
        format!("±{share:.1} %")
    } else if share < 999.5 {
        format!("±{share:.0} %")
    } else {
        // An interval of no sense must not make a column of hundreds of digits.
        "±>999 %".to_owned()
    }
}

/// `1 cell`, `2 cells`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", whole(count as u64), if count == 1 { one } else { many })
}

fn grouped(number: &str) -> String {
    let (sign, number) = number
        .strip_prefix('-')
        .map_or(("", number), |number| ("-", number));
    let (before, after) = number
        .split_once('.')
        .map_or((number, None), |(before, after)| (before, Some(after)));
    let mut text = sign.to_owned();
    for (index, digit) in before.chars().enumerate() {
        if index > 0 && (before.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(after) = after {
        text.push('.');
        text.push_str(after);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_at_every_magnitude() {
        for (value, text) in [
            (0.0, "0"),
            (0.012345, "0.0123"),
            (9.996, "10.0"),
            (10.24, "10.2"),
            (123.4, "123"),
            (1234.0, "1,230"),
            (-1_234_567.0, "-1,230,000"),
            (f64::NAN, "not a number"),
        ] {
            assert_eq!(significant(value), text, "{value}");
        }
    }

    #[test]
    fn rates_are_decimal_and_sizes_binary() {
        assert_eq!(Unit::BytesPerSecond.value(999_600_000.0), "1.00 GB/s");
        assert_eq!(Unit::BytesPerSecond.value(58_900_000.0), "58.9 MB/s");
        assert_eq!(Unit::Named("requests/s").value(12_345.0), "12,300 requests/s");
        assert_eq!(size(4096), "4 KiB");
        assert_eq!(size(512), "512 B");
        assert_eq!(size(1_300_000), "1.24 MiB");
    }

    #[test]
    fn an_interval_is_in_the_scale_of_its_median() {
        let figure = Figure {
            median: 1.02e9,
            low: 0.98e9,
            high: 1.1e9,
        };
        assert_eq!(
            Unit::BytesPerSecond.with_interval(&figure),
            "1.02 GB/s (0.980 to 1.10)"
        );
        assert_eq!(spread(&figure), "±7.8 %");
    }
}
