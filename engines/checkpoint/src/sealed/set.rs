//! A sealed set in its folder, read in place.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sealab_engine::Engine;
use sealab_keys::VerifyingKey;

use super::chunks::ChunkReader;
use super::group::GroupReader;
use super::header::StoredHeader;
use super::index::{HOLE, Index};
use super::index_stream::IndexStream;
use super::keys::{Keys, Unlock};
use super::stored::{Tail, commitment, open_file};
use super::trailer::{TRAILER_BYTES, Trailer};
use super::{Commitment, Error, FILE_NAME, FileEntry, OpenOptions, Parent};
use super::{memory::SealedMemory, sender};
use crate::image::{CHAIN_MOST, Fault};

/// A sealed set whose header, trailer and index are held in memory. Content is read and authenticated as it is asked for,
/// 64 KiB at a time.
pub struct SealedSet {
    label: String,
    path: PathBuf,
    file: File,
    pub(super) header: StoredHeader,
    pub(super) keys: Keys,
    index: Index,
    commitment: Commitment,
    bytes: u64,
    reader: ChunkReader,
    parent: Option<Box<Self>>,
}

impl SealedSet {
    /// Opens the sealed set in the folder `path`, and the sets that it builds on, for reading in place.
    ///
    /// # Errors
    /// The folder has no sealed set, or another file; the key is none of its recipients'; header, trailer or index do not
    /// hold; a required signature is missing, or another's, in this set or one that it builds on; a parent is not
    /// found, or is another set.
    pub fn open(path: &Path, engine: &dyn Engine, options: &OpenOptions<'_>) -> Result<Self, Error> {
        let set = Self::open_chain(path, engine, options, options.parent, 1)?;
        if set.parent.is_none() && options.parent.is_some() {
            return Err(Error::ParentNeedless { path: set.label });
        }
        Ok(set)
    }

    /// The `depth`th set of a chain, the youngest being the first, with those that it builds on; its parent is at
    /// `named` or where the set says.
    fn open_chain(
        path: &Path,
        engine: &dyn Engine,
        options: &OpenOptions<'_>,
        named: Option<&Path>,
        depth: usize,
    ) -> Result<Self, Error> {
        let mut set = Self::load(path, engine, options.unlock, options.sender)?;
        if let Some(parent) = &set.index.parent {
            if depth == CHAIN_MOST {
                let fault = Fault::value(
                    "the number of sets in the parent chain",
                    format_args!("over {CHAIN_MOST}"),
                    format_args!("at most {CHAIN_MOST}"),
                );
                return Err(fault.of(&set.label).into());
            }
            let path = set.parent_path(parent, named)?;
            // Before the other set's own parent is followed: a set that leads back to itself is another than was named.
            check_parent(&path, commitment(&path, engine)?, parent)?;
            let opened = Self::open_chain(&path, engine, options, None, depth + 1)?;
            check_parent(&path, opened.commitment, parent)?;
            set.parent = Some(Box::new(opened));
        }
        Ok(set)
    }

    /// The set alone.
    pub(super) fn load(
        path: &Path,
        engine: &dyn Engine,
        unlock: Unlock<'_>,
        sender: Option<&VerifyingKey>,
    ) -> Result<Self, Error> {
        let label = path.join(FILE_NAME).display().to_string();
        let file = open_file(path)?;
        let header = StoredHeader::read(&label, &mut &file)?;
        let keys = header.unlock(&label, engine, unlock)?;
        let (tail, bytes) = Tail::read(&label, &file, &header)?;
        let trailer = Trailer::decode(
            &label,
            tail.trailer_offset,
            &tail.trailer,
            engine,
            &keys,
            header.mac(),
        )?;
        let commitment = Commitment::of(engine, &header.bytes, &tail.trailer)?;
        if let Some(key) = sender {
            sender::verify(&label, key, commitment, tail.slot.as_ref())?;
        }
        check_span(&label, &header, &trailer, tail.start, tail.trailer_offset)?;

        let at = trailer.index_offset;
        (&file)
            .seek(SeekFrom::Start(at))
            .map_err(|error| Fault::Io(error).at(&label, at))?;
        let mut source = &file;
        let mut stream = IndexStream::new(
            GroupReader {
                file: &label,
                source: &mut source,
                offset: at,
                signed: header.header.signed,
                compressed: header.header.compressed,
            },
            engine,
            &keys,
        )?;
        let index = stream.decode()?;
        check_index(&label, &trailer, stream.end(), &index, header.length())?;
        drop(stream);
        let reader = ChunkReader::new(engine, &keys, &header)?;
        Ok(Self {
            label,
            path: path.to_owned(),
            file,
            header,
            keys,
            index,
            commitment,
            bytes,
            reader,
            parent: None,
        })
    }

    /// Checks the commitment of the parent, if the set has one.
    pub(super) fn check_parent(&self, engine: &dyn Engine, named: Option<&Path>) -> Result<(), Error> {
        match &self.index.parent {
            None if named.is_some() => Err(Error::ParentNeedless {
                path: self.label.clone(),
            }),
            None => Ok(()),
            Some(parent) => {
                let path = self.parent_path(parent, named)?;
                check_parent(&path, commitment(&path, engine)?, parent)
            }
        }
    }

    fn parent_path(&self, parent: &Parent, named: Option<&Path>) -> Result<PathBuf, Error> {
        match named {
            Some(path) => Ok(path.to_owned()),
            None if parent.path.is_empty() => Err(Error::ParentUnnamed {
                path: self.label.clone(),
            }),
            None => Ok(self.path.join(&parent.path)),
        }
    }

    /// The file, its label, and the digests that its groups must have, which a signed set has.
    pub(super) fn into_parts(self) -> (File, String, StoredHeader, Keys, Vec<[u8; 32]>) {
        (
            self.file,
            self.label,
            self.header,
            self.keys,
            self.index.groups.digests,
        )
    }

    /// The files, in the order in which they are stored.
    pub fn files(&self) -> &[FileEntry] {
        &self.index.files
    }

    /// The file of that name.
    pub fn file(&self, name: &str) -> Option<&FileEntry> {
        Some(&self.index.files[self.index.find(name)?])
    }

    /// The set's commitment.
    pub fn commitment(&self) -> Commitment {
        self.commitment
    }

    /// What the set says of the one it builds on.
    pub fn parent_entry(&self) -> Option<&Parent> {
        self.index.parent.as_ref()
    }

    /// The set that it builds on.
    pub fn parent(&mut self) -> Option<&mut Self> {
        self.parent.as_deref_mut()
    }

    /// Bytes of the sealed file.
    pub fn sealed_bytes(&self) -> u64 {
        self.bytes
    }

    #[cfg(test)]
    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    #[cfg(test)]
    pub(super) fn segments(&self, file: usize) -> &[super::index::Segment] {
        self.index.segments_of(file)
    }

    /// What errors call the file.
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Fills `buffer` from the file `name` at `offset`.
    ///
    /// # Errors
    /// There is no such file, it ends before the buffer is full, or what is stored is not authentic. The buffer holds
    /// nothing of use then.
    pub fn read_at(&mut self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let file = self.index.find(name).ok_or_else(|| {
            let fault = Fault::value("the file", "not in the set", "there");
            fault.of(&format!("{}: {name}", self.label))
        })?;
        let size = self.index.files[file].size;
        let end = offset.checked_add(buffer.len() as u64).filter(|end| *end <= size);
        let end = end.ok_or_else(|| {
            let fault = Fault::value("the end of what is read", "behind the end of the file", size);
            fault.at(&format!("{}: {name}", self.label), offset)
        })?;
        let segments = self.index.segments_of(file);
        // The first starts at 0.
        let mut number = segments
            .partition_point(|segment| segment.start <= offset)
            .saturating_sub(1);
        let mut at = offset;
        let mut left = buffer;
        while at < end {
            let segment = segments[number];
            number += 1;
            let to = segments.get(number).map_or(size, |next| next.start).min(end);
            let (part, rest) = left.split_at_mut((to - at) as usize);
            if segment.location == HOLE {
                part.fill(0);
            } else {
                let location = segment.location + (at - segment.start);
                self.reader
                    .read(&self.label, &self.file, &self.index, location, part)?;
            }
            left = rest;
            at = to;
        }
        Ok(())
    }

    /// Fills `buffer` from the content at `location`.
    pub(super) fn read_content(&mut self, location: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.reader
            .read(&self.label, &self.file, &self.index, location, buffer)
    }

    /// The memory of the process `pid`, through the sets that this one builds on.
    ///
    /// # Errors
    /// The set has no `pagemap-PID.img`, or one of the chain's is wrong.
    pub fn memory(&mut self, pid: u32) -> Result<SealedMemory<'_>, Error> {
        SealedMemory::open(self, &format!("pagemap-{pid}.img"))
    }
}

fn check_parent(path: &Path, found: Commitment, parent: &Parent) -> Result<(), Error> {
    if found == parent.commitment {
        return Ok(());
    }
    Err(Error::ParentDiffers {
        path: path.display().to_string(),
        found,
        expected: parent.commitment,
    })
}

/// That header, groups, index and tail lie end to end.
fn check_span(
    label: &str,
    header: &StoredHeader,
    trailer: &Trailer,
    tail: u64,
    trailer_offset: u64,
) -> Result<(), Error> {
    let end = trailer.index_offset.checked_add(trailer.index_bytes);
    if trailer.index_offset >= header.length() && end == Some(tail) {
        return Ok(());
    }
    let fault = Fault::value(
        "the length of the file",
        trailer_offset + TRAILER_BYTES as u64,
        "what the trailer says; something is cut out or added",
    );
    Err(fault.at(label, trailer_offset).into())
}

/// That the index is the one that the trailer fixes, and its groups are those before it.
pub(super) fn check_index(
    label: &str,
    trailer: &Trailer,
    (end, digest): (u64, [u8; 32]),
    index: &Index,
    groups_offset: u64,
) -> Result<(), Error> {
    let groups = groups_offset.checked_add(index.groups.ends.last().copied().unwrap_or(0));
    let facts = [
        ("the digest of the index", digest == trailer.index_digest),
        (
            "the end of the index",
            Some(end) == trailer.index_offset.checked_add(trailer.index_bytes),
        ),
        (
            "the number of groups",
            index.groups.ends.len() as u64 == trailer.data_groups,
        ),
        ("the end of the groups", groups == Some(trailer.index_offset)),
    ];
    match facts.iter().find(|(_, holds)| !holds) {
        None => Ok(()),
        Some((what, _)) => {
            let fault = Fault::value(what, "another", "what the trailer says");
            Err(fault.at(label, trailer.index_offset).into())
        }
    }
}
