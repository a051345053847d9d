//! Who may touch which bytes at a time: plain writes beside each other, a read-modify-write alone.

use std::ops::Range;
use std::sync::{Condvar, Mutex, PoisonError};

/// The ranges that are being changed.
#[derive(Default)]
pub(crate) struct Ranges {
    held: Mutex<Held>,
    released: Condvar,
}

#[derive(Default)]
struct Held {
    ranges: Vec<(Range<u64>, Sharing)>,
    waiting: usize,
}

/// Whether others may change bytes of the same range at the same time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Others that share may.
    Shared,
    /// Nobody may.
    Alone,
}

/// A held range, released when dropped.
pub(crate) struct Hold<'a> {
    ranges: &'a Ranges,
    range: Range<u64>,
    sharing: Sharing,
}

impl Ranges {
    /// Waits until `range` may be held as `sharing` says, and holds it. A thread holds one range at a time.
    pub(crate) fn hold(&self, range: Range<u64>, sharing: Sharing) -> Hold<'_> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        while held.ranges.iter().any(|(other, how)| {
            range.start < other.end
                && other.start < range.end
                && (sharing == Sharing::Alone || *how == Sharing::Alone)
        }) {
            held.waiting += 1;
            held = self.released.wait(held).unwrap_or_else(PoisonError::into_inner);
            held.waiting -= 1;
        }
        held.ranges.push((range.clone(), sharing));
        Hold {
            ranges: self,
            range,
            sharing,
        }
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let mut held = self.ranges.held.lock().unwrap_or_else(PoisonError::into_inner);
        let own = (self.range.clone(), self.sharing);
        if let Some(at) = held.ranges.iter().position(|range| *range == own) {
            held.ranges.swap_remove(at);
        }
        if held.waiting > 0 {
            self.ranges.released.notify_all();
        }
    }
}
