//! The plain files of a set that is sealed as `sealed-checkpoint`.

use std::io::{self, BufReader, Read};
use std::sync::Arc;

use super::{Images, SourceError};
use crate::image::{Header, Kind, Member};
use crate::sealed::{CHUNK_BYTES, Error, SealedSet};

/// A set of the format `sealed-checkpoint`, read in place: a chunk is authentic before any byte of it is shown.
pub struct SealedFiles {
    set: SealedSet,
    members: Vec<Member>,
}

impl SealedFiles {
    /// Recognises each file of `set`.
    ///
    /// # Errors
    /// What is stored does not hold, or a file is no known image although its name ends like one.
    pub fn new(mut set: SealedSet) -> Result<Self, Error> {
        let files: Vec<(Arc<str>, u64)> = set
            .files()
            .iter()
            .map(|file| (Arc::clone(&file.name), file.size))
            .collect();
        let mut members = Vec::with_capacity(files.len());
        for (name, bytes) in files {
            let mut start = [0; 8];
            let start = &mut start[..bytes.min(8) as usize];
            set.read_at(&name, 0, start)?;
            members.push(Member {
                kind: Header::recognise(&name, start)?.kind,
                number: Kind::of_file_name(&name).and_then(|(_, number)| number),
                name: name.as_ref().to_owned(),
                bytes,
            });
        }
        members.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { set, members })
    }

    /// The set itself.
    pub fn set(&self) -> &SealedSet {
        &self.set
    }
}

impl Images for SealedFiles {
    fn members(&self) -> &[Member] {
        &self.members
    }

    fn open(&mut self, name: &str) -> Result<Box<dyn Read + '_>, SourceError> {
        let left = self.set.file(name).map_or(0, |file| file.size);
        let reader = Reader {
            set: &mut self.set,
            name: name.to_owned(),
            offset: 0,
            left,
        };
        // A chunk at a time, so that none is opened twice.
        Ok(Box::new(BufReader::with_capacity(CHUNK_BYTES, reader)))
    }
}

struct Reader<'a> {
    set: &'a mut SealedSet,
    name: String,
    offset: u64,
    left: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.left.min(buffer.len() as u64) as usize;
        self.set
            .read_at(&self.name, self.offset, &mut buffer[..count])
            .map_err(io::Error::other)?;
        self.offset += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}
