//! A trace out of its text.

use std::io::{self, BufRead, Read};

use super::{FORM, Operation, Request, Trace};

/// No line of a trace is longer.
const MOST_LINE_BYTES: usize = 256;
/// The most requests of a trace; 32 bytes each.
const MOST_REQUESTS: usize = 1 << 24;

/// Why a text is not a trace.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// A line is not what it should be.
    #[error("line {line}: {found:?}: {wanted}")]
    Line {
        /// The line's number, 1 being the first.
        line: u64,
        /// What stands there, or the part that is wrong.
        found: String,
        /// What would be right.
        wanted: &'static str,
    },
    /// There is more of it than can be replayed.
    #[error("line {line}: a trace has at most {most} requests")]
    Requests {
        /// The line's number, 1 being the first.
        line: u64,
        /// The most requests.
        most: usize,
    },
    /// It could not be read.
    #[error("line {line}: {source}")]
    Read {
        /// The line's number, 1 being the first.
        line: u64,
        /// What the operating system said.
        source: io::Error,
    },
}

impl Trace {
    /// Reads a trace; see the module for its form.
    pub fn read(text: impl BufRead) -> Result<Self, TraceError> {
        let mut lines = Lines {
            text,
            number: 0,
            line: Vec::new(),
        };
        let first = lines.next()?.unwrap_or_default();
        if first != FORM {
            let found = first.to_owned();
            return Err(lines.wrong(found, "the first line is `sealab-trace 1`"));
        }
        let second = lines.next()?.unwrap_or_default().to_owned();
        let size = second.strip_prefix("size ").and_then(number);
        let Some(size) = size else {
            return Err(lines.wrong(second, "the second line is `size` and the volume's bytes"));
        };
        let mut requests: Vec<Request> = Vec::new();
        loop {
            let Some(line) = lines.next()? else {
                return Ok(Self { size, requests });
            };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let after = requests.last().map_or(0, |request| request.micros);
            let request = match parse_request(line, size, after) {
                Ok(request) => request,
                Err(wanted) => {
                    let found = line.to_owned();
                    return Err(lines.wrong(found, wanted));
                }
            };
            if requests.len() == MOST_REQUESTS {
                return Err(TraceError::Requests {
                    line: lines.number,
                    most: MOST_REQUESTS,
                });
            }
            requests.push(request);
        }
    }
}

/// The request of one line, or what would be right.
fn parse_request(line: &str, size: u64, after: u64) -> Result<Request, &'static str> {
    let mut fields = line.split(' ');
    let (Some(micros), Some(operation), Some(offset), Some(bytes), None) = (
        fields.next(),
        fields.next(),
        fields.next(),
        fields.next(),
        fields.next(),
    ) else {
        return Err("a request is microseconds, operation, offset and length, with one space between");
    };
    let micros = number(micros).ok_or("the microseconds are a decimal number")?;
    let operation = Operation::of_letter(operation).ok_or("the operation is r, w, f, d, z or Z")?;
    let offset = number(offset).ok_or("the offset is a decimal number")?;
    let bytes = number(bytes).ok_or("the length is a decimal number")?;
    if micros < after {
        return Err("requests stand in the order in which they began");
    }
    if operation == Operation::Flush {
        if (offset, bytes) != (0, 0) {
            return Err("a flush has offset 0 and length 0");
        }
    } else if bytes == 0 || offset.checked_add(bytes).is_none_or(|end| end > size) {
        return Err("a request has at least a byte, and ends within the volume's size");
    }
    Ok(Request {
        micros,
        operation,
        offset,
        bytes,
    })
}

/// A decimal number as the form has it: digits alone, without a sign or needless zeroes.
fn number(text: &str) -> Option<u64> {
    let plain = text == "0" || text.starts_with(|first: char| first.is_ascii_digit() && first != '0');
    text.parse().ok().filter(|_| plain)
}

/// Lines of bounded length.
struct Lines<R> {
    text: R,
    number: u64,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// The next line, without its end; `None` at the end of the text.
    fn next(&mut self) -> Result<Option<&str>, TraceError> {
        self.number += 1;
        self.line.clear();
        let mut bounded = (&mut self.text).take(MOST_LINE_BYTES as u64 + 1);
        let read = bounded.read_until(b'\n', &mut self.line);
        read.map_err(|source| TraceError::Read {
            line: self.number,
            source,
        })?;
        if self.line.is_empty() {
            return Ok(None);
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        if line.len() > MOST_LINE_BYTES {
            return Err(TraceError::Line {
                line: self.number,
                found: String::from_utf8_lossy(&line[..32]).into_owned(),
                wanted: "a line has at most 256 bytes",
            });
        }
        match std::str::from_utf8(line) {
            Ok(line) => Ok(Some(line)),
            Err(_) => Err(TraceError::Line {
                line: self.number,
                found: String::from_utf8_lossy(line).into_owned(),
                wanted: "a trace is UTF-8",
            }),
        }
    }

    fn wrong(&self, found: String, wanted: &'static str) -> TraceError {
        TraceError::Line {
            line: self.number,
            found,
            wanted,
        }
    }
}
