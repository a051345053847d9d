//! One image file, read in order: its header, its entries, the bytes behind them.

use std::io::{Read, Write};
use std::{io, mem};

use prost::Message;

use super::cursor::Cursor;
use super::grammar::{Grammar, Next, decode};
use super::{Fault, Header, ImageError, Kind, Role};

/// The longest entry that is read, in bytes. CRIU's own are some hundreds; those of a process with many mappings, or of
/// a compressed page range, reach some megabytes.
pub const ENTRY_MOST: u64 = 16 << 20;

/// The header of a netlink message (`struct nlmsghdr`), which starts with the length of the whole message.
pub(crate) const NETLINK_HEADER_BYTES: usize = 16;

/// An entry: a protobuf message as it stands in the file, so that what no reader knows is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Where its size field stands, in bytes from the start of the file.
    pub offset: u64,
    /// Its type's name in CRIU's sources.
    pub message: &'static str,
    /// The message.
    pub bytes: Vec<u8>,
}

/// Bytes behind an entry, or of a raw file. They are read with [`ImageReader::read_payload`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Payload {
    /// Where they start, in bytes from the start of the file.
    pub offset: u64,
    /// What they are.
    pub role: Role,
    /// How many there are; never 0.
    pub bytes: u64,
}

/// What an image is made of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Part {
    /// An entry.
    Entry(Entry),
    /// Bytes that are no entry.
    Payload(Payload),
}

/// Reads one image from anything that yields its bytes. Memory: one entry.
pub struct ImageReader<R> {
    cursor: Cursor<R>,
    header: Header,
    grammar: Grammar,
    /// Bytes of the present payload that have not been read.
    payload: u64,
    /// The start of the present payload that had to be read to know its length.
    ahead: Vec<u8>,
}

impl<R: Read> ImageReader<R> {
    /// Starts with the file `name` of `bytes` bytes, which `source` yields.
    ///
    /// # Errors
    /// As [`Header::recognise`], and when `source` fails.
    pub fn new(name: &str, bytes: u64, source: R) -> Result<Self, ImageError> {
        Self::labelled(name, name, bytes, source)
    }

    /// The same; errors call the file `label`.
    pub(crate) fn labelled(label: &str, name: &str, bytes: u64, source: R) -> Result<Self, ImageError> {
        let (cursor, header) = begin(label, name, bytes, source)?;
        Ok(Self {
            cursor,
            header,
            grammar: Grammar::new(header.kind),
            payload: 0,
            ahead: Vec::new(),
        })
    }

    /// The file's header.
    pub fn header(&self) -> Header {
        self.header
    }

    /// What the file is called in errors.
    pub fn file(&self) -> &str {
        self.cursor.file()
    }

    /// The next entry or payload, or nothing at the end. What was not read of the payload before is passed over.
    ///
    /// # Errors
    /// A size that the file does not have or that is over [`ENTRY_MOST`], an entry that is no message of its type where
    /// the type tells what follows, an end where none can be.
    pub fn next_part(&mut self) -> Result<Option<Part>, ImageError> {
        self.pass_over_payload()?;
        let offset = self.cursor.offset();
        let (role, bytes) = match self.grammar.next() {
            Next::Entry(message) => return self.entry(message),
            Next::Payload(role, bytes) => {
                self.cursor.need("what follows the entry", bytes)?;
                self.grammar.payload();
                (role, bytes)
            }
            Next::Rest(role) => (role, self.cursor.left()),
            Next::NetlinkMessage => (Role::Netlink, self.netlink_message()?),
        };
        self.payload = bytes;
        Ok((bytes > 0).then_some(Part::Payload(Payload { offset, role, bytes })))
    }

    fn entry(&mut self, message: &'static str) -> Result<Option<Part>, ImageError> {
        let offset = self.cursor.offset();
        if self.cursor.left() == 0 && self.grammar.may_end() {
            return Ok(None);
        }
        let size = self.cursor.u32("the size of an entry")?;
        let bytes = self.cursor.take("an entry", size.into(), ENTRY_MOST)?;
        self.grammar
            .entry(&bytes)
            .map_err(|fault| fault.at(self.cursor.file(), offset))?;
        Ok(Some(Part::Entry(Entry {
            offset,
            message,
            bytes,
        })))
    }

    /// The length of the netlink message that starts here; 0 at the end.
    fn netlink_message(&mut self) -> Result<u64, ImageError> {
        if self.cursor.left() == 0 {
            return Ok(0);
        }
        let offset = self.cursor.offset();
        let mut header = [0; NETLINK_HEADER_BYTES];
        self.cursor.fill("the header of a netlink message", &mut header)?;
        let bytes = netlink_length(&header).map_err(|fault| fault.at(self.cursor.file(), offset))?;
        self.cursor
            .need("a netlink message", bytes - NETLINK_HEADER_BYTES as u64)?;
        self.ahead = header.to_vec();
        Ok(bytes)
    }

    /// Reads from the present payload into `buffer`: how many bytes, 0 at its end.
    ///
    /// # Errors
    /// The source fails or ends early.
    pub fn read_payload(&mut self, buffer: &mut [u8]) -> Result<usize, ImageError> {
        if !self.ahead.is_empty() {
            let count = self.ahead.len().min(buffer.len());
            buffer[..count].copy_from_slice(&self.ahead[..count]);
            self.ahead.drain(..count);
            self.payload -= count as u64;
            return Ok(count);
        }
        let count = self.payload.min(buffer.len() as u64) as usize;
        self.cursor.fill("what follows the entry", &mut buffer[..count])?;
        self.payload -= count as u64;
        Ok(count)
    }

    /// Reads what is left of the present payload, if that is at most `most` bytes.
    ///
    /// # Errors
    /// More than `most` bytes, or the source fails or ends early.
    pub fn take_payload(&mut self, most: u64) -> Result<Vec<u8>, ImageError> {
        if self.payload > most {
            return Err(self.cursor.error(Fault::TooLong {
                what: "what follows the entry",
                found: self.payload,
                most,
            }));
        }
        let mut bytes = mem::take(&mut self.ahead);
        let ahead = bytes.len();
        bytes.resize(self.payload as usize, 0);
        self.cursor.fill("what follows the entry", &mut bytes[ahead..])?;
        self.payload = 0;
        Ok(bytes)
    }

    /// The entry's message.
    ///
    /// # Errors
    /// Its bytes are no such message.
    pub fn decode<M: Message + Default>(&self, entry: &Entry) -> Result<M, ImageError> {
        decode(entry.message, &entry.bytes).map_err(|fault| fault.at(self.cursor.file(), entry.offset))
    }

    fn pass_over_payload(&mut self) -> Result<(), ImageError> {
        let mut buffer = [0; 4096];
        while self.read_payload(&mut buffer)? > 0 {}
        Ok(())
    }
}

/// Recognises the file `name` and stands behind its magic numbers; errors call it `label`.
pub(crate) fn begin<R: Read>(
    label: &str,
    name: &str,
    bytes: u64,
    mut source: R,
) -> Result<(Cursor<R>, Header), ImageError> {
    // Raw files are known by their names.
    let raw = Kind::of_file_name(name).is_some_and(|(kind, _)| kind.magic().is_none());
    let mut start = [0; 8];
    let start = &mut start[..if raw { 0 } else { bytes.min(8) as usize }];
    source
        .read_exact(start)
        .map_err(|error| Fault::Io(error).at(label, 0))?;
    let header = Header::recognise(name, start).map_err(|error| ImageError {
        file: label.to_owned(),
        ..error
    })?;
    let (magic, early) = start.split_at(header.magic().len());
    let mut cursor = Cursor::new(label, bytes, source);
    cursor.skip(magic.len() as u64);
    cursor.put_back(early);
    Ok((cursor, header))
}

/// The length of the netlink message with that header, in bytes.
pub(crate) fn netlink_length(header: &[u8; NETLINK_HEADER_BYTES]) -> Result<u64, Fault> {
    let [a, b, c, d, ..] = *header;
    let bytes = u32::from_le_bytes([a, b, c, d]);
    if (bytes as usize) < NETLINK_HEADER_BYTES {
        return Err(Fault::value(
            "the length of a netlink message",
            bytes,
            "at least 16",
        ));
    }
    Ok(bytes.into())
}

/// Reads an image to its end and writes it again, byte for byte, to `sink`.
///
/// # Errors
/// As [`ImageReader::next_part`]; a failing `sink` is the image's [`Fault::Io`].
pub fn rewrite<R: Read>(mut image: ImageReader<R>, sink: &mut impl Write) -> Result<(), ImageError> {
    let mut buffer = vec![0; 64 << 10];
    let written = |result: io::Result<()>, image: &ImageReader<R>| {
        result.map_err(|error| Fault::Io(error).of(image.file()))
    };
    written(sink.write_all(image.header().magic()), &image)?;
    while let Some(part) = image.next_part()? {
        match part {
            Part::Entry(entry) => {
                // An entry that was read is shorter than 4 GiB.
                let size = (entry.bytes.len() as u32).to_le_bytes();
                written(
                    sink.write_all(&size).and_then(|()| sink.write_all(&entry.bytes)),
                    &image,
                )?;
            }
            Part::Payload(_) => loop {
                let count = image.read_payload(&mut buffer)?;
                if count == 0 {
                    break;
                }
                written(sink.write_all(&buffer[..count]), &image)?;
            },
        }
    }
    Ok(())
}
