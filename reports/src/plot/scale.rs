//! Axes: linear from zero, or logarithmic where the values span too much for that.

/// Values that span more than this are shown on a logarithmic axis.
const LOG_FROM: f64 = 20.0;

/// Whether an axis that holds both values is logarithmic.
pub(crate) fn is_logarithmic(low: f64, high: f64) -> bool {
    high / low > LOG_FROM
}

/// One axis.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    log: bool,
}

impl Scale {
    /// An axis that holds all finite values above zero among `values`; linear axes begin at zero. `None` without any.
    pub(super) fn holding(values: impl Iterator<Item = f64> + Clone) -> Option<Self> {
        let valid = values.filter(|value| value.is_finite() && *value > 0.0);
        let low = valid.clone().min_by(f64::total_cmp)?;
        let high = valid.max_by(f64::total_cmp)?;
        let log = is_logarithmic(low, high);
        // No axis reaches into numbers that cannot be told from zero or infinity.
        let (low, high) = (low.clamp(1e-12, 1e17), high.clamp(1e-11, 1e18));
        Some(if log {
            Self {
                low: rounded(low, false),
                high: rounded(high, true),
                log,
            }
        } else {
            Self {
                low: 0.0,
                high: high * 1.04,
                log,
            }
        })
    }

    /// A linear axis from zero to `high`.
    pub(super) fn linear_to(high: f64) -> Self {
        Self {
            low: 0.0,
            high: high.clamp(1e-11, 1e18),
            log: false,
        }
    }

    /// Whether it is logarithmic.
    pub(super) fn is_log(&self) -> bool {
        self.log
    }

    /// Its ends in plot coordinates.
    pub(super) fn range(&self) -> std::ops::Range<f64> {
        self.coordinate(self.low)..self.coordinate(self.high)
    }

    /// `value` in plot coordinates, kept within the axis.
    pub(super) fn coordinate(&self, value: f64) -> f64 {
        let value = value.clamp(self.low, self.high);
        if self.log { value.log10() } else { value }
    }

    /// At most `most` values to label, and at least two.
    pub(super) fn ticks(&self, most: usize) -> Vec<f64> {
        let most = most.max(2);
        if !self.log {
            let step = [1.0, 2.0, 2.5, 5.0, 10.0]
                .into_iter()
                .map(|step| step * 10f64.powf((self.high / most as f64).log10().floor()))
                .find(|step| self.high / step < most as f64)
                .unwrap_or(self.high);
            return (0..most)
                .map(|index| index as f64 * step)
                .filter(|tick| *tick <= self.high)
                .collect();
        }
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let ticks = |mantissas: &[f64], every: i32, offset: i32| -> Vec<f64> {
            (first..=last)
                .filter(|exponent| (exponent - first) % every == offset)
                .flat_map(|exponent| {
                    mantissas
                        .iter()
                        .map(move |mantissa| mantissa * 10f64.powi(exponent))
                })
                .filter(|tick| (self.low * 0.999..=self.high * 1.001).contains(tick))
                .collect()
        };
        // The densest that fits: 1-2-5, then 1-3, then every decade, every second, ….
        let dense = [&[1.0, 2.0, 5.0][..], &[1.0, 3.0]]
            .into_iter()
            .map(|mantissas| ticks(mantissas, 1, 0));
        let sparse = (1..=last - first)
            .flat_map(|every| (0..every).map(move |offset| (every, offset)))
            .map(|(every, offset)| ticks(&[1.0], every, offset));
        dense
            .chain(sparse)
            .find(|ticks| (2..=most).contains(&ticks.len()))
            .unwrap_or_else(|| vec![self.low, self.high])
    }
}

/// The next of 1, 2, 5 times a power of ten above or below `value`.
fn rounded(value: f64, up: bool) -> f64 {
    let decade = 10f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * decade);
    if up {
        steps.into_iter().find(|step| *step >= value)
    } else {
        steps.into_iter().rev().find(|step| *step <= value)
    }
    .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_spans_are_logarithmic_and_narrow_ones_begin_at_zero() {
        let narrow = Scale::holding([1.0, 19.0].into_iter()).unwrap();
        assert!(!narrow.log);
        assert_eq!(narrow.range().start, 0.0);
        let wide = Scale::holding([1.0, 21.0].into_iter()).unwrap();
        assert!(wide.log);
        assert_eq!(wide.range(), 0.0..50f64.log10());
    }

    #[test]
    fn ticks_are_few_and_within_the_axis() {
        for values in [
            [0.05, 12.0],
            [1.0, 3.0],
            [1e-9, 1e12],
            [0.9, 1.1],
            [1e-300, 1e300],
            [1e300, 1e302],
            [1e300, 1.7e308],
        ] {
            let scale = Scale::holding(values.into_iter()).unwrap();
            for most in [2, 4, 8] {
                let ticks = scale.ticks(most);
                assert!((2..=most).contains(&ticks.len()), "{values:?} {most}: {ticks:?}");
                assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]));
                for tick in ticks {
                    let range = scale.range();
                    let at = if scale.log { tick.log10() } else { tick };
                    assert!(
                        range.start - 1e-3 <= at && at <= range.end + 1e-3,
                        "{tick} in {range:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn nothing_positive_has_no_axis() {
        assert!(Scale::holding([0.0, -1.0, f64::NAN].into_iter()).is_none());
    }
}
