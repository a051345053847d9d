//! Finding the entries of a tar that goes by in pieces, or of which only the headers are read.
//!
//! It reads what Go's `archive/tar` reads, which container runtimes unpack layers with: ustar, pax and GNU headers. Nothing
//! is kept but the entries, within bounds.

use tar::Header;

use super::entry::{Budget, Entry, EntryKind, MAX_PATH_BYTES};
use super::pax::Pax;
use crate::Error;

const BLOCK: usize = 512;
/// The longest extended header or long name that is read, in bytes; Go's bound too.
const MAX_EXTENSION_BYTES: u64 = 1 << 20;

/// Reads a tar from front to end.
pub(crate) struct TarScanner {
    /// Where the next byte stands.
    place: u64,
    /// How much of what comes next says nothing.
    skip: u64,
    /// What is read next, as much of it as came.
    block: Vec<u8>,
    wanted: usize,
    state: State,
    extensions: Extensions,
    entries: Vec<Entry>,
    budget: Budget,
}

enum State {
    Header,
    /// After a block of zeros, which another one must follow.
    Zeros,
    /// The data of an extension header, of so many bytes and padding.
    Extension(Extension, usize),
    /// The rest of an old sparse file's map; then come so many bytes.
    SparseMap(u64),
    Ended,
}

#[derive(Clone, Copy)]
enum Extension {
    Pax,
    LongName,
    LongLink,
}

/// What stands before an entry's own header.
#[derive(Default)]
struct Extensions {
    pax: Option<Pax>,
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl TarScanner {
    pub(crate) fn new(budget: Budget) -> Self {
        Self {
            place: 0,
            skip: 0,
            block: Vec::with_capacity(BLOCK),
            wanted: BLOCK,
            state: State::Header,
            extensions: Extensions::default(),
            entries: Vec::new(),
            budget,
        }
    }

    /// Takes the next bytes of the tar.
    pub(crate) fn update(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            if matches!(self.state, State::Ended) {
                self.place += bytes.len() as u64;
                return Ok(());
            }
            let passed = self.skip.min(bytes.len() as u64);
            self.pass(passed);
            bytes = &bytes[passed as usize..];
            let (part, behind) = bytes.split_at(bytes.len().min(self.wanted - self.block.len()));
            self.block.extend_from_slice(part);
            self.place += part.len() as u64;
            bytes = behind;
            if self.block.len() == self.wanted {
                let mut block = std::mem::take(&mut self.block);
                self.wanted = BLOCK;
                self.step(&block)?;
                block.clear();
                self.block = block;
            }
        }
        Ok(())
    }

    /// What must be read next: where it stands, and its length in bytes. `None` at the tar's end.
    pub(super) fn wants(&self) -> Option<(u64, usize)> {
        match self.state {
            State::Ended => None,
            _ => Some((self.place + self.skip, self.wanted - self.block.len())),
        }
    }

    /// Goes on as if what says nothing had been read.
    pub(super) fn pass_content(&mut self) {
        self.pass(self.skip);
    }

    fn pass(&mut self, bytes: u64) {
        self.skip -= bytes;
        self.place += bytes;
    }

    /// The entries, once all of a tar of `tar_bytes` was taken.
    pub(crate) fn finish(self, tar_bytes: u64) -> Result<Vec<Entry>, Error> {
        let between = self.skip == 0 && self.block.is_empty() && self.extensions.is_empty();
        match self.state {
            State::Ended => Ok(self.entries),
            State::Header | State::Zeros if between && self.place == tar_bytes => Ok(self.entries),
            _ => Err(wrong(tar_bytes, "it ends within an entry: it was cut")),
        }
    }

    fn step(&mut self, block: &[u8]) -> Result<(), Error> {
        let start = self.place - block.len() as u64;
        match std::mem::replace(&mut self.state, State::Header) {
            State::Header if block.iter().all(|byte| *byte == 0) => {
                if !self.extensions.is_empty() {
                    return Err(wrong(start, "an extended header stands before no entry"));
                }
                self.state = State::Zeros;
                Ok(())
            }
            State::Header => self.header(Header::from_byte_slice(block), start),
            State::Zeros if block.iter().all(|byte| *byte == 0) => {
                self.state = State::Ended;
                Ok(())
            }
            State::Zeros => Err(wrong(start, "one block of zeros stands alone; two end a tar")),
            State::Extension(kind, length) => self.extension(kind, &block[..length], start),
            State::SparseMap(content) => {
                // Byte 504 says whether another block follows.
                if block[504] == 0 {
                    self.content(content)
                } else {
                    self.state = State::SparseMap(content);
                    Ok(())
                }
            }
            State::Ended => Ok(()),
        }
    }

    fn header(&mut self, header: &Header, start: u64) -> Result<(), Error> {
        let sum: u32 = header
            .as_bytes()
            .iter()
            .enumerate()
            // The checksum's own field counts as spaces.
            .map(|(at, byte)| u32::from(if (148..156).contains(&at) { b' ' } else { *byte }))
            .sum();
        if header.cksum().ok() != Some(sum) {
            return Err(wrong(start, "no header stands there: its checksum does not hold"));
        }
        let old = header.as_old();
        let stored = field(&old.size, header.entry_size(), start, "size")?;
        let kind = match old.linkflag[0] {
            b'x' => Some(Extension::Pax),
            b'L' => Some(Extension::LongName),
            b'K' => Some(Extension::LongLink),
            _ => None,
        };
        if let Some(kind) = kind {
            if stored > MAX_EXTENSION_BYTES {
                return Err(wrong(
                    start,
                    format!("an extended header has {stored} bytes; at most {MAX_EXTENSION_BYTES} are read"),
                ));
            }
            if stored == 0 {
                return self.extension(kind, &[], start);
            }
            self.wanted = (stored as usize).next_multiple_of(BLOCK);
            self.state = State::Extension(kind, stored as usize);
            return Ok(());
        }
        // For all entries behind it; runtimes leave it aside too.
        if old.linkflag[0] == b'g' {
            return self.content(stored);
        }
        let extensions = std::mem::take(&mut self.extensions);
        self.entry(header, extensions, stored, start)
    }

    fn extension(&mut self, kind: Extension, data: &[u8], start: u64) -> Result<(), Error> {
        let text = || {
            let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
            data[..end].to_vec()
        };
        let twice = match kind {
            Extension::Pax => {
                let pax =
                    Pax::parse(data).map_err(|(offset, problem)| wrong(start + offset as u64, problem))?;
                self.extensions.pax.replace(pax).is_some()
            }
            Extension::LongName => self.extensions.name.replace(text()).is_some(),
            Extension::LongLink => self.extensions.link.replace(text()).is_some(),
        };
        if twice {
            return Err(wrong(start, "an entry has two extended headers of one kind"));
        }
        Ok(())
    }

    fn entry(
        &mut self,
        header: &Header,
        extensions: Extensions,
        stored: u64,
        start: u64,
    ) -> Result<(), Error> {
        let (pax, old) = (extensions.pax.unwrap_or_default(), header.as_old());
        let stored = pax.size.unwrap_or(stored);
        let sparse_name = pax.sparse_name.filter(|_| pax.sparse);
        let path = extensions
            .name
            .or(sparse_name)
            .or(pax.path)
            .unwrap_or_else(|| header.path_bytes().into_owned());
        let link = extensions
            .link
            .or(pax.link)
            .or_else(|| header.link_name_bytes().map(|link| link.into_owned()))
            .unwrap_or_default();
        for (what, text) in [("path", &path), ("link", &link)] {
            if text.len() > MAX_PATH_BYTES || text.contains(&0) {
                return Err(wrong(
                    start,
                    format!(
                        "a {what} has {} bytes; at most {MAX_PATH_BYTES} are read, and no zero byte",
                        text.len()
                    ),
                ));
            }
        }
        if path.is_empty() {
            return Err(wrong(start, "an entry has no path"));
        }
        let device = || {
            let number = |number: std::io::Result<Option<u32>>| number.ok().flatten().unwrap_or(0);
            (number(header.device_major()), number(header.device_minor()))
        };
        // Where no content can be, none follows whatever the size says: so Go reads it.
        let mut content = 0;
        let mut map_follows = false;
        let kind = match old.linkflag[0] {
            0 if path.ends_with(b"/") => {
                content = stored;
                EntryKind::Directory
            }
            0 | b'0' | b'7' => {
                content = stored;
                match pax.sparse {
                    true => EntryKind::Sparse {
                        size: pax.sparse_size.unwrap_or(stored),
                    },
                    false => EntryKind::Regular {
                        size: stored,
                        offset: self.place,
                    },
                }
            }
            b'1' => EntryKind::HardLink(link),
            b'2' => EntryKind::Symlink(link),
            b'3' => {
                let (major, minor) = device();
                EntryKind::CharacterDevice { major, minor }
            }
            b'4' => {
                let (major, minor) = device();
                EntryKind::BlockDevice { major, minor }
            }
            b'5' => EntryKind::Directory,
            b'6' => EntryKind::Fifo,
            b'S' => {
                let gnu = header
                    .as_gnu()
                    .ok_or_else(|| wrong(start, "a sparse file's header is not GNU's"))?;
                content = stored;
                map_follows = gnu.is_extended();
                EntryKind::Sparse {
                    size: field(&gnu.realsize, gnu.real_size(), start, "real size")?,
                }
            }
            other => {
                return Err(wrong(
                    start,
                    format!(
                        "an entry is of type {:?}, which layers have not",
                        other.escape_ascii().to_string()
                    ),
                ));
            }
        };
        let owner = |sealed: Option<u64>, field: Result<u64, Error>| {
            let number = sealed.map_or(field, Ok)?;
            u32::try_from(number).map_err(|_| {
                wrong(
                    start,
                    format!("an owner has the number {number}; at most {} are read", u32::MAX),
                )
            })
        };
        let entry = Entry {
            kind,
            path,
            mode: field(&old.mode, header.mode().map(u64::from), start, "mode")? as u32 & 0o7777,
            uid: owner(pax.uid, field(&old.uid, header.uid(), start, "uid"))?,
            gid: owner(pax.gid, field(&old.gid, header.gid(), start, "gid"))?,
            mtime: match pax.mtime {
                Some(mtime) => mtime,
                None => field(&old.mtime, header.mtime(), start, "mtime")? as i64,
            },
            xattrs: pax.xattrs,
        };
        if !self.budget.take(&entry) {
            return Err(wrong(start, "it has more entries, or longer ones, than are read"));
        }
        self.entries.push(entry);
        if map_follows {
            self.state = State::SparseMap(content);
            return Ok(());
        }
        self.content(content)
    }

    /// So many bytes of content follow, and then padding.
    fn content(&mut self, bytes: u64) -> Result<(), Error> {
        let padded = bytes.checked_next_multiple_of(BLOCK as u64);
        self.skip = padded
            .filter(|padded| {
                self.place
                    .checked_add(*padded)
                    .is_some_and(|end| end <= i64::MAX as u64)
            })
            .ok_or_else(|| {
                wrong(
                    self.place,
                    format!("an entry has {bytes} bytes, longer than any layer"),
                )
            })?;
        Ok(())
    }
}

impl Extensions {
    fn is_empty(&self) -> bool {
        self.pax.is_none() && self.name.is_none() && self.link.is_none()
    }
}

/// A number of a header; blank fields are 0, as Go has it.
fn field(text: &[u8], number: std::io::Result<u64>, start: u64, what: &str) -> Result<u64, Error> {
    if text.iter().all(|byte| matches!(byte, 0 | b' ')) {
        return Ok(0);
    }
    number.map_err(|_| wrong(start, format!("a header's {what} is no number")))
}

fn wrong(offset: u64, problem: impl Into<String>) -> Error {
    Error::malformed(format!("the tar, offset {offset}"), problem)
}
