//! Block traces: what a real program asked of its disk, to be asked again of any volume.
//!
//! The form is text, one request a line, in the order in which the requests began:
//!
//! ```text
//! sealab-trace 1
//! size 268435456
//! # Lines like this one, and empty ones, mean nothing.
//! 0 r 0 4096
//! 113 w 1048576 8192
//! 870 f 0 0
//! ```
//!
//! The first line is the form's name and version, the second the traced volume's size in bytes. A request is four fields
//! with one space between: microseconds since the recording began, which never decrease; the operation; the offset and the
//! length in bytes, decimal, within the size. Operations are `r` read, `w` write, `f` flush (offset and length 0), `d`
//! discard, `z` write zeroes, `Z` write zeroes and keep the room allocated. Content is not recorded.

mod parse;
mod record;
mod replay;
mod shipped;

use std::fmt;
use std::ops::Range;

pub use parse::TraceError;
pub use record::Recording;
pub use replay::{Order, Replay};
pub use shipped::database;

/// A recorded trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    size: u64,
    requests: Vec<Request>,
}

/// One request of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// When it began, in microseconds since the recording did.
    pub micros: u64,
    /// What was asked.
    pub operation: Operation,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// How many bytes it has.
    pub bytes: u64,
}

/// What a request of a trace asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Bytes are read.
    Read,
    /// Bytes are written.
    Write,
    /// What was written becomes durable.
    Flush,
    /// Bytes are no longer needed.
    Discard,
    /// Bytes become zeroes.
    WriteZeroes {
        /// Whether their room stays allocated.
        keep_allocated: bool,
    },
}

impl Trace {
    /// The size of the volume that was traced, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The requests in the order in which they began.
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// How many requests ask for `operation`, and their bytes together.
    pub fn count(&self, operation: Operation) -> (u64, u64) {
        let of = self
            .requests
            .iter()
            .filter(|request| request.operation == operation);
        of.fold((0, 0), |(requests, bytes), request| {
            (requests + 1, bytes + request.bytes)
        })
    }

    /// The bytes that any request reads or writes, as ranges in ascending order that neither overlap nor meet.
    pub fn touched(&self) -> Vec<Range<u64>> {
        let mut ranges: Vec<Range<u64>> = self
            .requests
            .iter()
            .filter(|request| matches!(request.operation, Operation::Read | Operation::Write))
            .map(|request| request.offset..request.offset + request.bytes)
            .filter(|range| !range.is_empty())
            .collect();
        ranges.sort_unstable_by_key(|range| range.start);
        ranges.dedup_by(|next, before| {
            let meets = next.start <= before.end;
            if meets {
                before.end = before.end.max(next.end);
            }
            meets
        });
        ranges
    }
}

impl Operation {
    fn letter(self) -> char {
        match self {
            Self::Read => 'r',
            Self::Write => 'w',
            Self::Flush => 'f',
            Self::Discard => 'd',
            Self::WriteZeroes {
                keep_allocated: false,
            } => 'z',
            Self::WriteZeroes { keep_allocated: true } => 'Z',
        }
    }

    fn of_letter(letter: &str) -> Option<Self> {
        Some(match letter {
            "r" => Self::Read,
            "w" => Self::Write,
            "f" => Self::Flush,
            "d" => Self::Discard,
            "z" => Self::WriteZeroes {
                keep_allocated: false,
            },
            "Z" => Self::WriteZeroes { keep_allocated: true },
            _ => return None,
        })
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            micros,
            operation,
            offset,
            bytes,
        } = self;
        write!(f, "{micros} {} {offset} {bytes}", operation.letter())
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&head(self.size))?;
        self.requests
            .iter()
            .try_for_each(|request| writeln!(f, "{request}"))
    }
}

/// The first two lines of a trace.
fn head(size: u64) -> String {
    format!("{FORM}\nsize {size}\n")
}

/// The first line of every trace.
const FORM: &str = "sealab-trace 1";
