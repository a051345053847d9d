//! One image file as JSON.

use std::cell::{Cell, RefCell};
use std::io::Read;

use prost_reflect::DynamicMessage;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use sha2::{Digest, Sha256};

use super::message::{BASE64, ShownMessage};
use super::{ShowError, Style, descriptor};
use crate::image::{Entry, Fault, ImageError, ImageReader, Kind, Part, Payload, Role, proto};

/// The longest `extra` that is shown in full, in bytes; it is held in memory.
pub const EXTRA_MOST: u64 = 16 << 20;

/// What stops the writing of JSON other than the JSON's own receiver.
pub(super) type Stop = Cell<Option<ShowError>>;

/// Ends the writing; `stop` keeps why.
pub(super) fn stopped<E: serde::ser::Error>(stop: &Stop, error: impl Into<ShowError>) -> E {
    stop.set(Some(error.into()));
    E::custom("the set cannot be read")
}

/// An image as CRIT shows it, or, of a raw file, its length and digest. Its fields go into the map of its file.
pub(super) struct ShownImage<'a, R> {
    image: RefCell<Parts<R>>,
    style: Style,
    stop: &'a Stop,
}

impl<'a, R: Read> ShownImage<'a, R> {
    pub(super) fn new(image: ImageReader<R>, style: Style, stop: &'a Stop) -> Self {
        Self {
            image: RefCell::new(Parts { image, next: None }),
            style,
            stop,
        }
    }

    /// Adds `magic` and `entries`, or what a raw file has in their place.
    pub(super) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let kind = self.image.borrow().image.header().kind;
        if kind.magic().is_some() {
            map.serialize_entry("magic", magic(kind))?;
            return map.serialize_entry("entries", &Entries(self));
        }
        let mut parts = self.image.borrow_mut();
        let (bytes, digest) = parts.raw().map_err(|error| stopped(self.stop, error))?;
        map.serialize_entry("kind", kind.name())?;
        map.serialize_entry("bytes", &bytes)?;
        map.serialize_entry("sha256", &digest)
    }
}

/// The name that CRIT knows the magic number by, which two kinds share.
fn magic(kind: Kind) -> &'static str {
    match kind {
        Kind::ShmemPagemap => Kind::Pagemap.name(),
        kind => kind.name(),
    }
}

struct Entries<'a, R>(&'a ShownImage<'a, R>);

impl<R: Read> Serialize for Entries<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = self.0;
        let mut parts = shown.image.borrow_mut();
        let mut list = serializer.serialize_seq(None)?;
        while let Some((message, extra)) = parts.element().map_err(|error| stopped(shown.stop, error))? {
            list.serialize_element(&Element {
                message: &message,
                extra,
                style: shown.style,
            })?;
        }
        list.end()
    }
}

/// An entry with what follows it.
struct Element<'a> {
    message: &'a DynamicMessage,
    extra: Option<Extra>,
    style: Style,
}

impl Serialize for Element<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        shown(self.message, self.style).fields(&mut map)?;
        match &self.extra {
            None => {}
            Some(Extra::Bytes(bytes)) => map.serialize_entry("extra", bytes)?,
            Some(Extra::Tcp { inq, outq }) => map.serialize_entry("extra", &Queues { inq, outq })?,
            Some(Extra::Semaphores(values)) => map.serialize_entry("extra", values)?,
            Some(Extra::Messages(messages)) => map.serialize_entry("extra", &Messages(messages))?,
        }
        map.end()
    }
}

fn shown(message: &DynamicMessage, style: Style) -> ShownMessage<'_> {
    ShownMessage {
        message,
        style,
        hex: false,
    }
}

/// What follows an entry.
enum Extra {
    Bytes(Bytes),
    Tcp { inq: Bytes, outq: Bytes },
    Semaphores(Vec<u16>),
    Messages(Vec<(DynamicMessage, Bytes)>),
}

/// Bytes, or what stands for too many of them.
enum Bytes {
    Whole(Vec<u8>),
    Digest { bytes: u64, sha256: String },
}

impl Bytes {
    fn cut(&mut self, length: usize) {
        if let Self::Whole(bytes) = self {
            bytes.truncate(length);
        }
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Whole(bytes) => serializer.serialize_str(&BASE64.encode(bytes)),
            Self::Digest { bytes, sha256 } => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("bytes", bytes)?;
                map.serialize_entry("sha256", sha256)?;
                map.end()
            }
        }
    }
}

#[derive(serde::Serialize)]
struct Queues<'a> {
    inq: &'a Bytes,
    outq: &'a Bytes,
}

/// System V messages: an entry and its text in turn. CRIT writes their entries as plain numbers always.
struct Messages<'a>(&'a [(DynamicMessage, Bytes)]);

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(2 * self.0.len()))?;
        for (message, text) in self.0 {
            list.serialize_element(&shown(message, Style::Plain))?;
            list.serialize_element(text)?;
        }
        list.end()
    }
}

/// An image, read an entry with its extra at a time.
struct Parts<R> {
    image: ImageReader<R>,
    /// Read too early.
    next: Option<Part>,
}

impl<R: Read> Parts<R> {
    fn part(&mut self) -> Result<Option<Part>, ImageError> {
        match self.next.take() {
            Some(part) => Ok(Some(part)),
            None => self.image.next_part(),
        }
    }

    /// The bytes that come next, if they have `role`; none is the same as empty.
    fn payload(&mut self, role: Role, most: u64) -> Result<Bytes, ImageError> {
        match self.part()? {
            Some(Part::Payload(payload)) if payload.role == role => {
                if payload.bytes <= most {
                    return Ok(Bytes::Whole(self.image.take_payload(most)?));
                }
                let sha256 = self.digest(&mut Sha256::new())?;
                Ok(Bytes::Digest {
                    bytes: payload.bytes,
                    sha256,
                })
            }
            other => {
                self.next = other;
                Ok(Bytes::Whole(Vec::new()))
            }
        }
    }

    /// Hashes what is left of the present payload into `hash`.
    fn digest(&mut self, hash: &mut Sha256) -> Result<String, ImageError> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = self.image.read_payload(&mut buffer)?;
            if count == 0 {
                return Ok(data_encoding::HEXLOWER.encode(&hash.clone().finalize()));
            }
            hash.update(&buffer[..count]);
        }
    }

    /// Length and SHA-256 of a file without entries.
    fn raw(&mut self) -> Result<(u64, String), ImageError> {
        let mut hash = Sha256::new();
        let mut digest = self.digest(&mut hash)?;
        let mut bytes = 0;
        while let Some(part) = self.part()? {
            if let Part::Payload(Payload { bytes: more, .. }) = part {
                bytes += more;
                digest = self.digest(&mut hash)?;
            }
        }
        Ok((bytes, digest))
    }

    fn element(&mut self) -> Result<Option<(DynamicMessage, Option<Extra>)>, ImageError> {
        let entry = match self.part()? {
            Some(Part::Entry(entry)) => entry,
            Some(Part::Payload(payload)) => {
                // Every payload follows the entry that announces it, and was taken with it.
                let fault = Fault::value("what follows an entry", "bytes", "the next entry");
                return Err(fault.at(self.image.file(), payload.offset));
            }
            None => return Ok(None),
        };
        let message = self.dynamic(&entry)?;
        let kind = self.image.header().kind;
        let extra = match (kind, entry.message) {
            (Kind::PipesData | Kind::FifoData, _) => Some(self.bytes(Role::Pipe)?),
            (Kind::SkQueues, _) => Some(self.bytes(Role::Packet)?),
            (Kind::BpfmapData, _) => Some(self.bytes(Role::BpfMap)?),
            (Kind::GhostFile, "ghost_chunk_entry") => Some(self.bytes(Role::GhostChunk)?),
            (Kind::GhostFile, _) if !self.image.decode::<proto::GhostFileEntry>(&entry)?.chunks() => {
                Some(self.bytes(Role::GhostFile)?)
            }
            (Kind::IpcnsShm, _) => self.shared_memory(&entry)?,
            (Kind::TcpStream, _) => Some(Extra::Tcp {
                inq: self.payload(Role::TcpReceived, EXTRA_MOST)?,
                outq: self.payload(Role::TcpSent, EXTRA_MOST)?,
            }),
            (Kind::IpcnsSem, _) => Some(self.semaphores(&entry)?),
            (Kind::IpcnsMsg, _) => Some(self.messages(&entry)?),
            _ => None,
        };
        Ok(Some((message, extra)))
    }

    fn bytes(&mut self, role: Role) -> Result<Extra, ImageError> {
        Ok(Extra::Bytes(self.payload(role, EXTRA_MOST)?))
    }

    fn shared_memory(&mut self, entry: &Entry) -> Result<Option<Extra>, ImageError> {
        let segment: proto::IpcShmEntry = self.image.decode(entry)?;
        if segment.in_pagemaps() {
            return Ok(None);
        }
        let mut bytes = self.payload(Role::SharedMemory, EXTRA_MOST)?;
        // What is too long to be shown keeps its padding.
        bytes.cut(usize::try_from(segment.size()).unwrap_or(usize::MAX));
        Ok(Some(Extra::Bytes(bytes)))
    }

    fn semaphores(&mut self, entry: &Entry) -> Result<Extra, ImageError> {
        let set: proto::IpcSemEntry = self.image.decode(entry)?;
        let mut values = Vec::new();
        if set.nsems() > 0
            && let Some(Part::Payload(_)) = self.part()?
        {
            let bytes = self.image.take_payload(EXTRA_MOST)?;
            values = bytes
                .as_chunks()
                .0
                .iter()
                .map(|pair| u16::from_le_bytes(*pair))
                .take(set.nsems() as usize)
                .collect();
        }
        Ok(Extra::Semaphores(values))
    }

    /// The messages of a queue, which all together have at most [`EXTRA_MOST`] bytes.
    fn messages(&mut self, queue: &Entry) -> Result<Extra, ImageError> {
        let queue: proto::IpcMsgEntry = self.image.decode(queue)?;
        let mut messages = Vec::new();
        let mut left = EXTRA_MOST;
        for _ in 0..queue.qnum() {
            let Some(Part::Entry(entry)) = self.part()? else {
                break;
            };
            left = left.checked_sub(entry.bytes.len() as u64).ok_or_else(|| {
                let fault = Fault::value(
                    "the length of the messages of a queue",
                    format_args!("over {EXTRA_MOST}"),
                    format_args!("at most {EXTRA_MOST} bytes"),
                );
                fault.at(self.image.file(), entry.offset)
            })?;
            let length = self.image.decode::<proto::IpcMsg>(&entry)?.msize();
            let message = self.dynamic(&entry)?;
            let mut text = self.payload(Role::IpcMessage, left)?;
            if let Bytes::Whole(bytes) = &text {
                left -= bytes.len() as u64;
            }
            text.cut(length as usize);
            messages.push((message, text));
        }
        Ok(Extra::Messages(messages))
    }

    fn dynamic(&self, entry: &Entry) -> Result<DynamicMessage, ImageError> {
        let failed = |fault: Fault| fault.at(self.image.file(), entry.offset);
        let descriptor = descriptor::message(entry.message).ok_or_else(|| {
            failed(Fault::value(
                "the type of an entry",
                entry.message,
                "one of CRIU's messages",
            ))
        })?;
        DynamicMessage::decode(descriptor, &*entry.bytes).map_err(|detail| {
            failed(Fault::Message {
                message: entry.message,
                detail,
            })
        })
    }
}
