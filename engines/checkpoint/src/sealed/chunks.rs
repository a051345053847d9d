//! Single chunks of a sealed file, read in place.

use std::fs::File;
use std::os::unix::fs::FileExt;

use sealab_engine::{Aead, Engine, EngineError, Messages, Sha256};
use zeroize::Zeroizing;

use super::compression::Decompressor;
use super::group::not_decompressed;
use super::header::StoredHeader;
use super::index::Index;
use super::keys::Keys;
use super::table::{HEAD_BYTES, Head, Kind, Method, TABLE_MOST, Table, expect_kind, name, nonce};
use super::{CHUNK_BYTES, Error, GROUP_BYTES};
use crate::image::Fault;

/// The index, or an event, refers to content that is not there.
pub(super) fn no_content(label: &str, location: u64) -> Error {
    let fault = Fault::value(
        "the location of a run",
        format_args!("{location:#x}"),
        "within the content",
    );
    fault.of(label).into()
}

/// Reads and authenticates single chunks. Holds the last one open.
pub(super) struct ChunkReader {
    aead: Box<dyn Aead>,
    sha256: Option<Box<dyn Sha256>>,
    compressed: bool,
    /// Where the groups begin in the file.
    start: u64,
    /// The group whose table was read last.
    table: Option<(u64, Table)>,
    /// The chunk that `plain` holds: its group, its place there.
    held: Option<(u64, usize)>,
    plain: Zeroizing<Vec<u8>>,
    stored: Zeroizing<Vec<u8>>,
    decompressor: Decompressor,
}

impl ChunkReader {
    pub(super) fn new(engine: &dyn Engine, keys: &Keys, header: &StoredHeader) -> Result<Self, Error> {
        Ok(Self {
            aead: engine.aead(keys.chunks())?,
            sha256: header.header.signed.then(|| engine.sha256()).transpose()?,
            compressed: header.header.compressed,
            start: header.length(),
            table: None,
            held: None,
            plain: Zeroizing::new(vec![0; CHUNK_BYTES]),
            stored: Zeroizing::new(vec![0; CHUNK_BYTES]),
            decompressor: Decompressor::default(),
        })
    }

    /// Fills `buffer` from the content at `location`.
    pub(super) fn read(
        &mut self,
        label: &str,
        file: &File,
        index: &Index,
        mut location: u64,
        mut buffer: &mut [u8],
    ) -> Result<(), Error> {
        while !buffer.is_empty() {
            let group = location / GROUP_BYTES as u64;
            let within = (location % GROUP_BYTES as u64) as usize;
            let chunk = within / CHUNK_BYTES;
            let bytes = self.hold(label, file, index, group, chunk)?;
            let rest = self.plain[..bytes]
                .get(within % CHUNK_BYTES..)
                .filter(|rest| !rest.is_empty());
            let rest = rest.ok_or_else(|| no_content(label, location))?;
            let taken = rest.len().min(buffer.len());
            let (part, left) = buffer.split_at_mut(taken);
            part.copy_from_slice(&rest[..taken]);
            buffer = left;
            location += taken as u64;
        }
        Ok(())
    }

    /// Opens a chunk into `plain`; its length.
    fn hold(
        &mut self,
        label: &str,
        file: &File,
        index: &Index,
        group: u64,
        chunk: usize,
    ) -> Result<usize, Error> {
        let (start, end) = index
            .groups
            .range(group)
            .ok_or_else(|| no_content(label, group * GROUP_BYTES as u64))?;
        let (offset, end) = (self.start + start, self.start + end);
        if self.table.as_ref().is_none_or(|(of, _)| *of != group) {
            self.table = None;
            self.table = Some((group, self.read_table(label, file, index, group, offset, end)?));
        }
        let Some((_, table)) = &self.table else {
            return Err(no_content(label, group * GROUP_BYTES as u64));
        };
        if chunk + 1 >= table.head.messages() {
            return Err(no_content(
                label,
                group * GROUP_BYTES as u64 + (chunk * CHUNK_BYTES) as u64,
            ));
        }
        let length = table.head.chunk_bytes(chunk);
        if self.held == Some((group, chunk)) {
            return Ok(length);
        }
        self.held = None;
        let message = chunk + 1;
        let at = offset
            + table.head.table_bytes(self.sha256.is_some()) as u64
            + table.stored_before(message) as u64;
        let bytes = table.stored(message);
        let method = table.method(message);
        let sealed = match method {
            Method::Raw => &mut self.plain[..bytes],
            _ => &mut self.stored[..bytes],
        };
        file.read_exact_at(sealed, at)
            .map_err(Error::read(label, at, "a chunk", bytes))?;
        let unauthentic = || Error::unauthentic(label, at, name(Kind::Data, group, message));
        if let Some(sha256) = &mut self.sha256
            && sha256.digest(&[sealed])? != table.digests[message]
        {
            sealed.fill(0);
            return Err(unauthentic());
        }
        let nonces = [nonce(Kind::Data, group, message)];
        let associated_data = table.associated_data(message);
        let messages = Messages::equal(bytes, &nonces, &associated_data)?;
        let opened = self
            .aead
            .open(messages, sealed.into(), &table.tags[message..=message]);
        opened.map_err(|error| match error {
            EngineError::Unauthentic { .. } => unauthentic(),
            error => error.into(),
        })?;
        if method != Method::Raw {
            let plain = &mut self.plain[..length];
            let whole = self.decompressor.decompress(method, &self.stored[..bytes], plain);
            if !whole.map_err(|error| Fault::Io(error).at(label, at))? {
                return Err(not_decompressed(label, at, Kind::Data, group, chunk));
            }
        }
        self.held = Some((group, chunk));
        Ok(length)
    }

    /// Reads the table of the group that lies from `offset` to `end`.
    fn read_table(
        &mut self,
        label: &str,
        file: &File,
        index: &Index,
        group: u64,
        offset: u64,
        end: u64,
    ) -> Result<Table, Error> {
        let signed = self.sha256.is_some();
        let at = |fault: Fault| -> Error { fault.at(label, offset).into() };
        let mut buffer = [0; TABLE_MOST];
        // The file goes on behind the group with the index; the table may be shorter than the longest.
        let bytes = usize::try_from(end - offset).map_or(TABLE_MOST, |bytes| bytes.min(TABLE_MOST));
        let bytes = &mut buffer[..bytes];
        file.read_exact_at(bytes, offset)
            .map_err(Error::read(label, offset, "a group", bytes.len()))?;
        let head = bytes.first_chunk::<HEAD_BYTES>().copied();
        let head = head.ok_or_else(|| at(Fault::value("a group", "too short", "a head and a table")))?;
        let head = Head::decode(head).map_err(at)?;
        expect_kind(label, offset, head, Kind::Data)?;
        let table = bytes.get(..head.table_bytes(signed));
        let table = table.ok_or_else(|| at(Fault::value("a group", "too short", "a head and a table")))?;
        if let (Some(sha256), Some(expected)) = (&mut self.sha256, index.groups.digests.get(group as usize))
            && sha256.digest(&[table])? != *expected
        {
            return Err(Error::unauthentic(
                label,
                offset,
                format!("the table of group {group}"),
            ));
        }
        let decoded = Table::decode(head, &table[HEAD_BYTES..], signed, self.compressed).map_err(at)?;
        let length = table.len() as u64 + decoded.stored_before(head.messages()) as u64;
        if length != end - offset {
            return Err(at(Fault::value("the length of a group", length, end - offset)));
        }
        Ok(decoded)
    }
}
