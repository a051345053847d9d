//! Medians and bootstrap intervals.
//!
//! Few samples from a noisy machine are not normally distributed; nothing here assumes it. The resampling is seeded,
//! so the same samples always give the same interval.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::Figure;

const RESAMPLES: usize = 2000;
const SEED: u64 = 0x5ea1_1ab5;

/// A bootstrap interval of a ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The ratio of the medians.
    pub ratio: f64,
    /// The lower end at 95 % confidence.
    pub low: f64,
    /// The upper end at 95 % confidence.
    pub high: f64,
}

impl Interval {
    /// Whether the interval holds 1: the samples do not tell which side is faster.
    pub fn spans_one(&self) -> bool {
        self.low <= 1.0 && 1.0 <= self.high
    }
}

/// The median; `None` without samples.
pub fn median(samples: &[f64]) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted_median(&mut sorted)
}

/// The median with its 95 % percentile-bootstrap interval; `None` without samples.
pub fn median_interval(samples: &[f64]) -> Option<Figure> {
    let median = median(samples)?;
    let mut resampler = Resampler::new();
    let (low, high) = percentiles(|| resampler.median(samples))?;
    Some(Figure { median, low, high })
}

/// The ratio of the medians of `samples` and `baseline` with its 95 % percentile-bootstrap interval; `None` when a
/// side has no samples or the baseline's median is not above zero. Where both sides have as many samples, sample `i`
/// of each is of the same round and rounds are drawn whole, so that drift of the machine cancels.
pub fn ratio_interval(samples: &[f64], baseline: &[f64]) -> Option<Interval> {
    let denominator = median(baseline).filter(|value| *value > 0.0)?;
    let ratio = median(samples)? / denominator;
    let mut resampler = Resampler::new();
    let (low, high) = percentiles(|| {
        if samples.len() == baseline.len() {
            resampler.paired_ratio(samples, baseline)
        } else {
            resampler.median(samples) / resampler.median(baseline)
        }
    })?;
    Some(Interval { ratio, low, high })
}

struct Resampler {
    rng: ChaCha8Rng,
    drawn: Vec<f64>,
    drawn_beside: Vec<f64>,
}

impl Resampler {
    fn new() -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(SEED),
            drawn: Vec::new(),
            drawn_beside: Vec::new(),
        }
    }

    fn median(&mut self, samples: &[f64]) -> f64 {
        self.drawn.clear();
        for _ in samples {
            let index = self.index(samples.len());
            self.drawn.push(samples[index]);
        }
        sorted_median(&mut self.drawn).unwrap_or(f64::NAN)
    }

    /// The ratio of the medians over rounds drawn alike for both.
    fn paired_ratio(&mut self, samples: &[f64], baseline: &[f64]) -> f64 {
        self.drawn.clear();
        self.drawn_beside.clear();
        for _ in samples {
            let index = self.index(samples.len());
            self.drawn.push(samples[index]);
            self.drawn_beside.push(baseline[index]);
        }
        let medians = sorted_median(&mut self.drawn).zip(sorted_median(&mut self.drawn_beside));
        medians.map_or(f64::NAN, |(samples, baseline)| samples / baseline)
    }

    fn index(&mut self, length: usize) -> usize {
        ((u64::from(self.rng.next_u32()) * length as u64) >> 32) as usize
    }
}

fn percentiles(mut statistic: impl FnMut() -> f64) -> Option<(f64, f64)> {
    let mut values: Vec<f64> = (0..RESAMPLES)
        .map(|_| statistic())
        .filter(|value| value.is_finite())
        .collect();
    if values.is_empty() {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    Some((at(0.025), at(0.975)))
}

fn sorted_median(samples: &mut [f64]) -> Option<f64> {
    samples.sort_unstable_by(f64::total_cmp);
    let middle = samples.len() / 2;
    match samples.len() {
        0 => None,
        length if length % 2 == 1 => Some(samples[middle]),
        _ => Some((samples[middle - 1] + samples[middle]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_even_and_none() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn the_interval_holds_the_median_and_narrows_with_the_spread() {
        let wide = median_interval(&[8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 7.0]).unwrap();
        let narrow = median_interval(&[9.9, 9.95, 10.0, 10.05, 10.1, 10.0, 10.0]).unwrap();
        assert!(wide.low < wide.median && wide.median < wide.high);
        assert!(narrow.high - narrow.low < wide.high - wide.low);
        assert_eq!(
            wide,
            median_interval(&[8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 7.0]).unwrap()
        );
    }

    #[test]
    fn drift_that_hits_both_sides_cancels_in_the_ratio() {
        let baseline = [1.0, 2.0, 4.0, 8.0, 16.0];
        let twice = baseline.map(|value| value * 2.0);
        let interval = ratio_interval(&twice, &baseline).unwrap();
        assert_eq!((interval.ratio, interval.low, interval.high), (2.0, 2.0, 2.0));
        assert!(!interval.spans_one());
    }

    #[test]
    fn equal_sides_span_one() {
        let interval = ratio_interval(&[9.0, 10.0, 11.0, 10.5], &[10.0, 9.5, 10.5]).unwrap();
        assert!(interval.spans_one());
        assert_eq!(ratio_interval(&[1.0], &[0.0]), None);
    }
}
