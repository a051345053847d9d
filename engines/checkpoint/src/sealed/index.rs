//! Where each byte of each file is. Built from the events of the manifests, by the sealer and the reader alike.

use std::collections::HashMap;
use std::sync::Arc;

use super::Commitment;
use super::manifest::{Event, TEXT_MOST};
use super::table::location;
use crate::image::{Fault, PARENT, check_name};

/// Files of a set, at most.
pub(super) const FILES_MOST: usize = 1 << 17;
/// Segments of all files, at most: 8 MiB of memory.
pub(super) const SEGMENTS_MOST: usize = 1 << 19;
/// Data groups, at most: 4 TiB of content.
pub(super) const GROUPS_MOST: usize = 1 << 22;
/// The location of what is not stored and reads as zeros.
pub(super) const HOLE: u64 = u64::MAX;
/// Permission bits.
const MODE_MOST: u16 = 0o777;

/// The set that a set builds on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parent {
    /// Its commitment: which set it is, and that it is unchanged.
    pub commitment: Commitment,
    /// Where the plain set's `parent` points; empty if it is no link.
    pub link: String,
    /// Where the sealed parent was when the set was sealed, from the sealed set's folder; empty if that is not known.
    pub path: String,
}

/// A file of a set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileEntry {
    /// Its name.
    pub name: Arc<str>,
    /// Its permission bits.
    pub mode: u16,
    /// Its length in bytes.
    pub size: u64,
    /// Its first segment; those up to the next file's are its own.
    pub(super) first: usize,
}

/// A run of a file that lies in one piece; it ends where the next begins, or at the file's end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Segment {
    /// Where in the file.
    pub(super) start: u64,
    /// Where in the content, or [`HOLE`].
    pub(super) location: u64,
}

/// The index.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) parent: Option<Parent>,
    pub(super) files: Vec<FileEntry>,
    pub(super) segments: Vec<Segment>,
    by_name: HashMap<Arc<str>, u32>,
    /// How far the last file is described.
    at: u64,
    pub(super) groups: Groups,
}

/// The data groups.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Groups {
    /// Where each ends, in bytes from where the first starts.
    pub(super) ends: Vec<u64>,
    /// The digest of each head and table; only in signed sets.
    pub(super) digests: Vec<[u8; 32]>,
}

impl Groups {
    /// Adds a group of `bytes` bytes.
    pub(super) fn push(&mut self, bytes: u64, digest: Option<[u8; 32]>) -> Result<(), Fault> {
        if self.ends.len() == GROUPS_MOST {
            return Err(too_many("data groups", GROUPS_MOST));
        }
        let end = self.ends.last().copied().unwrap_or(0).checked_add(bytes);
        self.ends
            .push(end.ok_or_else(|| Fault::value("the length of the groups", "over 2^64", "less"))?);
        self.digests.extend(digest);
        Ok(())
    }

    /// Where a group starts and ends.
    pub(super) fn range(&self, group: u64) -> Option<(u64, u64)> {
        let index = usize::try_from(group).ok()?;
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some((start, end))
    }
}

fn too_many(what: &'static str, most: usize) -> Fault {
    Fault::value(what, format_args!("over {most}"), format_args!("at most {most}"))
}

/// The part of a group's content that events have not yet accounted for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) group: u64,
    pub(super) content: usize,
}

impl Index {
    /// Takes note of an event; `place` moves on by the content that it accounts for.
    pub(super) fn apply(&mut self, event: &Event<'_>, place: &mut Place) -> Result<(), Fault> {
        match *event {
            Event::Parent {
                commitment,
                link,
                path,
            } => {
                self.check_whole()?;
                if self.parent.is_some() {
                    return Err(Fault::value("the parent", "named twice", "named once"));
                }
                self.set_parent(Parent {
                    commitment: Commitment(commitment),
                    link: link.to_owned(),
                    path: path.to_owned(),
                })
            }
            Event::File { name, mode, size } => self.begin(name, mode, size),
            Event::Data { bytes } => {
                let at = location(place.group, place.content);
                place.content += bytes as usize;
                self.run(at, bytes.into())
            }
            Event::Hole { bytes } => self.run(HOLE, bytes),
            Event::Copy { location: at, bytes } => {
                let end = at.checked_add(bytes);
                if end.is_none_or(|end| end > location(place.group, place.content)) {
                    return Err(Fault::value("a copied page's location", at, "one before"));
                }
                self.run(at, bytes)
            }
            Event::Pad { bytes } => {
                place.content += bytes as usize;
                Ok(())
            }
        }
    }

    pub(super) fn set_parent(&mut self, parent: Parent) -> Result<(), Fault> {
        for text in [&parent.link, &parent.path] {
            if text.len() > TEXT_MOST || text.contains('\0') {
                return Err(Fault::value(
                    "the parent's path",
                    "no path",
                    "at most 4096 bytes without NUL",
                ));
            }
        }
        self.parent = Some(parent);
        Ok(())
    }

    /// Begins a file, the one before it being whole.
    pub(super) fn begin(&mut self, name: &str, mode: u16, size: u64) -> Result<(), Fault> {
        self.check_whole()?;
        check_name(name).map_err(|error| error.fault)?;
        if name == PARENT {
            return Err(Fault::value("a file's name", PARENT, "another"));
        }
        if mode > MODE_MOST {
            return Err(Fault::value("a file's mode", mode, "at most 511"));
        }
        if self.files.len() == FILES_MOST {
            return Err(too_many("files", FILES_MOST));
        }
        let name: Arc<str> = name.into();
        if self
            .by_name
            .insert(name.clone(), self.files.len() as u32)
            .is_some()
        {
            return Err(Fault::value(
                "a file's name",
                format_args!("{name}, twice"),
                "there once",
            ));
        }
        self.files.push(FileEntry {
            name,
            mode,
            size,
            first: self.segments.len(),
        });
        self.at = 0;
        Ok(())
    }

    /// The next `bytes` bytes of the file lie at `location`.
    pub(super) fn run(&mut self, location: u64, bytes: u64) -> Result<(), Fault> {
        let file = self.files.last();
        let file = file.ok_or_else(|| Fault::value("a file's content", "without a file", "behind one"))?;
        let end = self
            .at
            .checked_add(bytes)
            .filter(|end| bytes > 0 && *end <= file.size);
        let end = end.ok_or_else(|| {
            let most = file.size - self.at;
            Fault::value(
                "a run of a file",
                bytes,
                format_args!("1 to {most}, what is left of the file"),
            )
        })?;
        let own = self.segments.len() > file.first;
        let continues = self.segments.last().filter(|_| own).is_some_and(|last| {
            if location == HOLE || last.location == HOLE {
                location == last.location
            } else {
                last.location + (self.at - last.start) == location
            }
        });
        if !continues {
            if self.segments.len() == SEGMENTS_MOST {
                return Err(too_many("runs of data and holes", SEGMENTS_MOST));
            }
            self.segments.push(Segment {
                start: self.at,
                location,
            });
        }
        self.at = end;
        Ok(())
    }

    /// Bytes of the last file that no event has described.
    pub(super) fn left(&self) -> u64 {
        self.files.last().map_or(0, |file| file.size - self.at)
    }

    /// That the last file is described to its end.
    pub(super) fn check_whole(&self) -> Result<(), Fault> {
        match self.left() {
            0 => Ok(()),
            left => {
                let name = self.files.last().map_or("", |file| &file.name);
                Err(Fault::value(
                    "what is left of a file",
                    format_args!("{left} bytes of {name}"),
                    0,
                ))
            }
        }
    }

    /// The place of the file of that name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        Some(*self.by_name.get(name)? as usize)
    }

    /// The segments of a file.
    pub(super) fn segments_of(&self, file: usize) -> &[Segment] {
        let end = self
            .files
            .get(file + 1)
            .map_or(self.segments.len(), |next| next.first);
        &self.segments[self.files[file].first..end]
    }

    /// Bytes of all files, holes included.
    pub(super) fn plain_bytes(&self) -> u64 {
        // Sizes are what the sender says; their sum is for people.
        self.files
            .iter()
            .fold(0, |sum, file| sum.saturating_add(file.size))
    }
}
