//! Where opened files go: a new folder, a tar stream, or nowhere.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use tar::{Builder, EntryType, Header};
use zeroize::Zeroizing;

use super::{CHUNK_BYTES, Error, FileEntry, SealedSet};
use crate::aside::Aside;
use crate::image::PARENT;

/// Takes files, one after another, each from its start to its end.
pub(super) trait Sink: Send {
    /// Where the plain set's `parent` points.
    fn parent(&mut self, link: &str) -> Result<(), Error>;
    /// A file begins.
    fn file(&mut self, file: &FileEntry) -> Result<(), Error>;
    /// The file's next bytes, which lie at `location`.
    fn data(&mut self, location: u64, bytes: &[u8]) -> Result<(), Error>;
    /// The file's next bytes are zeros.
    fn hole(&mut self, bytes: u64) -> Result<(), Error>;
    /// The file's next bytes are those at `location`.
    fn copy(&mut self, location: u64, bytes: u64) -> Result<(), Error>;
    /// The file is whole.
    fn end_file(&mut self) -> Result<(), Error>;
}

/// Takes everything and keeps nothing.
pub(super) struct Nowhere;

impl Sink for Nowhere {
    fn parent(&mut self, _: &str) -> Result<(), Error> {
        Ok(())
    }
    fn file(&mut self, _: &FileEntry) -> Result<(), Error> {
        Ok(())
    }
    fn data(&mut self, _: u64, _: &[u8]) -> Result<(), Error> {
        Ok(())
    }
    fn hole(&mut self, _: u64) -> Result<(), Error> {
        Ok(())
    }
    fn copy(&mut self, _: u64, _: u64) -> Result<(), Error> {
        Ok(())
    }
    fn end_file(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// A folder that appears under its name when all files are there. Holes are holes.
pub(super) struct FolderSink {
    directory: Aside,
    destination: String,
    file: Option<(FileEntry, File)>,
    at: u64,
    /// Where data was written, by its location; kept if pages may be copied from there.
    written: Option<Vec<Written>>,
    /// The file that was copied from last.
    source: Option<(Arc<str>, File)>,
    buffer: Zeroizing<Vec<u8>>,
}

/// A run of data in a file.
struct Written {
    location: u64,
    bytes: u64,
    name: Arc<str>,
    start: u64,
}

impl FolderSink {
    pub(super) fn new(destination: &Path, copies: bool) -> Result<Self, Error> {
        let label = destination.display().to_string();
        Ok(Self {
            directory: Aside::new(destination).map_err(Error::write(&label))?,
            destination: label,
            file: None,
            at: 0,
            written: copies.then(Vec::new),
            source: None,
            buffer: Zeroizing::new(Vec::new()),
        })
    }

    pub(super) fn finish(self) -> Result<(), Error> {
        self.directory.finish().map_err(Error::write(&self.destination))
    }

    /// Does `act` with the file that is being written.
    fn with_file(&self, act: impl FnOnce(&FileEntry, &File) -> io::Result<()>) -> Result<(), Error> {
        match &self.file {
            Some((entry, file)) => act(entry, file).map_err(Error::write(&entry.name)),
            // The index has refused content without a file.
            None => Ok(()),
        }
    }

    /// Reads again what was written; `None` if nothing of that location was.
    fn read_back(&mut self, location: u64, bytes: &mut [u8]) -> io::Result<Option<usize>> {
        let written = self.written.as_deref().unwrap_or_default();
        let after = written.partition_point(|run| run.location <= location);
        let run = after.checked_sub(1).map(|run| &written[run]);
        let Some(run) = run.filter(|run| location - run.location < run.bytes) else {
            return Ok(None);
        };
        let most = run.bytes - (location - run.location);
        let bytes_now = usize::try_from(most).map_or(bytes.len(), |most| most.min(bytes.len()));
        if !matches!(&self.source, Some((name, _)) if *name == run.name) {
            self.source = Some((run.name.clone(), self.directory.read(&run.name)?));
        }
        if let Some((_, file)) = &self.source {
            file.read_exact_at(&mut bytes[..bytes_now], run.start + (location - run.location))?;
        }
        Ok(Some(bytes_now))
    }
}

impl Sink for FolderSink {
    fn parent(&mut self, link: &str) -> Result<(), Error> {
        if link.is_empty() {
            return Ok(());
        }
        self.directory.link(PARENT, link).map_err(Error::write(PARENT))
    }

    fn file(&mut self, file: &FileEntry) -> Result<(), Error> {
        let created = self
            .directory
            .create(&file.name)
            .map_err(Error::write(&file.name))?;
        self.file = Some((file.clone(), created));
        self.at = 0;
        Ok(())
    }

    fn data(&mut self, location: u64, bytes: &[u8]) -> Result<(), Error> {
        let at = self.at;
        self.with_file(|_, file| file.write_all_at(bytes, at))?;
        if let (Some(written), Some((entry, _))) = (&mut self.written, &self.file) {
            let length = bytes.len() as u64;
            match written.last_mut() {
                Some(last)
                    if last.name == entry.name
                        && last.location + last.bytes == location
                        && last.start + last.bytes == at =>
                {
                    last.bytes += length;
                }
                _ => written.push(Written {
                    location,
                    bytes: length,
                    name: entry.name.clone(),
                    start: at,
                }),
            }
        }
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn hole(&mut self, bytes: u64) -> Result<(), Error> {
        self.at += bytes;
        Ok(())
    }

    fn copy(&mut self, mut location: u64, mut bytes: u64) -> Result<(), Error> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(CHUNK_BYTES, 0);
        while bytes > 0 {
            let most = bytes.min(CHUNK_BYTES as u64) as usize;
            let read = self.read_back(location, &mut buffer[..most]);
            let read = read.map_err(Error::write(&self.destination))?;
            let read = read.ok_or_else(|| super::chunks::no_content(&self.destination, location))?;
            let at = self.at;
            self.with_file(|_, file| file.write_all_at(&buffer[..read], at))?;
            self.at += read as u64;
            location += read as u64;
            bytes -= read as u64;
        }
        self.buffer = buffer;
        Ok(())
    }

    fn end_file(&mut self) -> Result<(), Error> {
        self.with_file(|entry, file| {
            // Grows by the hole at the end, if there is one.
            file.set_len(entry.size)?;
            file.set_permissions(Permissions::from_mode(entry.mode.into()))?;
            file.sync_all()
        })?;
        self.file = None;
        Ok(())
    }
}

/// A tar stream.
pub(super) struct TarSink<W: Write + Send> {
    builder: Builder<W>,
    size: u64,
    /// Where copied pages are read from, if there may be any.
    set: Option<SealedSet>,
    buffer: Zeroizing<Vec<u8>>,
}

const LABEL: &str = "the tar stream";
/// Entries of a tar stream are padded to whole blocks.
const TAR_BLOCK: u64 = 512;

impl<W: Write + Send> TarSink<W> {
    pub(super) fn new(output: W, set: Option<SealedSet>) -> Self {
        Self {
            builder: Builder::new(output),
            size: 0,
            set,
            buffer: Zeroizing::new(Vec::new()),
        }
    }

    pub(super) fn finish(self) -> Result<(), Error> {
        let mut output = self.builder.into_inner().map_err(Error::write(LABEL))?;
        output.flush().map_err(Error::write(LABEL))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.builder
            .get_mut()
            .write_all(bytes)
            .map_err(Error::write(LABEL))
    }

    fn zeros(&mut self, bytes: u64) -> Result<(), Error> {
        io::copy(&mut io::Read::take(io::repeat(0), bytes), self.builder.get_mut())
            .map(drop)
            .map_err(Error::write(LABEL))
    }
}

impl<W: Write + Send> Sink for TarSink<W> {
    fn parent(&mut self, link: &str) -> Result<(), Error> {
        if link.is_empty() {
            return Ok(());
        }
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Symlink);
        header.set_mode(0o777);
        header.set_size(0);
        self.builder
            .append_link(&mut header, PARENT, link)
            .map_err(Error::write(LABEL))
    }

    fn file(&mut self, file: &FileEntry) -> Result<(), Error> {
        let mut header = Header::new_gnu();
        header.set_mode(file.mode.into());
        header.set_size(file.size);
        self.size = file.size;
        // The content follows as it comes; the builder does not look at how long it is.
        self.builder
            .append_data(&mut header, &*file.name, io::empty())
            .map_err(Error::write(LABEL))
    }

    fn data(&mut self, _: u64, bytes: &[u8]) -> Result<(), Error> {
        self.write(bytes)
    }

    fn hole(&mut self, bytes: u64) -> Result<(), Error> {
        self.zeros(bytes)
    }

    fn copy(&mut self, mut location: u64, mut bytes: u64) -> Result<(), Error> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(CHUNK_BYTES, 0);
        while bytes > 0 {
            let read = bytes.min(CHUNK_BYTES as u64) as usize;
            let set = self.set.as_mut().ok_or_else(|| Error::NeedsSeeking {
                file: LABEL.to_owned(),
            })?;
            set.read_content(location, &mut buffer[..read])?;
            self.write(&buffer[..read])?;
            location += read as u64;
            bytes -= read as u64;
        }
        self.buffer = buffer;
        Ok(())
    }

    fn end_file(&mut self) -> Result<(), Error> {
        self.zeros(self.size.next_multiple_of(TAR_BLOCK) - self.size)
    }
}
