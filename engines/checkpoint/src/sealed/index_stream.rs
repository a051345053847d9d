//! The sealed index as the stream of its bytes.

use std::io::{self, Read, Write};

use sealab_engine::{Engine, Sha256};

use super::Error;
use super::group::{Group, GroupOpener, GroupReader};
use super::index::Index;
use super::index_codec::{self, Undecoded};
use super::keys::Keys;
use super::seal::chain;
use super::table::Kind;
use crate::image::Fault;

/// Opens an index's groups as they are needed.
pub(super) struct IndexStream<'a> {
    reader: GroupReader<'a>,
    opener: GroupOpener<'a>,
    group: Group,
    sha256: Box<dyn Sha256>,
    /// The chained digest of the groups so far.
    digest: [u8; 32],
    /// How far the group is read.
    at: usize,
    /// What was wrong when reading failed.
    error: Option<Error>,
}

impl<'a> IndexStream<'a> {
    /// The index that starts where the reader is.
    pub(super) fn new(reader: GroupReader<'a>, engine: &dyn Engine, keys: &Keys) -> Result<Self, Error> {
        let mut stream = Self {
            opener: GroupOpener::new(reader.file, engine, keys, reader.signed)?,
            reader,
            group: Group::new(Kind::Index),
            sha256: engine.sha256()?,
            digest: [0; 32],
            at: 0,
            error: None,
        };
        stream.open_group()?;
        Ok(stream)
    }

    fn open_group(&mut self) -> Result<(), Error> {
        self.reader.read(&mut self.group)?;
        self.digest = chain(&mut *self.sha256, &self.digest, self.group.stored())?;
        self.opener.open(&mut self.group)?;
        self.at = 0;
        Ok(())
    }

    /// More bytes of the index, none at its end.
    fn more(&mut self) -> Result<&[u8], Error> {
        while self.at == self.group.content && !self.group.last {
            let next = self.group.number + 1;
            self.group.reset(next);
            self.open_group()?;
        }
        Ok(&self.group.content()[self.at..])
    }

    fn fault(&self, fault: Fault) -> Error {
        fault.at(self.reader.file, self.group.offset).into()
    }

    /// Reads the index to its end.
    pub(super) fn decode(&mut self) -> Result<Index, Error> {
        let signed = self.reader.signed;
        index_codec::decode(self, signed).map_err(|undecoded| match undecoded {
            Undecoded::Fault(fault) => self.fault(fault),
            Undecoded::Read(error) => {
                let cut = Fault::value("the index", format_args!("cut off ({error})"), "whole");
                self.error.take().unwrap_or_else(|| self.fault(cut))
            }
        })
    }

    /// That the index is `built`, to its end.
    pub(super) fn compare(&mut self, built: &Index) -> Result<(), Error> {
        let compared = index_codec::encode(built, self);
        let whole = compared.is_ok() && self.more()?.is_empty();
        if whole {
            return Ok(());
        }
        let other = "another than that of the groups before it";
        let differs = Fault::value("the index", other, "the same");
        Err(self.error.take().unwrap_or_else(|| self.fault(differs)))
    }

    /// Where the index ends in the file, and its chained digest.
    pub(super) fn end(&self) -> (u64, [u8; 32]) {
        (self.reader.offset, self.digest)
    }

    /// The reader, behind the index.
    pub(super) fn into_reader(self) -> GroupReader<'a> {
        self.reader
    }
}

impl Read for IndexStream<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let more = match self.more() {
            Ok(more) => more,
            Err(error) => {
                self.error = Some(error);
                return Err(io::ErrorKind::Other.into());
            }
        };
        let bytes = more.len().min(into.len());
        into[..bytes].copy_from_slice(&more[..bytes]);
        self.at += bytes;
        Ok(bytes)
    }
}

/// Compares what is written with the index.
impl Write for IndexStream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let compared = match self.more() {
            Ok(more) => {
                let compared = more.len().min(bytes.len());
                (compared > 0 && more[..compared] == bytes[..compared]).then_some(compared)
            }
            Err(error) => {
                self.error = Some(error);
                None
            }
        };
        let compared = compared.ok_or(io::ErrorKind::InvalidData)?;
        self.at += compared;
        Ok(compared)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
