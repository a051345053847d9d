//! A group's manifest: what its content is, event by event, so that a set can be opened from its start without seeking.

use super::header::array;
use super::parent::COMMITMENT_BYTES;
use crate::image::Fault;

/// The longest text of a link or path, in bytes: Linux' own limit.
pub(super) const TEXT_MOST: usize = 4096;
/// No event that continues a file is longer, in bytes.
pub(super) const RUN_MOST: usize = 17;

const PARENT: u8 = 1;
const FILE: u8 = 2;
const DATA: u8 = 3;
const HOLE: u8 = 4;
const COPY: u8 = 5;
const PAD: u8 = 6;

/// What comes next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Event<'a> {
    /// The set builds on another. Comes once at most, between files.
    Parent {
        commitment: [u8; COMMITMENT_BYTES],
        /// Where the plain set's `parent` points.
        link: &'a str,
        /// Where the sealed parent was, from the sealed set's folder.
        path: &'a str,
    },
    /// A file begins.
    File {
        name: &'a str,
        /// Permission bits.
        mode: u16,
        size: u64,
    },
    /// The next bytes of the file are the next of the content.
    Data { bytes: u32 },
    /// The next bytes of the file are zeros that are not stored.
    Hole { bytes: u64 },
    /// The next bytes of the file are stored at that location.
    Copy { location: u64, bytes: u64 },
    /// The next bytes of the content are in no file.
    Pad { bytes: u32 },
}

impl Event<'_> {
    pub(super) fn encode(&self, into: &mut Vec<u8>) {
        match self {
            Self::Parent {
                commitment,
                link,
                path,
            } => {
                into.push(PARENT);
                into.extend(commitment);
                text(link, into);
                text(path, into);
            }
            Self::File { name, mode, size } => {
                into.push(FILE);
                text(name, into);
                into.extend(mode.to_le_bytes());
                into.extend(size.to_le_bytes());
            }
            Self::Data { bytes } => {
                into.push(DATA);
                into.extend(bytes.to_le_bytes());
            }
            Self::Hole { bytes } => {
                into.push(HOLE);
                into.extend(bytes.to_le_bytes());
            }
            Self::Copy { location, bytes } => {
                into.push(COPY);
                into.extend(location.to_le_bytes());
                into.extend(bytes.to_le_bytes());
            }
            Self::Pad { bytes } => {
                into.push(PAD);
                into.extend(bytes.to_le_bytes());
            }
        }
    }
}

/// A text with its length; the caller has held it against [`TEXT_MOST`].
pub(super) fn text(text: &str, into: &mut Vec<u8>) {
    into.extend((text.len() as u16).to_le_bytes());
    into.extend(text.as_bytes());
}

/// The events of a manifest, in order.
pub(super) struct Events<'a>(pub(super) &'a [u8]);

impl<'a> Events<'a> {
    /// The next event, or nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Event<'a>>, Fault> {
        let Some((tag, rest)) = self.0.split_first() else {
            return Ok(None);
        };
        self.0 = rest;
        let event = match *tag {
            PARENT => Event::Parent {
                commitment: array(self.take(COMMITMENT_BYTES)?),
                link: self.text()?,
                path: self.text()?,
            },
            FILE => Event::File {
                name: self.text()?,
                mode: u16::from_le_bytes(array(self.take(2)?)),
                size: self.number()?,
            },
            DATA => Event::Data { bytes: self.short()? },
            HOLE => Event::Hole {
                bytes: self.number()?,
            },
            COPY => Event::Copy {
                location: self.number()?,
                bytes: self.number()?,
            },
            PAD => Event::Pad { bytes: self.short()? },
            other => return Err(Fault::value("the kind of an event", other, "1 to 6")),
        };
        Ok(Some(event))
    }

    fn take(&mut self, bytes: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(Fault::Truncated {
            what: "an event",
            needed: bytes as u64,
            left: self.0.len() as u64,
        })?;
        self.0 = rest;
        Ok(taken)
    }

    fn short(&mut self) -> Result<u32, Fault> {
        Ok(u32::from_le_bytes(array(self.take(4)?)))
    }

    fn number(&mut self) -> Result<u64, Fault> {
        Ok(u64::from_le_bytes(array(self.take(8)?)))
    }

    fn text(&mut self) -> Result<&'a str, Fault> {
        let bytes = u16::from_le_bytes(array(self.take(2)?)).into();
        if bytes > TEXT_MOST {
            return Err(Fault::value("the length of a text", bytes, "at most 4096"));
        }
        std::str::from_utf8(self.take(bytes)?).map_err(|_| Fault::value("a text", "broken", "UTF-8"))
    }
}
