//! A group's head and table, in clear: how long each sealed message is, and its tag.
//!
//! Messages of a group: first the manifest, then the chunks. Everything here is bound into the messages' associated
//! data, so a change of it is found when they are opened.

use sealab_engine::{NONCE_BYTES, Nonce, Tag};

use super::header::array;
use super::{CHUNK_BYTES, Error, GROUP_BYTES};
use crate::image::Fault;

/// Chunks of a full group.
pub(super) const CHUNKS: usize = GROUP_BYTES / CHUNK_BYTES;
/// Messages of a full group: the manifest and the chunks.
pub(super) const MESSAGES: usize = CHUNKS + 1;
/// The longest manifest, in bytes.
pub(super) const MANIFEST_MOST: usize = 32 << 10;
pub(super) const HEAD_BYTES: usize = 8;
const ENTRY_BYTES: usize = 20;
pub(super) const DIGEST_BYTES: usize = 32;
/// The head and the longest table.
pub(super) const TABLE_MOST: usize = HEAD_BYTES + MESSAGES * (ENTRY_BYTES + DIGEST_BYTES);
/// Bytes of a message's associated data: the head, and its own length and method.
pub(super) const AAD_BYTES: usize = HEAD_BYTES + 4;

/// How a chunk was compressed before it was sealed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Method {
    Raw,
    Zstd,
    Lz4,
}

/// What a group is part of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Data,
    Index,
}

/// What says how a group is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Head {
    pub(super) kind: Kind,
    /// No group of its kind follows.
    pub(super) last: bool,
    /// Bytes of its content, uncompressed.
    pub(super) content: usize,
}

impl Head {
    fn encode(self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[0] = match self.kind {
            Kind::Data => 0,
            Kind::Index => 1,
        };
        bytes[1] = self.last.into();
        bytes[4..].copy_from_slice(&(self.content as u32).to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: [u8; HEAD_BYTES]) -> Result<Self, Fault> {
        let [kind, last, 0, 0, content @ ..] = bytes else {
            return Err(Fault::value("bytes 2 and 3 of a group", "not zero", "zero"));
        };
        let kind = match kind {
            0 => Kind::Data,
            1 => Kind::Index,
            other => return Err(Fault::value("the kind of a group", other, "0 or 1")),
        };
        if last > 1 {
            return Err(Fault::value("the mark of the last group", last, "0 or 1"));
        }
        let content = u32::from_le_bytes(content) as usize;
        if content > GROUP_BYTES {
            return Err(Fault::value(
                "the content of a group",
                content,
                "at most 1048576 bytes",
            ));
        }
        Ok(Self {
            kind,
            last: last == 1,
            content,
        })
    }

    /// How many messages: the manifest and the chunks.
    pub(super) fn messages(self) -> usize {
        1 + self.content.div_ceil(CHUNK_BYTES)
    }

    /// Bytes of head and table.
    pub(super) fn table_bytes(self, signed: bool) -> usize {
        HEAD_BYTES + self.messages() * entry_bytes(signed)
    }

    /// Bytes of a chunk when it is open.
    pub(super) fn chunk_bytes(self, chunk: usize) -> usize {
        (self.content - chunk * CHUNK_BYTES).min(CHUNK_BYTES)
    }
}

fn entry_bytes(signed: bool) -> usize {
    ENTRY_BYTES + if signed { DIGEST_BYTES } else { 0 }
}

/// A group's head and table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) head: Head,
    words: [u32; MESSAGES],
    pub(super) tags: [Tag; MESSAGES],
    /// SHA-256 of each message as it is stored; only in signed sets.
    pub(super) digests: [[u8; DIGEST_BYTES]; MESSAGES],
}

const LENGTH_BITS: u32 = 28;

impl Table {
    pub(super) fn new(head: Head) -> Self {
        Self {
            head,
            words: [0; MESSAGES],
            tags: [Tag([0; 16]); MESSAGES],
            digests: [[0; DIGEST_BYTES]; MESSAGES],
        }
    }

    pub(super) fn set(&mut self, message: usize, method: Method, bytes: usize) {
        let method = match method {
            Method::Raw => 0,
            Method::Zstd => 1,
            Method::Lz4 => 2,
        };
        self.words[message] = method << LENGTH_BITS | bytes as u32;
    }

    /// Bytes of a message as it is stored.
    pub(super) fn stored(&self, message: usize) -> usize {
        (self.words[message] & ((1 << LENGTH_BITS) - 1)) as usize
    }

    /// Bytes of the messages before one, as they are stored.
    pub(super) fn stored_before(&self, message: usize) -> usize {
        (0..message).map(|before| self.stored(before)).sum()
    }

    /// The lengths of all messages.
    pub(super) fn lengths(&self) -> [u32; MESSAGES] {
        let mut lengths = [0; MESSAGES];
        for (message, length) in lengths.iter_mut().enumerate() {
            *length = self.stored(message) as u32;
        }
        lengths
    }

    pub(super) fn method(&self, message: usize) -> Method {
        match self.words[message] >> LENGTH_BITS {
            1 => Method::Zstd,
            2 => Method::Lz4,
            _ => Method::Raw,
        }
    }

    /// What a message is bound to besides its number.
    pub(super) fn associated_data(&self, message: usize) -> [u8; AAD_BYTES] {
        let mut bytes = [0; AAD_BYTES];
        bytes[..HEAD_BYTES].copy_from_slice(&self.head.encode());
        bytes[HEAD_BYTES..].copy_from_slice(&self.words[message].to_le_bytes());
        bytes
    }

    /// The table's bytes, the head first.
    pub(super) fn encode(&self, signed: bool, into: &mut [u8]) {
        let (head, rest) = into.split_at_mut(HEAD_BYTES);
        head.copy_from_slice(&self.head.encode());
        for (message, entry) in rest.chunks_exact_mut(entry_bytes(signed)).enumerate() {
            entry[..4].copy_from_slice(&self.words[message].to_le_bytes());
            entry[4..ENTRY_BYTES].copy_from_slice(&self.tags[message].0);
            if signed {
                entry[ENTRY_BYTES..].copy_from_slice(&self.digests[message]);
            }
        }
    }

    /// Reads the table of the group with that head from the bytes behind the head, and holds each length against what
    /// a message may have. `compressed`: the set's chunks may be.
    pub(super) fn decode(head: Head, bytes: &[u8], signed: bool, compressed: bool) -> Result<Self, Fault> {
        let mut table = Self::new(head);
        for (message, entry) in bytes.chunks_exact(entry_bytes(signed)).enumerate() {
            let word = u32::from_le_bytes(array(entry));
            table.words[message] = word;
            table.tags[message] = Tag(array(&entry[4..]));
            if signed {
                table.digests[message] = array(&entry[ENTRY_BYTES..]);
            }
            let bytes = table.stored(message);
            let fits = match (message, word >> LENGTH_BITS) {
                (0, 0) => bytes <= MANIFEST_MOST,
                (_, 0) if message > 0 => bytes == head.chunk_bytes(message - 1),
                (_, 1 | 2) if message > 0 && compressed => {
                    (1..head.chunk_bytes(message - 1)).contains(&bytes)
                }
                _ => false,
            };
            if !fits {
                return Err(Fault::value(
                    "a length in a group's table",
                    format_args!("{word:#x} for message {message}"),
                    "that of its manifest or chunk, shorter if compressed",
                ));
            }
        }
        Ok(table)
    }
}

/// The nonce of a message: its kind, place in the group, and group. No two messages of a set have the same.
pub(super) fn nonce(kind: Kind, group: u64, message: usize) -> Nonce {
    let mut bytes = [0; NONCE_BYTES];
    bytes[0] = match kind {
        Kind::Data => 0,
        Kind::Index => 1,
    };
    bytes[2..4].copy_from_slice(&(message as u16).to_be_bytes());
    bytes[4..].copy_from_slice(&group.to_be_bytes());
    Nonce(bytes)
}

/// What a message is called in errors.
pub(super) fn name(kind: Kind, group: u64, message: usize) -> String {
    let stream = match kind {
        Kind::Data => "group",
        Kind::Index => "index group",
    };
    match message {
        0 => format!("the manifest of {stream} {group}"),
        _ => format!("chunk {} of {stream} {group}", message - 1),
    }
}

/// Where content lies: the group's number, then 20 bits for the place in it.
pub(super) fn location(group: u64, content: usize) -> u64 {
    group * GROUP_BYTES as u64 + content as u64
}

/// That a group is where it is expected.
pub(super) fn expect_kind(file: &str, offset: u64, head: Head, kind: Kind) -> Result<(), Error> {
    if head.kind == kind {
        return Ok(());
    }
    let fault = Fault::value(
        "the kind of a group",
        format_args!("{:?}", head.kind),
        format_args!("{kind:?}"),
    );
    Err(fault.at(file, offset).into())
}
