//! Files packed into groups: content behind content, told apart by each group's manifest.

use super::dedup::Dedup;
use super::group::Group;
use super::index::{Index, Parent, Place, SEGMENTS_MOST};
use super::manifest::{Event, RUN_MOST, TEXT_MOST};
use super::pipeline::Feed;
use super::table::{MANIFEST_MOST, location};
use super::{Error, GROUP_BYTES, Progress, Work};
use crate::image::PAGE_BYTES;

/// What a manifest keeps free for the runs of one filling: every second page of a full group, a padding, a run that is
/// not finished.
const RUNS_RESERVE: usize = (GROUP_BYTES / PAGE_BYTES + 2) * (RUN_MOST + 5);
/// Beyond so many segments pages are stored without being looked for, and holes as zeros, so that the index stays in
/// its bounds.
const SEGMENTS_SOFT: usize = SEGMENTS_MOST / 2;

/// Packs the files of one set.
pub(super) struct Packer<'a, 'b, 'c> {
    feed: &'a mut Feed<'b>,
    work: &'a mut Work<'c>,
    group: Group,
    index: Index,
    place: Place,
    /// The run that may yet grow.
    pending: Option<Event<'static>>,
    dedup: Option<Dedup>,
    /// How far the file is packed.
    at: u64,
    /// The file holds memory pages.
    pages: bool,
    progress: Progress,
}

impl<'a, 'b, 'c> Packer<'a, 'b, 'c> {
    pub(super) fn new(
        feed: &'a mut Feed<'b>,
        work: &'a mut Work<'c>,
        dedup: Option<Dedup>,
    ) -> Result<Self, Error> {
        let group = feed.take()?;
        Ok(Self {
            place: Place {
                group: group.number,
                content: 0,
            },
            feed,
            work,
            group,
            index: Index::default(),
            pending: None,
            dedup,
            at: 0,
            pages: false,
            progress: Progress::default(),
        })
    }

    /// Bytes there are to pack.
    pub(super) fn expect(&mut self, total: u64) {
        self.progress.total = Some(total);
    }

    /// Whether the index has room for more holes.
    pub(super) fn keeps_holes(&self) -> bool {
        self.index.segments.len() < SEGMENTS_SOFT
    }

    /// Names the set that this one builds on; the files before are whole.
    pub(super) fn parent(&mut self, parent: &Parent) -> Result<(), Error> {
        self.flush()?;
        self.reserve(2 * TEXT_MOST)?;
        self.emit(&Event::Parent {
            commitment: parent.commitment.0,
            link: &parent.link,
            path: &parent.path,
        })
    }

    /// Begins a file, those before being whole. `pages`: each 4096 bytes of it are to lie in one chunk.
    pub(super) fn begin(&mut self, name: &str, mode: u32, size: u64, pages: bool) -> Result<(), Error> {
        self.flush()?;
        self.reserve(name.len())?;
        self.emit(&Event::File {
            name,
            mode: (mode & 0o777) as u16,
            size,
        })?;
        self.at = 0;
        self.pages = pages;
        Ok(())
    }

    /// Room for the file's next bytes, at least one, and whole pages of a file of pages.
    pub(super) fn room(&mut self) -> Result<&mut [u8], Error> {
        self.reserve(0)?;
        let aligned = self.pages && self.at.is_multiple_of(PAGE_BYTES as u64);
        let step = if aligned { PAGE_BYTES } else { 1 };
        let mut start = self.group.content.next_multiple_of(step);
        if GROUP_BYTES - start < step {
            self.hand_over()?;
            start = 0;
        }
        if start > self.group.content {
            self.flush()?;
            let bytes = start - self.group.content;
            // A buffer that comes back has another group's content.
            self.group.room()[start - bytes..start].fill(0);
            self.group.content = start;
            self.emit(&Event::Pad { bytes: bytes as u32 })?;
        }
        Ok(&mut self.group.room()[start..GROUP_BYTES])
    }

    /// The first `bytes` bytes of the room are the file's next.
    pub(super) fn filled(&mut self, bytes: usize) -> Result<(), Error> {
        let start = self.group.content;
        let pages = if self.pages && self.at.is_multiple_of(PAGE_BYTES as u64) && self.keeps_holes() {
            bytes / PAGE_BYTES
        } else {
            0
        };
        self.progress.done += bytes as u64;
        let Some(mut dedup) = self.dedup.take() else {
            return self.stored(bytes);
        };
        for page in 0..pages {
            let end = self.group.content;
            let from = start + page * PAGE_BYTES;
            let bytes = &self.group.room()[from..from + PAGE_BYTES];
            match dedup.find(bytes, location(self.place.group, end))? {
                Some(location) => {
                    self.run(Event::Copy {
                        location,
                        bytes: PAGE_BYTES as u64,
                    })?;
                    self.at += PAGE_BYTES as u64;
                }
                None => {
                    self.group.room().copy_within(from..from + PAGE_BYTES, end);
                    self.stored(PAGE_BYTES)?;
                }
            }
        }
        self.dedup = Some(dedup);
        let rest = start + pages * PAGE_BYTES..start + bytes;
        let end = self.group.content;
        let bytes = rest.len();
        self.group.room().copy_within(rest, end);
        self.stored(bytes)
    }

    /// The next `bytes` bytes of the content are the file's.
    fn stored(&mut self, bytes: usize) -> Result<(), Error> {
        if bytes == 0 {
            return Ok(());
        }
        self.run(Event::Data { bytes: bytes as u32 })?;
        self.group.content += bytes;
        self.at += bytes as u64;
        Ok(())
    }

    /// The file's next `bytes` bytes are zeros that are not stored.
    pub(super) fn hole(&mut self, bytes: u64) -> Result<(), Error> {
        if bytes > 0 {
            self.reserve(0)?;
            self.run(Event::Hole { bytes })?;
            self.at += bytes;
            self.progress.done += bytes;
        }
        Ok(())
    }

    /// Seals the last group.
    pub(super) fn finish(mut self) -> Result<Index, Error> {
        self.flush()?;
        self.index.check_whole().map_err(|fault| fault.of("the set"))?;
        self.report()?;
        self.group.last = true;
        self.feed.put(self.group)?;
        Ok(self.index)
    }

    /// Room in the manifest for an event with `texts` bytes of text, and the runs behind it.
    fn reserve(&mut self, texts: usize) -> Result<(), Error> {
        // Numbers of an event beside its texts take fewer than 64 bytes.
        if self.group.manifest.len() + RUNS_RESERVE + 64 + texts > MANIFEST_MOST {
            self.hand_over()?;
        }
        Ok(())
    }

    /// Adds to the pending run, or begins one.
    fn run(&mut self, run: Event<'static>) -> Result<(), Error> {
        match (&mut self.pending, run) {
            (Some(Event::Data { bytes }), Event::Data { bytes: more }) => *bytes += more,
            (Some(Event::Hole { bytes }), Event::Hole { bytes: more }) => *bytes += more,
            (
                Some(Event::Copy { location, bytes }),
                Event::Copy {
                    location: next,
                    bytes: more,
                },
            ) if *location + *bytes == next => {
                *bytes += more;
            }
            _ => {
                self.flush()?;
                self.pending = Some(run);
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        match self.pending.take() {
            Some(run) => self.emit(&run),
            None => Ok(()),
        }
    }

    fn emit(&mut self, event: &Event<'_>) -> Result<(), Error> {
        event.encode(&mut self.group.manifest);
        let applied = self.index.apply(event, &mut self.place);
        applied.map_err(|fault| {
            let file = match event {
                Event::File { name, .. } => name,
                _ => self.index.files.last().map_or("the set", |file| &*file.name),
            };
            fault.of(file).into()
        })
    }

    fn hand_over(&mut self) -> Result<(), Error> {
        self.flush()?;
        self.report()?;
        let next = self.feed.take()?;
        self.place = Place {
            group: next.number,
            content: 0,
        };
        self.feed.put(std::mem::replace(&mut self.group, next))
    }

    fn report(&mut self) -> Result<(), Error> {
        self.work.check_interrupt()?;
        (self.work.progress)(self.progress);
        Ok(())
    }
}
