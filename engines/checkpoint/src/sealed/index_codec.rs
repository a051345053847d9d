//! The index as bytes: one encoding for each index, so that a reader that has built it can compare.

use std::io::{self, Read, Write};

use super::index::{HOLE, Index, Parent, Segment};
use super::manifest::{TEXT_MOST, text};
use super::parent::{COMMITMENT_BYTES, Commitment};
use super::table::DIGEST_BYTES;
use crate::image::Fault;

/// Writes the index of a set, signed or not.
pub(super) fn encode(index: &Index, into: &mut impl Write) -> io::Result<()> {
    let mut record = Vec::new();
    record.push(index.parent.is_some().into());
    if let Some(parent) = &index.parent {
        record.extend(parent.commitment.0);
        text(&parent.link, &mut record);
        text(&parent.path, &mut record);
    }
    record.extend((index.files.len() as u32).to_le_bytes());
    into.write_all(&record)?;
    for (number, file) in index.files.iter().enumerate() {
        let segments = index.segments_of(number);
        record.clear();
        text(&file.name, &mut record);
        record.extend(file.mode.to_le_bytes());
        record.extend(file.size.to_le_bytes());
        record.extend((segments.len() as u32).to_le_bytes());
        into.write_all(&record)?;
        for segment in segments {
            into.write_all(&segment.start.to_le_bytes())?;
            into.write_all(&segment.location.to_le_bytes())?;
        }
    }
    into.write_all(&(index.groups.ends.len() as u32).to_le_bytes())?;
    let mut start = 0;
    for (group, end) in index.groups.ends.iter().enumerate() {
        // A group is at most some 1 MiB long.
        into.write_all(&((end - start) as u32).to_le_bytes())?;
        if let Some(digest) = index.groups.digests.get(group) {
            into.write_all(digest)?;
        }
        start = *end;
    }
    Ok(())
}

/// What reading an index came to.
pub(super) enum Undecoded {
    /// The index is not as it must be.
    Fault(Fault),
    /// Its bytes could not be had.
    Read(io::Error),
}

impl From<Fault> for Undecoded {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<io::Error> for Undecoded {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

/// Reads an index to its end. Memory grows with what is there, not with what a count says.
pub(super) fn decode(source: &mut impl Read, signed: bool) -> Result<Index, Undecoded> {
    let mut index = Index::default();
    match source.number::<1>()? {
        0 => {}
        1 => {
            let commitment = Commitment(source.array::<COMMITMENT_BYTES>()?);
            let (link, path) = (source.text()?, source.text()?);
            index.set_parent(Parent {
                commitment,
                link,
                path,
            })?;
        }
        other => return Err(Fault::value("the mark of a parent", other, "0 or 1").into()),
    }
    let files = source.number::<4>()?;
    for _ in 0..files {
        let name = source.text()?;
        let mode = source.number::<2>()? as u16;
        let size = source.number::<8>()?;
        index.begin(&name, mode, size)?;
        let segments = source.number::<4>()?;
        let mut before: Option<Segment> = None;
        for number in 0..segments {
            let segment = Segment {
                start: source.number::<8>()?,
                location: source.number::<8>()?,
            };
            if let Some(before) = before {
                run(&mut index, before, segment.start)?;
            } else if segment.start != 0 {
                return Err(Fault::value("the start of a file's first run", segment.start, 0).into());
            }
            before = Some(segment);
            if number + 1 == segments {
                run(&mut index, segment, size)?;
            }
        }
    }
    index.check_whole()?;
    let groups = source.number::<4>()?;
    for _ in 0..groups {
        let bytes = source.number::<4>()?;
        let digest = if signed {
            Some(source.array::<DIGEST_BYTES>()?)
        } else {
            None
        };
        index.groups.push(bytes, digest)?;
    }
    if source.read(&mut [0])? != 0 {
        return Err(Fault::value("the end of the index", "more bytes", "nothing behind it").into());
    }
    Ok(index)
}

/// Adds a segment that ends where the next starts.
fn run(index: &mut Index, segment: Segment, end: u64) -> Result<(), Undecoded> {
    let bytes = end.checked_sub(segment.start).filter(|bytes| *bytes > 0);
    let bytes = bytes.ok_or_else(|| Fault::value("the start of a run", end, "behind the run before"))?;
    if segment.location != HOLE && segment.location.checked_add(bytes).is_none_or(|end| end == HOLE) {
        return Err(Fault::value("the location of a run", segment.location, "within the content").into());
    }
    index.run(segment.location, bytes)?;
    Ok(())
}

/// Fields of the index.
trait Fields: Read {
    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// A number of `N` bytes, at most 8.
    fn number<const N: usize>(&mut self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.read_exact(&mut bytes[..N])?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn text(&mut self) -> Result<String, Undecoded> {
        let length = self.number::<2>()? as usize;
        if length > TEXT_MOST {
            return Err(Fault::value("the length of a text", length, "at most 4096").into());
        }
        let mut bytes = vec![0; length];
        self.read_exact(&mut bytes)?;
        let text = String::from_utf8(bytes).map_err(|_| Fault::value("a text", "broken", "UTF-8"))?;
        Ok(text)
    }
}

impl<R: Read> Fields for R {}
