//! One file of a sealed set, read in order: what [`ImageReader`](crate::image::ImageReader) is for a plain one.

use std::io::Read;

use sealab_engine::EngineError;

use super::message::{CHUNK_BYTES, Cipher, TRAILER_BYTES, chunk_length, trailer};
use super::seal::{RECORD_BYTES, RECORD_DATA, RECORD_LENGTH};
use super::{Error, PAYLOAD_MOST, holds_tool_output, is_clear};
use crate::image::{
    Cursor, ENTRY_MOST, Entry, Fault, Grammar, Header, NETLINK_HEADER_BYTES, Next, Role, begin,
    netlink_length,
};

/// A part of a sealed file, opened.
pub(super) enum Opened {
    Entry(Entry),
    /// Bytes that are no entry, or some of them.
    Bytes(Vec<u8>),
    /// That many bytes stand in clear, for [`SealedReader::clear`].
    Clear,
}

pub(super) struct SealedReader<R> {
    cursor: Cursor<R>,
    header: Header,
    grammar: Grammar,
    /// Bytes in clear that have not been read.
    clear: u64,
}

impl<R: Read> SealedReader<R> {
    pub(super) fn new(name: &str, bytes: u64, source: R) -> Result<Self, Error> {
        let (cursor, header) = begin(name, name, bytes, source)?;
        Ok(Self {
            cursor,
            header,
            grammar: Grammar::new(header.kind),
            clear: 0,
        })
    }

    pub(super) fn header(&self) -> Header {
        self.header
    }

    pub(super) fn file(&self) -> &str {
        self.cursor.file()
    }

    /// The next part. All clear bytes before it have been read.
    pub(super) fn next_part(&mut self, cipher: &mut Cipher) -> Result<Option<Opened>, Error> {
        let left = self.cursor.left();
        match self.grammar.next() {
            Next::Entry(_) if left == 0 && self.grammar.may_end() => Ok(None),
            Next::Entry(message) => Ok(Some(Opened::Entry(self.entry(message, cipher)?))),
            Next::Payload(Role::SharedMemory, _) => Err(Error::Unsupported {
                file: self.file().to_owned(),
                what: "shared memory inside an entry's file",
            }),
            Next::Payload(role, bytes) => {
                self.grammar.payload();
                if role == Role::GhostChunk {
                    self.cursor.need("a chunk of a deleted file", bytes)?;
                    self.clear = bytes;
                    return Ok(Some(Opened::Clear));
                }
                let bytes = self.message("what follows the entry", bytes, cipher)?;
                Ok(Some(Opened::Bytes(bytes)))
            }
            Next::NetlinkMessage | Next::Rest(_) if left == 0 => Ok(None),
            Next::NetlinkMessage => Ok(Some(Opened::Bytes(self.netlink(cipher)?))),
            Next::Rest(Role::GhostFile) => Ok(Some(Opened::Bytes(self.chunk(cipher)?))),
            Next::Rest(_) if holds_tool_output(self.header.kind) => {
                Ok(Some(Opened::Bytes(self.record(cipher)?)))
            }
            Next::Rest(_) => {
                self.clear = left;
                Ok(Some(Opened::Clear))
            }
        }
    }

    /// Reads clear bytes into `buffer`: how many, 0 at their end.
    pub(super) fn clear(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let count = self.clear.min(buffer.len() as u64) as usize;
        self.cursor.fill("bytes in clear", &mut buffer[..count])?;
        self.clear -= count as u64;
        Ok(count)
    }

    fn entry(&mut self, message: &'static str, cipher: &mut Cipher) -> Result<Entry, Error> {
        let offset = self.cursor.offset();
        let size = self.cursor.u32("the size of an entry")?;
        let bytes = if is_clear(self.header.kind) {
            self.cursor.take("an entry", size.into(), ENTRY_MOST)?
        } else if size == 0 {
            Vec::new()
        } else {
            let mut bytes = self.cursor.take("an entry", size.into(), ENTRY_MOST)?;
            self.open(offset, "the entry", &mut bytes, cipher)?;
            bytes
        };
        let fault = self.grammar.entry(&bytes);
        fault.map_err(|fault| fault.at(self.cursor.file(), offset))?;
        Ok(Entry {
            offset,
            message,
            bytes,
        })
    }

    /// A message of `length` bytes with the trailer behind it.
    fn message(&mut self, what: &'static str, length: u64, cipher: &mut Cipher) -> Result<Vec<u8>, Error> {
        let offset = self.cursor.offset();
        let mut bytes = self.cursor.take(what, length, PAYLOAD_MOST)?;
        self.open(offset, what, &mut bytes, cipher)?;
        Ok(bytes)
    }

    /// Reads the trailer and opens `bytes`, which began at `offset`, with it.
    fn open(
        &mut self,
        offset: u64,
        what: &'static str,
        bytes: &mut [u8],
        cipher: &mut Cipher,
    ) -> Result<(), Error> {
        let mut end = [0; TRAILER_BYTES];
        self.cursor.fill("a tag and a nonce", &mut end)?;
        self.open_with(&end, offset, what, bytes, cipher)
    }

    fn open_with(
        &self,
        end: &[u8; TRAILER_BYTES],
        offset: u64,
        what: &'static str,
        bytes: &mut [u8],
        cipher: &mut Cipher,
    ) -> Result<(), Error> {
        let (tag, nonce) = trailer(end);
        cipher.open(tag, nonce, bytes).map_err(|error| match error {
            EngineError::Unauthentic { .. } => Error::Unauthentic {
                file: self.file().to_owned(),
                offset,
                what,
            },
            other => other.into(),
        })
    }

    fn netlink(&mut self, cipher: &mut Cipher) -> Result<Vec<u8>, Error> {
        let offset = self.cursor.offset();
        let mut bytes = self.message(
            "the header of a netlink message",
            NETLINK_HEADER_BYTES as u64,
            cipher,
        )?;
        let length = bytes
            .first_chunk()
            .map_or(Ok(0), netlink_length)
            .map_err(|fault| fault.at(self.cursor.file(), offset))?;
        let rest = length.saturating_sub(NETLINK_HEADER_BYTES as u64);
        if rest > 0 {
            bytes.extend(self.message("a netlink message", rest, cipher)?);
        }
        Ok(bytes)
    }

    /// A chunk of a short deleted file.
    fn chunk(&mut self, cipher: &mut Cipher) -> Result<Vec<u8>, Error> {
        let offset = self.cursor.offset();
        let mut end = [0; TRAILER_BYTES];
        self.cursor.fill("a tag and a nonce", &mut end)?;
        let mut length = [0; 8];
        self.cursor.fill("the length of a chunk", &mut length)?;
        let length = self.length(offset, length)?;
        let mut bytes = self.cursor.take("a chunk", length as u64, CHUNK_BYTES as u64)?;
        self.open_with(&end, offset, "the chunk", &mut bytes, cipher)?;
        Ok(bytes)
    }

    /// A record of another tool's output.
    fn record(&mut self, cipher: &mut Cipher) -> Result<Vec<u8>, Error> {
        let offset = self.cursor.offset();
        let mut record = [0; RECORD_BYTES];
        self.cursor.fill("a record", &mut record)?;
        let mut end = [0; TRAILER_BYTES];
        end.copy_from_slice(&record[..TRAILER_BYTES]);
        let mut length = [0; 8];
        length.copy_from_slice(&record[RECORD_LENGTH..RECORD_DATA]);
        let length = self.length(offset, length)?;
        let mut bytes = record[RECORD_DATA..RECORD_DATA + length].to_vec();
        self.open_with(&end, offset, "the record", &mut bytes, cipher)?;
        Ok(bytes)
    }

    fn length(&self, offset: u64, bytes: [u8; 8]) -> Result<usize, Error> {
        let fault = || {
            let length = u64::from_le_bytes(bytes);
            Fault::value("the length of a chunk", length, "1 to 4096").at(self.file(), offset)
        };
        Ok(chunk_length(bytes).ok_or_else(fault)?)
    }
}
