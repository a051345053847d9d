//! How long requests took.

use std::time::Duration;

use hdrhistogram::Histogram;

/// The longest time that is told apart from longer ones: an hour.
const MOST_NANOSECONDS: u64 = 3_600_000_000_000;

/// How long the requests, or transactions, of one kind took: the time below which so many of a hundred stayed, to three digits.
/// Zero if there were none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Half of them.
    pub p50: Duration,
    /// 95 of a hundred.
    pub p95: Duration,
    /// 99 of a hundred.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

/// Collects times, up to an hour each.
#[derive(Clone, Debug)]
pub struct Times(Option<Histogram<u64>>);

impl Default for Times {
    fn default() -> Self {
        Self::new()
    }
}

impl Times {
    /// None yet.
    pub fn new() -> Self {
        // The bounds are right, so there is one; without it, nothing would be collected.
        Self(Histogram::new_with_bounds(1, MOST_NANOSECONDS, 3).ok())
    }

    /// Adds one.
    pub fn add(&mut self, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        if let Some(times) = &mut self.0 {
            times.saturating_record(nanoseconds.max(1));
        }
    }

    /// Adds all that `other` has.
    pub fn merge(&mut self, other: &Self) {
        if let (Some(all), Some(other)) = (&mut self.0, &other.0) {
            // Only histograms of other bounds could not be added.
            let _ = all.add(other);
        }
    }

    /// What they come to.
    pub fn latency(&self) -> Latency {
        let Some(times) = &self.0 else {
            return Latency::default();
        };
        let at = |quantile| Duration::from_nanos(times.value_at_quantile(quantile));
        Latency {
            p50: at(0.50),
            p95: at(0.95),
            p99: at(0.99),
            max: Duration::from_nanos(times.max()),
        }
    }
}
