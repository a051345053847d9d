//! Commits counted by a trusted counter.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::SealedLogError;
use crate::counter::TrustedCounter;

/// A counter with the number that it had when the volume had no commit.
pub(super) struct Counted {
    counter: Arc<dyn TrustedCounter>,
    base: u64,
    /// The counter's number as far as this process knows.
    known: Mutex<u64>,
}

impl Counted {
    pub(super) fn new(counter: Arc<dyn TrustedCounter>, base: u64) -> Result<Self, SealedLogError> {
        let value = value(&*counter)?;
        Ok(Self {
            counter,
            base,
            known: Mutex::new(value),
        })
    }

    /// How many commits the counter has counted.
    pub(super) fn commits(&self) -> u64 {
        let known = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.saturating_sub(self.base)
    }

    /// That a volume whose last commit is `commit` is the one that was last written: the power may have failed between a
    /// commit and its being counted, so it may be one ahead.
    pub(super) fn check(&self, name: String, commit: u64) -> Result<(), SealedLogError> {
        let expected = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = self.base.saturating_add(commit);
        let counter = self.counter.name();
        if found < expected {
            return Err(SealedLogError::RolledBack {
                name,
                counter,
                found,
                expected,
            });
        }
        if found - expected > 1 {
            return Err(SealedLogError::CounterBehind {
                name,
                counter,
                found,
                expected,
            });
        }
        Ok(())
    }

    /// Counts up to `commit`, which is durable.
    pub(super) fn advance_to(&self, commit: u64) -> io::Result<()> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let target = self.base.saturating_add(commit);
        while *known < target {
            let now = self.counter.advance()?;
            if now != *known + 1 {
                return Err(io::Error::other(format!(
                    "the counter {} went from {} to {now}: something else counts with it",
                    self.counter.name(),
                    *known
                )));
            }
            *known = now;
        }
        Ok(())
    }
}

/// The counter's number.
pub(super) fn value(counter: &dyn TrustedCounter) -> Result<u64, SealedLogError> {
    let value = counter.value();
    value.map_err(|error| SealedLogError::store(format!("the counter {}", counter.name()), error))
}
