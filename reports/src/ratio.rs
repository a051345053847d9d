//! Ratios between cells, with their bootstrap intervals.

use std::cell::Cell as Shared;

use sealab_record::{Cell, Interval, median, ratio_interval};

use crate::numbers::{figure, significant, times};

/// The pairs of CPU profiles whose ratio says what instructions buy, faster one first.
pub(crate) const PROFILE_PAIRS: [(&str, &str); 3] =
    [("native", "no-aes"), ("aes-ni", "no-aes"), ("native", "baseline")];

/// How many samples may be resampled for one report: about two seconds' worth. Real records stay far below; a record of
/// millions of samples still gives a report, with ratios that lack an interval.
const SAMPLES: usize = 120_000;

/// A ratio of medians.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    pub(crate) ratio: f64,
    /// The interval at 95 % confidence; absent where there are too many samples to resample.
    pub(crate) interval: Option<Interval>,
}

/// Makes ratios within a bound on the work.
pub(crate) struct Ratios {
    left: Shared<usize>,
}

impl Ratios {
    pub(crate) fn new() -> Self {
        Self {
            left: Shared::new(SAMPLES),
        }
    }

    /// The ratio of `cell` to `baseline`; `None` unless both have a figure of the same unit and samples.
    pub(crate) fn of(&self, cell: &Cell, baseline: &Cell) -> Option<Ratio> {
        let (unit, _) = figure(cell)?;
        let (baseline_unit, _) = figure(baseline)?;
        if unit != baseline_unit {
            return None;
        }
        let work = cell.samples.len() + baseline.samples.len();
        let Some(left) = self.left.get().checked_sub(work) else {
            let denominator = median(&baseline.samples).filter(|value| *value > 0.0)?;
            return Some(Ratio {
                ratio: median(&cell.samples)? / denominator,
                interval: None,
            });
        };
        self.left.set(left);
        let interval = ratio_interval(&cell.samples, &baseline.samples)?;
        interval.ratio.is_finite().then_some(Ratio {
            ratio: interval.ratio,
            interval: Some(interval),
        })
    }
}

impl Ratio {
    /// Whether the samples do not tell which side is faster.
    pub(crate) fn spans_one(&self) -> bool {
        self.interval.is_some_and(|interval| interval.spans_one())
    }

    /// `34.1× (33.0 to 35.2)`, and whether that tells anything.
    pub(crate) fn text(&self) -> String {
        match &self.interval {
            Some(interval) => format!(
                "{} ({} to {}){}",
                times(self.ratio),
                significant(interval.low),
                significant(interval.high),
                if interval.spans_one() { ", spans 1" } else { "" }
            ),
            None => format!("{} (interval not computed: too many samples)", times(self.ratio)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealab_record::{CellStatus, Figure, Operation};

    fn cell(samples: &[f64]) -> Cell {
        Cell {
            scenario: String::new(),
            engine: String::new(),
            cpu_profile: String::new(),
            plane: String::new(),
            format: String::new(),
            operation: Operation::Seal,
            workload: String::new(),
            unit_bytes: 1,
            threads: 1,
            status: CellStatus::Measured,
            reason: None,
            verified: true,
            throughput_bytes_per_s: median(samples).map(|median| Figure {
                median,
                low: median,
                high: median,
            }),
            rate: None,
            samples: samples.to_vec(),
            sample_conditions: Vec::new(),
            space: None,
            traffic: None,
            along: None,
            memory: None,
            transactions: None,
        }
    }

    #[test]
    fn past_the_bound_the_ratio_stays_and_the_interval_goes() {
        let ratios = Ratios::new();
        let (fast, slow) = (cell(&[4.0, 6.0]), cell(&[2.0, 2.0]));
        assert!(ratios.of(&fast, &slow).unwrap().interval.is_some());
        ratios.left.set(3);
        assert_eq!(
            ratios.of(&fast, &slow),
            Some(Ratio {
                ratio: 2.5,
                interval: None
            })
        );
    }

    #[test]
    fn a_cell_without_a_figure_has_no_ratio() {
        let mut failed = cell(&[4.0]);
        failed.status = CellStatus::Failed;
        assert_eq!(Ratios::new().of(&failed, &cell(&[1.0])), None);
        assert_eq!(Ratios::new().of(&cell(&[1.0]), &failed), None);
    }
}
