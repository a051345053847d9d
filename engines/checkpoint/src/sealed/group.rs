//! One group in memory: its content is filled in, sealed in place and written with one call; or read with one call and
//! opened in place.
//!
//! The buffer has room before the content for the head, the table and the manifest. These are laid right before it
//! once they are known, so that what is stored is one run of bytes and nothing of the content is moved.

use std::io::Read;
use std::ops::Range;

use sealab_engine::{Aead, Engine, EngineError, Messages, Nonce, Sha256};
use zeroize::Zeroizing;

use super::compression::{Compression, Compressor, Decompressor};
use super::keys::Keys;
use super::table::{
    AAD_BYTES, HEAD_BYTES, Head, Kind, MANIFEST_MOST, MESSAGES, Method, TABLE_MOST, Table, name, nonce,
};
use super::{CHUNK_BYTES, Error, GROUP_BYTES};

/// Room before the content, in whole memory pages.
const FRONT: usize = (TABLE_MOST + MANIFEST_MOST).next_multiple_of(4096);

/// A group.
pub(super) struct Group {
    pub(super) number: u64,
    pub(super) kind: Kind,
    pub(super) last: bool,
    /// Bytes of the content.
    pub(super) content: usize,
    pub(super) manifest: Zeroizing<Vec<u8>>,
    /// Where it starts in its file.
    pub(super) offset: u64,
    buffer: Zeroizing<Vec<u8>>,
    /// The stored bytes in `buffer`.
    stored: Range<usize>,
    table: Table,
    /// SHA-256 of head and table, in signed sets.
    pub(super) digest: [u8; 32],
}

impl Group {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            number: 0,
            kind,
            last: false,
            content: 0,
            manifest: Zeroizing::new(Vec::with_capacity(MANIFEST_MOST)),
            offset: 0,
            buffer: Zeroizing::new(vec![0; FRONT + GROUP_BYTES]),
            stored: 0..0,
            table: Table::new(Head {
                kind,
                last: false,
                content: 0,
            }),
            digest: [0; 32],
        }
    }

    /// Begins anew as the group of that number.
    pub(super) fn reset(&mut self, number: u64) {
        self.number = number;
        self.last = false;
        self.content = 0;
        self.manifest.clear();
    }

    /// The content, and the room behind it.
    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.buffer[FRONT..]
    }

    /// The content.
    pub(super) fn content(&self) -> &[u8] {
        &self.buffer[FRONT..FRONT + self.content]
    }

    /// The sealed group as it is stored.
    pub(super) fn stored(&self) -> &[u8] {
        &self.buffer[self.stored.clone()]
    }
}

/// Seals groups, on one thread.
pub(super) struct GroupSealer {
    aead: Box<dyn Aead>,
    sha256: Option<Box<dyn Sha256>>,
    compressor: Compressor,
}

impl GroupSealer {
    pub(super) fn new(
        engine: &dyn Engine,
        keys: &Keys,
        compression: Compression,
        signed: bool,
    ) -> Result<Self, Error> {
        let compressor = Compressor::new(compression).map_err(Error::write("the compressor"))?;
        Ok(Self {
            aead: engine.aead(keys.chunks())?,
            sha256: signed.then(|| engine.sha256()).transpose()?,
            compressor,
        })
    }

    /// Compresses, seals and lays out the group's bytes.
    pub(super) fn seal(&mut self, group: &mut Group) -> Result<(), Error> {
        let head = Head {
            kind: group.kind,
            last: group.last,
            content: group.content,
        };
        let mut table = Table::new(head);
        let manifest = FRONT - group.manifest.len();
        table.set(0, Method::Raw, group.manifest.len());
        group.buffer[manifest..FRONT].copy_from_slice(&group.manifest);
        let mut end = FRONT;
        for chunk in 0..head.messages() - 1 {
            let start = FRONT + chunk * CHUNK_BYTES;
            let length = head.chunk_bytes(chunk);
            let plain = start..start + length;
            let method = match self.compressor.compress(&group.buffer[plain.clone()]) {
                Some((method, bytes)) => {
                    // What lies there has been compressed already.
                    group.buffer[end..end + bytes.len()].copy_from_slice(bytes);
                    table.set(chunk + 1, method, bytes.len());
                    method
                }
                None => {
                    if end != start {
                        group.buffer.copy_within(plain, end);
                    }
                    table.set(chunk + 1, Method::Raw, length);
                    Method::Raw
                }
            };
            debug_assert!(method == Method::Raw || !self.compressor.is_off());
            end += table.stored(chunk + 1);
        }

        let sealed = manifest..end;
        let batch = Batch::new(&table, group.kind, group.number);
        let data = &mut group.buffer[sealed];
        self.aead
            .seal(batch.messages()?, data.into(), &mut table.tags[..head.messages()])?;

        let signed = self.sha256.is_some();
        if let Some(sha256) = &mut self.sha256 {
            let mut start = manifest;
            for message in 0..head.messages() {
                let next = start + table.stored(message);
                table.digests[message] = sha256.digest(&[&group.buffer[start..next]])?;
                start = next;
            }
        }
        let start = manifest - head.table_bytes(signed);
        table.encode(signed, &mut group.buffer[start..manifest]);
        if let Some(sha256) = &mut self.sha256 {
            group.digest = sha256.digest(&[&group.buffer[start..manifest]])?;
        }
        group.stored = start..end;
        Ok(())
    }
}

/// Reads groups as they are stored, one after another.
pub(super) struct GroupReader<'a> {
    pub(super) file: &'a str,
    pub(super) source: &'a mut dyn Read,
    /// Where the next group starts in the file.
    pub(super) offset: u64,
    pub(super) signed: bool,
    pub(super) compressed: bool,
}

impl GroupReader<'_> {
    /// Reads the next group, which must be of `group`'s kind.
    pub(super) fn read(&mut self, group: &mut Group) -> Result<(), Error> {
        let (file, offset) = (self.file, self.offset);
        let at = |fault: crate::image::Fault| -> Error { fault.at(file, offset).into() };
        let mut head = [0; HEAD_BYTES];
        self.fill(&mut head, "the head of a group")?;
        let decoded = Head::decode(head).map_err(at)?;
        super::table::expect_kind(file, offset, decoded, group.kind)?;
        let mut entries = [0; TABLE_MOST];
        let entries = &mut entries[..decoded.table_bytes(self.signed) - HEAD_BYTES];
        self.fill(entries, "the table of a group")?;
        group.table = Table::decode(decoded, entries, self.signed, self.compressed).map_err(at)?;

        let manifest = FRONT - group.table.stored(0);
        let start = manifest - HEAD_BYTES - entries.len();
        let end = manifest + group.table.stored_before(decoded.messages());
        group.buffer[start..start + HEAD_BYTES].copy_from_slice(&head);
        group.buffer[start + HEAD_BYTES..manifest].copy_from_slice(entries);
        self.fill(&mut group.buffer[manifest..end], "the messages of a group")?;
        group.stored = start..end;
        group.content = decoded.content;
        group.last = decoded.last;
        group.offset = offset;
        Ok(())
    }

    /// Fills `bytes` from the source.
    pub(super) fn fill(&mut self, bytes: &mut [u8], what: &'static str) -> Result<(), Error> {
        let filled = self.source.read_exact(bytes);
        filled.map_err(Error::read(self.file, self.offset, what, bytes.len()))?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

/// Opens groups, on one thread.
pub(super) struct GroupOpener<'a> {
    file: &'a str,
    aead: Box<dyn Aead>,
    sha256: Option<Box<dyn Sha256>>,
    decompressor: Decompressor,
    /// Decompressed content; changes places with a group's buffer.
    plain: Zeroizing<Vec<u8>>,
}

impl<'a> GroupOpener<'a> {
    /// Opens groups of `file`; if they are to have digests, these are held against the bytes.
    pub(super) fn new(file: &'a str, engine: &dyn Engine, keys: &Keys, digests: bool) -> Result<Self, Error> {
        Ok(Self {
            file,
            aead: engine.aead(keys.chunks())?,
            sha256: digests.then(|| engine.sha256()).transpose()?,
            decompressor: Decompressor::default(),
            plain: Zeroizing::new(Vec::new()),
        })
    }

    /// Authenticates a group that was read, and leaves its manifest and content open.
    pub(super) fn open(&mut self, group: &mut Group) -> Result<(), Error> {
        let messages = group.table.head.messages();
        let manifest = FRONT - group.table.stored(0);
        if let Some(sha256) = &mut self.sha256 {
            let mut start = manifest;
            for message in 0..messages {
                let next = start + group.table.stored(message);
                let digest = sha256.digest(&[&group.buffer[start..next]])?;
                if digest != group.table.digests[message] {
                    let offset = group.offset + (start - group.stored.start) as u64;
                    let what = format!("the digest of {}", name(group.kind, group.number, message));
                    return Err(Error::unauthentic(self.file, offset, what));
                }
                start = next;
            }
            group.digest = sha256.digest(&[&group.buffer[group.stored.start..manifest]])?;
        }
        let batch = Batch::new(&group.table, group.kind, group.number);
        let data = &mut group.buffer[manifest..group.stored.end];
        let opened = self
            .aead
            .open(batch.messages()?, data.into(), &group.table.tags[..messages]);
        opened.map_err(|error| match error {
            EngineError::Unauthentic { index } => {
                let before = manifest - group.stored.start + group.table.stored_before(index);
                let what = name(group.kind, group.number, index);
                Error::unauthentic(self.file, group.offset + before as u64, what)
            }
            error => error.into(),
        })?;
        group.manifest.clear();
        group.manifest.extend_from_slice(&group.buffer[manifest..FRONT]);
        self.decompress(group)
    }

    fn decompress(&mut self, group: &mut Group) -> Result<(), Error> {
        let chunks = group.table.head.messages() - 1;
        if (1..=chunks).all(|message| group.table.method(message) == Method::Raw) {
            return Ok(());
        }
        self.plain.resize(FRONT + GROUP_BYTES, 0);
        let mut start = FRONT;
        for chunk in 0..chunks {
            let end = start + group.table.stored(chunk + 1);
            let place = FRONT + chunk * CHUNK_BYTES;
            let plain = &mut self.plain[place..place + group.table.head.chunk_bytes(chunk)];
            let method = group.table.method(chunk + 1);
            let whole = self
                .decompressor
                .decompress(method, &group.buffer[start..end], plain)
                .map_err(|error| crate::image::Fault::Io(error).of(self.file))?;
            if !whole {
                return Err(not_decompressed(
                    self.file,
                    group.offset,
                    group.kind,
                    group.number,
                    chunk,
                ));
            }
            start = end;
        }
        std::mem::swap(&mut self.plain, &mut group.buffer);
        Ok(())
    }
}

/// A chunk is authentic, but not what its sender should have made of it.
pub(super) fn not_decompressed(file: &str, offset: u64, kind: Kind, group: u64, chunk: usize) -> Error {
    let what = name(kind, group, chunk + 1);
    let fault = crate::image::Fault::value("a compressed chunk", format_args!("broken ({what})"), "whole");
    fault.at(file, offset).into()
}

/// What one call of the engine needs besides the data.
struct Batch {
    count: usize,
    lengths: [u32; MESSAGES],
    nonces: [Nonce; MESSAGES],
    associated_data: [u8; MESSAGES * AAD_BYTES],
}

impl Batch {
    fn new(table: &Table, kind: Kind, group: u64) -> Self {
        let mut associated_data = [0; MESSAGES * AAD_BYTES];
        for (message, part) in associated_data.chunks_exact_mut(AAD_BYTES).enumerate() {
            part.copy_from_slice(&table.associated_data(message));
        }
        Self {
            count: table.head.messages(),
            lengths: table.lengths(),
            nonces: std::array::from_fn(|message| nonce(kind, group, message)),
            associated_data,
        }
    }

    fn messages(&self) -> Result<Messages<'_>, EngineError> {
        Messages::each(
            &self.lengths[..self.count],
            &self.nonces[..self.count],
            &self.associated_data[..self.count * AAD_BYTES],
        )
    }
}
