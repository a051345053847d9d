//! A counter that lives as long as the process, for tests and measurements.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::TrustedCounter;

/// A number in memory: the cost of a volume without that of its counter.
///
/// It does not outlive the process, so that it protects nothing.
#[derive(Debug, Default)]
pub struct MemoryCounter(AtomicU64);

impl MemoryCounter {
    /// A counter that stands at `value`.
    pub fn new(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }
}

impl TrustedCounter for MemoryCounter {
    fn name(&self) -> String {
        "a counter in memory".to_owned()
    }

    fn value(&self) -> io::Result<u64> {
        Ok(self.0.load(Ordering::SeqCst))
    }

    fn advance(&self) -> io::Result<u64> {
        let before = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |value| value.checked_add(1));
        match before {
            Ok(before) => Ok(before + 1),
            Err(last) => Err(io::Error::other(format!(
                "a counter in memory stands at {last}, the last number there is; take a new counter"
            ))),
        }
    }
}
