//! Which requests are so quick that handing them to a thread would cost more than doing them at once.
//!
//! Measured as they come: a volume in memory or in the page cache is served without a change of threads, one that waits
//! for a disk or ciphers long requests has its requests done in parallel, and neither needs to be told.

use std::time::Duration;

use crate::protocol::{Header, command, command_flag};

/// Shorter than this, a request is done where it was read.
const QUICK: Duration = Duration::from_micros(60);

/// Longer times count as this: a thread that lost its processor once says little of the volume.
const MOST: Duration = Duration::from_micros(240);

/// Requests that take about as long as each other: a command and a power of two of bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A read of about so many bytes.
    Read(usize),
    /// A write of about so many bytes.
    Write(usize),
    /// What may take any time: a flush, and what flushes.
    Other,
}

impl Kind {
    pub(crate) fn of(header: &Header) -> Self {
        let size = (u32::BITS - header.length.leading_zeros()) as usize;
        match header.command {
            command::READ => Self::Read(size),
            command::WRITE if header.flags & command_flag::FUA == 0 => Self::Write(size),
            _ => Self::Other,
        }
    }
}

/// How long a connection's requests took of late.
pub(crate) struct Pace {
    reads: Sizes,
    writes: Sizes,
}

/// Nanoseconds by the bits of a length; 0 where nothing was measured.
type Sizes = [u64; u32::BITS as usize + 1];

impl Pace {
    pub(crate) fn new() -> Self {
        Self {
            reads: [0; u32::BITS as usize + 1],
            writes: [0; u32::BITS as usize + 1],
        }
    }

    /// Whether a request of this kind is done at once. What was never measured is not.
    pub(crate) fn is_quick(&mut self, kind: Kind) -> bool {
        self.recent(kind)
            .is_some_and(|recent| *recent > 0 && u128::from(*recent) < QUICK.as_nanos())
    }

    /// Notes how long a request took.
    pub(crate) fn note(&mut self, kind: Kind, took: Duration) {
        if let Some(recent) = self.recent(kind) {
            // Below MOST, so it fits.
            let took = (took.min(MOST).as_nanos() as u64).max(1);
            *recent = match *recent {
                0 => took,
                before => before - before / 8 + took / 8,
            };
        }
    }

    fn recent(&mut self, kind: Kind) -> Option<&mut u64> {
        match kind {
            Kind::Read(size) => self.reads.get_mut(size),
            Kind::Write(size) => self.writes.get_mut(size),
            Kind::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_requests_go_to_threads_until_they_are_short_again() {
        let mut pace = Pace::new();
        let kind = Kind::Read(13);
        assert!(!pace.is_quick(kind), "nothing is known yet");
        pace.note(kind, Duration::from_micros(2));
        assert!(pace.is_quick(kind));
        assert!(!pace.is_quick(Kind::Write(13)) && !pace.is_quick(Kind::Read(14)));
        pace.note(kind, Duration::from_millis(5));
        assert!(pace.is_quick(kind), "once is an accident");
        for _ in 0..4 {
            pace.note(kind, Duration::from_millis(5));
        }
        assert!(!pace.is_quick(kind));
        for _ in 0..40 {
            pace.note(kind, Duration::from_micros(2));
        }
        assert!(pace.is_quick(kind));
        pace.note(Kind::Other, Duration::from_nanos(1));
        assert!(!pace.is_quick(Kind::Other));
    }
}
