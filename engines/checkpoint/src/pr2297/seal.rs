//! A plain set to a sealed one.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;

use sealab_engine::{Engine, Nonce};

use super::keys::{CIPHER_FILE, Keys};
use super::message::{self, CHUNK_BYTES, Cipher};
use super::pages::{BATCH, Digest, PageCipher};
use super::{Error, PAYLOAD_MOST, Summary, Wrap, holds_tool_output, is_clear, pages_of};
use crate::aside::Aside;
use crate::image::{
    Extent, ImageError, ImageReader, Kind, NETLINK_HEADER_BYTES, PAGE_BYTES, PagemapReader, Part, Payload,
    Place, Role, Set, Stored, check_pages_length,
};

/// Bytes of one record of another tool's output: tag, nonce, 4 of padding, length (64 bits), 4096 of data.
pub(super) const RECORD_BYTES: usize = 4136;
/// Where the length stands in a record.
pub(super) const RECORD_LENGTH: usize = 32;
/// Where the data stands in a record.
pub(super) const RECORD_DATA: usize = 40;

/// Where nonces come from.
pub(super) type Nonces<'a> = &'a mut dyn FnMut() -> Result<Nonce, getrandom::Error>;

/// Seals the plain set in the folder `source` for `recipient` into the new folder `destination`.
///
/// # Errors
/// The set is wrong or holds what the format has no place for (a parent, compressed pages, pages files without a
/// pagemap, shared memory inside an entry); `destination` exists; the recipient's key does not wrap.
pub fn seal(
    engine: &dyn Engine,
    source: &Path,
    destination: &Path,
    recipient: &Wrap<'_>,
) -> Result<Summary, Error> {
    let mut nonces = || {
        let mut nonce = Nonce([0; 12]);
        getrandom::fill(&mut nonce.0)?;
        Ok(nonce)
    };
    let set = Set::open(source)?;
    seal_with(
        engine,
        &set,
        destination,
        recipient,
        &Keys::generate()?,
        &mut nonces,
    )
}

pub(super) fn seal_with(
    engine: &dyn Engine,
    set: &Set,
    destination: &Path,
    recipient: &Wrap<'_>,
    keys: &Keys,
    nonces: Nonces<'_>,
) -> Result<Summary, Error> {
    let unsupported = |file: &str, what| Error::Unsupported {
        file: file.to_owned(),
        what,
    };
    if set.has_parent() {
        return Err(unsupported(crate::image::PARENT, "a set that builds on another"));
    }
    if set.member(CIPHER_FILE).is_some() {
        return Err(unsupported(CIPHER_FILE, "a set that is sealed already"));
    }
    let folder = destination.display().to_string();
    let aside = Aside::new(destination).map_err(Error::write(&folder))?;
    let mut sealing = Sealing {
        cipher: Cipher::new(engine, &keys.token)?,
        pages: PageCipher::new(engine, &keys.pages, keys.tweak)?,
        digest: Digest::new(engine, &keys.token)?,
        nonces,
        summary: Summary::default(),
    };
    let mut described = BTreeSet::new();
    for member in set.members().iter().filter(|member| member.kind != Kind::Pages) {
        let mut sink = Sink::new(&aside, &member.name)?;
        sealing.image(set.read(&member.name)?, &mut sink)?;
        sink.finish()?;
        if matches!(member.kind, Kind::Pagemap | Kind::ShmemPagemap) {
            let pagemap = PagemapReader::new(set.read(&member.name)?)?;
            let pages = pages_of(&mut described, pagemap.pages_id(), &member.name)?;
            if set.member(&pages).is_none() {
                return Err(unsupported(&member.name, "a pagemap without its pages file"));
            }
            let mut sink = Sink::new(&aside, &pages)?;
            sealing.pages(set, pagemap, &pages, &mut sink)?;
            sink.finish()?;
        }
        sealing.summary.files += 1;
    }
    for member in set.members().iter().filter(|member| member.kind == Kind::Pages) {
        if !described.contains(&member.name) {
            return Err(unsupported(&member.name, "a pages file without a pagemap"));
        }
        sealing.summary.files += 1;
    }
    let mut sink = Sink::new(&aside, CIPHER_FILE)?;
    sink.write(&keys.wrapped(&sealing.digest.sum(), recipient)?)?;
    sink.finish()?;
    aside.finish().map_err(Error::write(&folder))?;
    Ok(sealing.summary)
}

struct Sealing<'a> {
    cipher: Cipher,
    pages: PageCipher,
    digest: Digest,
    nonces: Nonces<'a>,
    summary: Summary,
}

impl Sealing<'_> {
    /// Seals one file other than pages.
    fn image<R: Read>(&mut self, mut image: ImageReader<R>, sink: &mut Sink<'_>) -> Result<(), Error> {
        let kind = image.header().kind;
        sink.write(image.header().magic())?;
        while let Some(part) = image.next_part()? {
            match part {
                Part::Entry(entry) => {
                    self.summary.entries += 1;
                    if is_clear(kind) {
                        // An entry that was read is shorter than 4 GiB.
                        sink.write(&(entry.bytes.len() as u32).to_le_bytes())?;
                        sink.write(&entry.bytes)?;
                    } else {
                        let nonce = self.nonce_for(&entry.bytes)?;
                        sink.write(&message::entry(&mut self.cipher, &nonce, &entry.bytes)?)?;
                    }
                }
                Part::Payload(payload) => self.payload(&mut image, payload, sink)?,
            }
        }
        Ok(())
    }

    fn payload<R: Read>(
        &mut self,
        image: &mut ImageReader<R>,
        payload: Payload,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let mut chunk = [0; CHUNK_BYTES];
        match payload.role {
            Role::GhostFile => loop {
                let count = image.read_payload(&mut chunk)?;
                if count == 0 {
                    return Ok(());
                }
                let nonce = (self.nonces)()?;
                sink.write(&message::raw_chunk(&mut self.cipher, &nonce, &chunk[..count])?)?;
            },
            Role::Raw if holds_tool_output(image.header().kind) => loop {
                let count = image.read_payload(&mut chunk)?;
                if count == 0 {
                    return Ok(());
                }
                sink.write(&self.record(&mut chunk[..count])?)?;
            },
            // The fault of the format: the content of a long deleted file, and what it leaves to other tools, in clear.
            Role::GhostChunk | Role::Raw => loop {
                let count = image.read_payload(&mut chunk)?;
                if count == 0 {
                    return Ok(());
                }
                sink.write(&chunk[..count])?;
            },
            Role::SharedMemory => Err(Error::Unsupported {
                file: image.file().to_owned(),
                what: "shared memory inside an entry's file",
            }),
            Role::Netlink => {
                let mut header = image.take_payload(PAYLOAD_MOST)?;
                let mut rest = header.split_off(NETLINK_HEADER_BYTES);
                self.message(&mut header, sink)?;
                self.message(&mut rest, sink)
            }
            _ => {
                let mut bytes = image.take_payload(PAYLOAD_MOST)?;
                self.message(&mut bytes, sink)
            }
        }
    }

    /// One message with its trailer; nothing for an empty one.
    fn message(&mut self, bytes: &mut Vec<u8>, sink: &mut Sink<'_>) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        let nonce = (self.nonces)()?;
        self.cipher.seal_with_trailer(&nonce, bytes)?;
        sink.write(bytes)
    }

    /// A record of another tool's output. Bytes that the format leaves undefined are zeros.
    fn record(&mut self, data: &mut [u8]) -> Result<[u8; RECORD_BYTES], Error> {
        let nonce = (self.nonces)()?;
        let tag = self.cipher.seal(&nonce, data)?;
        let mut record = [0; RECORD_BYTES];
        record[..16].copy_from_slice(&tag.0);
        record[16..28].copy_from_slice(&nonce.0);
        record[RECORD_LENGTH..RECORD_DATA].copy_from_slice(&(data.len() as u64).to_le_bytes());
        record[RECORD_DATA..RECORD_DATA + data.len()].copy_from_slice(data);
        Ok(record)
    }

    fn nonce_for(&mut self, message: &[u8]) -> Result<Nonce, Error> {
        // An empty entry is not encrypted and uses no nonce.
        if message.is_empty() {
            return Ok(Nonce([0; 12]));
        }
        Ok((self.nonces)()?)
    }

    /// Seals a pages file. A hole becomes encrypted zeros: the format's reader decrypts what it reads.
    fn pages<R: Read>(
        &mut self,
        set: &Set,
        mut pagemap: PagemapReader<R>,
        pages: &str,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let (mut file, bytes) = set.open_file(pages)?;
        let mut buffer = vec![0; BATCH * PAGE_BYTES];
        while let Some(extent) = pagemap.next_extent()? {
            let Some(run) = run(&extent, pagemap.file())? else {
                continue;
            };
            check_pages_length(pages, bytes, pagemap.file(), run.offset + run.bytes)?;
            let mut address = extent.address;
            while address < extent.end() {
                let count = (extent.end() - address).min(buffer.len() as u64) as usize;
                let batch = &mut buffer[..count];
                file.read_exact(batch).map_err(read_error(pages))?;
                self.pages.encrypt(batch)?;
                self.digest.add_run(address, batch)?;
                sink.write(batch)?;
                self.summary.pages += (count / PAGE_BYTES) as u64;
                address += count as u64;
            }
        }
        super::check_pages_end(pages, bytes, pagemap.payload_bytes())
    }
}

/// Where an extent's pages are, if they are stored; compressed or padded ones have no place in the format.
pub(super) fn run<'a>(extent: &'a Extent, pagemap: &str) -> Result<Option<&'a Stored>, Error> {
    let unsupported = |what| Error::Unsupported {
        file: pagemap.to_owned(),
        what,
    };
    match &extent.place {
        Place::Nowhere => Ok(None),
        Place::Parent => Err(unsupported("pages in a parent set")),
        Place::Stored(stored)
            if stored.blocks.is_some() || !stored.offset.is_multiple_of(PAGE_BYTES as u64) =>
        {
            Err(unsupported("compressed pages"))
        }
        Place::Stored(stored) => Ok(Some(stored)),
    }
}

/// A failure to read the file `name`.
pub(super) fn read_error(name: &str) -> impl FnOnce(std::io::Error) -> Error + '_ {
    move |error| {
        Error::Image(ImageError {
            file: name.to_owned(),
            offset: None,
            fault: error.into(),
        })
    }
}

/// A file of the new set.
pub(super) struct Sink<'a> {
    name: &'a str,
    file: BufWriter<File>,
}

impl<'a> Sink<'a> {
    pub(super) fn new(aside: &Aside, name: &'a str) -> Result<Self, Error> {
        let file = aside.create(name).map_err(Error::write(name))?;
        Ok(Self {
            name,
            file: BufWriter::new(file),
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(Error::write(self.name))
    }

    pub(super) fn finish(self) -> Result<(), Error> {
        let file = self.file.into_inner().map_err(|error| error.into_error());
        file.and_then(|file| file.sync_all())
            .map_err(Error::write(self.name))
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
