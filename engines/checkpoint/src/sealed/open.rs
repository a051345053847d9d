//! Opening and verifying a sealed set, from its start to its end.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use sealab_keys::VerifyingKey;

use super::group::{Group, GroupOpener, GroupReader};
use super::header::StoredHeader;
use super::index::{Index, Place};
use super::index_stream::IndexStream;
use super::keys::{Keys, Unlock};
use super::manifest::{Event, Events};
use super::sender::SLOT_BYTES;
use super::set::{SealedSet, check_index};
use super::sink::{FolderSink, Nowhere, Sink, TarSink};
use super::table::location;
use super::trailer::{TRAILER_BYTES, Trailer};
use super::{Commitment, Error, Progress, Summary, Work, pipeline, sender, stored};
use crate::image::Fault;

/// Where a sealed set comes from.
pub enum SealedSource<'a> {
    /// Its folder. Header, trailer, index, sender and parent are checked before anything is opened.
    Directory(&'a Path),
    /// What stands in the one file of such a folder, as a stream. It is not sought in, so index, sender and parent are
    /// checked at its end.
    Stream(&'a mut dyn Read),
}

/// Where the files of an opened set go.
pub enum Output<'a> {
    /// A new folder: written aside, synced, and given its name when the whole set has held.
    Directory(&'a Path),
    /// A tar stream. Every byte is authenticated before it is written, but only success says that the set was whole.
    Tar(&'a mut (dyn Write + Send)),
}

/// How a set is opened.
#[derive(Clone, Copy)]
pub struct OpenOptions<'a> {
    /// What unlocks the set; and the sets that it builds on, where pages are read through them.
    pub unlock: Unlock<'a>,
    /// The folder of the sealed set that this one builds on. If none is named it is looked for where it was when the set
    /// was sealed.
    pub parent: Option<&'a Path>,
    /// Requires the set to be signed by this key.
    pub sender: Option<&'a VerifyingKey>,
}

/// Opens a sealed set.
///
/// # Errors
/// The source is no sealed set, the key is none of its recipients', anything in it does not hold, a required signature is
/// missing or another's, the parent is not found or is another set, the destination exists, or reading or writing fails.
/// Nothing is left of the work then but what was written to a stream.
pub fn open(
    source: SealedSource<'_>,
    output: Output<'_>,
    options: &OpenOptions<'_>,
    work: &mut Work<'_>,
) -> Result<Summary, Error> {
    let mut input = Input::new(source, options, work)?;
    match output {
        Output::Directory(path) => {
            let mut sink = FolderSink::new(path, input.header.header.deduplicated)?;
            let summary = input.read_through(&mut sink, options, work)?;
            sink.finish()?;
            Ok(summary)
        }
        Output::Tar(stream) => {
            let set = if input.header.header.deduplicated {
                Some(input.reopen(options, work)?)
            } else {
                None
            };
            let mut sink = TarSink::new(stream, set);
            let summary = input.read_through(&mut sink, options, work)?;
            sink.finish()?;
            Ok(summary)
        }
    }
}

/// Checks all of a sealed set, as opening it would, and writes nothing.
///
/// # Errors
/// As [`open`].
pub fn verify(
    source: SealedSource<'_>,
    options: &OpenOptions<'_>,
    work: &mut Work<'_>,
) -> Result<Summary, Error> {
    Input::new(source, options, work)?.read_through(&mut Nowhere, options, work)
}

/// A sealed set that is read from its start, the header being read.
struct Input<'a> {
    label: String,
    bytes: Bytes<'a>,
    header: StoredHeader,
    keys: Keys,
    /// What each group's digest must be, if the index has been read.
    digests: Vec<[u8; 32]>,
}

enum Bytes<'a> {
    File { file: File, directory: &'a Path },
    Stream(&'a mut dyn Read),
}

impl<'a> Input<'a> {
    fn new(source: SealedSource<'a>, options: &OpenOptions<'_>, work: &Work<'_>) -> Result<Self, Error> {
        match source {
            SealedSource::Directory(directory) => {
                let set = SealedSet::load(directory, work.engine, options.unlock, options.sender)?;
                set.check_parent(work.engine, options.parent)?;
                let (mut file, label, header, keys, digests) = set.into_parts();
                let start = SeekFrom::Start(header.length());
                file.seek(start).map_err(|error| Fault::Io(error).of(&label))?;
                Ok(Self {
                    label,
                    bytes: Bytes::File { file, directory },
                    header,
                    keys,
                    digests,
                })
            }
            SealedSource::Stream(stream) => {
                let label = "the sealed stream".to_owned();
                let header = StoredHeader::read(&label, stream)?;
                let keys = header.unlock(&label, work.engine, options.unlock)?;
                Ok(Self {
                    label,
                    bytes: Bytes::Stream(stream),
                    header,
                    keys,
                    digests: Vec::new(),
                })
            }
        }
    }

    /// The set once more, for reading in place.
    fn reopen(&self, options: &OpenOptions<'_>, work: &Work<'_>) -> Result<SealedSet, Error> {
        match &self.bytes {
            Bytes::File { directory, .. } => {
                SealedSet::load(directory, work.engine, options.unlock, options.sender)
            }
            Bytes::Stream(_) => Err(Error::NeedsSeeking {
                file: self.label.clone(),
            }),
        }
    }

    /// Authenticates everything and hands the files to `sink`.
    fn read_through(
        &mut self,
        sink: &mut impl Sink,
        options: &OpenOptions<'_>,
        work: &mut Work<'_>,
    ) -> Result<Summary, Error> {
        let engine = work.engine;
        let Self {
            label,
            bytes,
            header,
            keys,
            digests,
        } = self;
        let (label, signed) = (&**label, header.header.signed);
        let mut total = None;
        let source: &mut dyn Read = match bytes {
            Bytes::File { file, .. } => {
                total = Some(file.metadata().map_err(|error| Fault::Io(error).of(label))?.len());
                file
            }
            Bytes::Stream(stream) => *stream,
        };
        let mut reader = GroupReader {
            file: label,
            source,
            offset: header.length(),
            signed,
            compressed: header.header.compressed,
        };
        let mut index = Index::default();
        pipeline::run(
            || {
                let mut opener = GroupOpener::new(label, engine, keys, signed)?;
                Ok(move |group: &mut Group| opener.open(group))
            },
            |group: &mut Group| {
                if digests
                    .get(group.number as usize)
                    .is_some_and(|digest| *digest != group.digest)
                {
                    let what = format!("the table of group {}", group.number);
                    return Err(Error::unauthentic(label, group.offset, what));
                }
                apply(label, group, &mut index, sink)?;
                let digest = signed.then_some(group.digest);
                let pushed = index.groups.push(group.stored().len() as u64, digest);
                pushed.map_err(|fault| fault.at(label, group.offset).into())
            },
            |feed| {
                loop {
                    work.check_interrupt()?;
                    let mut group = feed.take()?;
                    reader.read(&mut group)?;
                    let last = group.last;
                    feed.put(group)?;
                    (work.progress)(Progress {
                        done: reader.offset,
                        total,
                    });
                    if last {
                        return Ok(());
                    }
                }
            },
        )?;
        index.check_whole().map_err(|fault| fault.of(label))?;

        let mut stream = IndexStream::new(reader, engine, keys)?;
        stream.compare(&index)?;
        let end = stream.end();
        let mut reader = stream.into_reader();
        let (slot, trailer_offset, bytes) = read_tail(&mut reader)?;
        let trailer = Trailer::decode(label, trailer_offset, &bytes, engine, keys, header.mac())?;
        check_index(label, &trailer, end, &index, header.length())?;
        let commitment = Commitment::of(engine, &header.bytes, &bytes)?;
        if let Some(key) = options.sender {
            sender::verify(label, key, commitment, slot.as_ref())?;
        }
        if total.is_none() {
            check_parent(label, &index, options, work)?;
        }
        Ok(Summary {
            files: index.files.len() as u64,
            plain_bytes: index.plain_bytes(),
            sealed_bytes: reader.offset,
            commitment,
        })
    }
}

/// Hands what an open group has to the sink.
fn apply(label: &str, group: &Group, index: &mut Index, sink: &mut impl Sink) -> Result<(), Error> {
    let at = |fault: Fault| -> Error { fault.at(label, group.offset).into() };
    let content = group.content();
    let mut place = Place {
        group: group.number,
        content: 0,
    };
    let mut events = Events(&group.manifest);
    while let Some(event) = events.next().map_err(at)? {
        let start = place.content;
        index.apply(&event, &mut place).map_err(at)?;
        let taken = content.get(start..place.content).ok_or_else(|| {
            at(Fault::value(
                "the content that a manifest tells of",
                place.content,
                content.len(),
            ))
        })?;
        match event {
            Event::Parent { link, .. } => sink.parent(link)?,
            Event::File { .. } => {
                if let Some(file) = index.files.last() {
                    sink.file(file)?;
                }
            }
            Event::Data { .. } => sink.data(location(group.number, start), taken)?,
            Event::Hole { bytes } => sink.hole(bytes)?,
            Event::Copy { location, bytes } => sink.copy(location, bytes)?,
            Event::Pad { .. } => {}
        }
        if index.left() == 0 && !matches!(event, Event::Parent { .. } | Event::Pad { .. }) {
            sink.end_file()?;
        }
    }
    if place.content == content.len() {
        return Ok(());
    }
    Err(at(Fault::value(
        "the content that a manifest tells of",
        place.content,
        content.len(),
    )))
}

type Tail = (Option<[u8; SLOT_BYTES]>, u64, [u8; TRAILER_BYTES]);

/// Reads what follows the index: the signature's slot, where the trailer starts, the trailer; nothing may follow.
fn read_tail(reader: &mut GroupReader<'_>) -> Result<Tail, Error> {
    let slot = if reader.signed {
        let mut slot = [0; SLOT_BYTES];
        reader.fill(&mut slot, "the signature")?;
        Some(slot)
    } else {
        None
    };
    let start = reader.offset;
    let mut trailer = [0; TRAILER_BYTES];
    reader.fill(&mut trailer, "the trailer")?;
    let (file, offset) = (reader.file, reader.offset);
    match reader.source.take(1).read_to_end(&mut Vec::new()) {
        Ok(0) => Ok((slot, start, trailer)),
        Ok(_) => Err(Fault::value("what follows the trailer", "more bytes", "nothing")
            .at(file, offset)
            .into()),
        Err(error) => Err(Fault::Io(error).at(file, offset).into()),
    }
}

/// Checks the parent of a set that came as a stream, so that no path in it says where from.
fn check_parent(label: &str, index: &Index, options: &OpenOptions<'_>, work: &Work<'_>) -> Result<(), Error> {
    let path = || label.to_owned();
    match (&index.parent, options.parent) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(Error::ParentNeedless { path: path() }),
        (Some(_), None) => Err(Error::ParentUnnamed { path: path() }),
        (Some(parent), Some(named)) => {
            let found = stored::commitment(named, work.engine)?;
            if found == parent.commitment {
                return Ok(());
            }
            Err(Error::ParentDiffers {
                path: named.display().to_string(),
                found,
                expected: parent.commitment,
            })
        }
    }
}
