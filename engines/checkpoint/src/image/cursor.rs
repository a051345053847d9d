//! A file being read from its start, that knows its name, its place and what is left: every read is checked against it
//! before memory is taken.

use std::io::{self, Read};

use super::{Fault, ImageError};

pub(crate) struct Cursor<R> {
    file: String,
    source: R,
    offset: u64,
    bytes: u64,
    /// Bytes that were read from the source too early, the next ones first.
    early: Vec<u8>,
}

impl<R: Read> Cursor<R> {
    /// A file of `bytes` bytes that `source` yields.
    pub(crate) fn new(file: &str, bytes: u64, source: R) -> Self {
        Self {
            file: file.to_owned(),
            source,
            offset: 0,
            bytes,
            early: Vec::new(),
        }
    }

    /// Counts `bytes` as read that were taken from the source before.
    pub(crate) fn skip(&mut self, bytes: u64) {
        self.offset += bytes;
    }

    /// Yields `bytes` before the source's next.
    pub(crate) fn put_back(&mut self, bytes: &[u8]) {
        self.early = bytes.to_vec();
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) fn left(&self) -> u64 {
        self.bytes - self.offset
    }

    /// The fault, at the present place.
    pub(crate) fn error(&self, fault: Fault) -> ImageError {
        fault.at(&self.file, self.offset)
    }

    /// That `needed` more bytes are there.
    pub(crate) fn need(&self, what: &'static str, needed: u64) -> Result<(), ImageError> {
        let left = self.left();
        if needed <= left {
            return Ok(());
        }
        Err(self.error(Fault::Truncated { what, needed, left }))
    }

    /// Reads all of `buffer`.
    pub(crate) fn fill(&mut self, what: &'static str, buffer: &mut [u8]) -> Result<(), ImageError> {
        self.need(what, buffer.len() as u64)?;
        let early = self.early.len().min(buffer.len());
        buffer[..early].copy_from_slice(&self.early[..early]);
        self.early.drain(..early);
        match self.source.read_exact(&mut buffer[early..]) {
            Ok(()) => {
                self.offset += buffer.len() as u64;
                Ok(())
            }
            // The file has become shorter than it was said to be.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.error(Fault::Truncated {
                what,
                needed: buffer.len() as u64,
                left: 0,
            })),
            Err(error) => Err(self.error(Fault::Io(error))),
        }
    }

    /// Reads `needed` bytes, of which at most `most` are accepted.
    pub(crate) fn take(&mut self, what: &'static str, needed: u64, most: u64) -> Result<Vec<u8>, ImageError> {
        self.need(what, needed)?;
        if needed > most {
            return Err(self.error(Fault::TooLong {
                what,
                found: needed,
                most,
            }));
        }
        let mut bytes = vec![0; needed as usize];
        self.fill(what, &mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, ImageError> {
        let mut bytes = [0; 4];
        self.fill(what, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }
}
