//! The sealed file in its folder: which it is, and its end.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};
use sealab_engine::Engine;

use super::header::StoredHeader;
use super::sender::SLOT_BYTES;
use super::trailer::TRAILER_BYTES;
use super::{Commitment, Error, FILE_NAME, recognise};
use crate::image::Fault;

/// The sealed file in the folder `path`, in which nothing else may be.
pub(super) fn open_file(path: &Path) -> Result<File, Error> {
    let label = path.display().to_string();
    let failed = |error: std::io::Error| -> Error { Fault::Io(error).of(&label).into() };
    let not_sealed = |found: &str| Error::NotSealed {
        path: label.clone(),
        found: found.to_owned(),
    };
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Err(not_sealed("no folder"));
    }
    // Without blocking, since opening a FIFO would wait; a link fails.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match openat(CWD, path.join(FILE_NAME), flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::NOENT) => return Err(not_sealed(recognise::folder(path))),
        Err(error) => return Err(failed(error.into())),
    };
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(not_sealed("a folder whose checkpoint.sealed is no regular file"));
    }
    for entry in fs::read_dir(path).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if name != FILE_NAME {
            let fault = Fault::value("a file in the folder", name.display(), "checkpoint.sealed alone");
            return Err(fault.of(&label).into());
        }
    }
    Ok(file)
}

/// What follows the index of a sealed file. Nothing of it is authentic yet.
pub(super) struct Tail {
    pub(super) start: u64,
    pub(super) slot: Option<[u8; SLOT_BYTES]>,
    pub(super) trailer_offset: u64,
    pub(super) trailer: [u8; TRAILER_BYTES],
}

impl Tail {
    pub(super) fn read(label: &str, file: &File, header: &StoredHeader) -> Result<(Self, u64), Error> {
        let failed = |error| -> Error { Fault::Io(error).of(label).into() };
        let bytes = file.metadata().map_err(failed)?.len();
        let slot_bytes = if header.header.signed { SLOT_BYTES } else { 0 } as u64;
        let least = header.length() + slot_bytes + TRAILER_BYTES as u64;
        let Some(content) = bytes.checked_sub(least) else {
            let fault = Fault::value("the length of the file", bytes, format_args!("at least {least}"));
            return Err(fault.at(label, bytes).into());
        };
        let start = header.length() + content;
        let mut tail = Self {
            start,
            slot: None,
            trailer_offset: start + slot_bytes,
            trailer: [0; TRAILER_BYTES],
        };
        if header.header.signed {
            let mut slot = [0; SLOT_BYTES];
            file.read_exact_at(&mut slot, start).map_err(failed)?;
            tail.slot = Some(slot);
        }
        file.read_exact_at(&mut tail.trailer, tail.trailer_offset)
            .map_err(failed)?;
        Ok((tail, bytes))
    }
}

/// The commitment of the sealed set in the folder `path`. It needs no key, and says which set it is, not that all of it
/// holds.
pub(super) fn commitment(path: &Path, engine: &dyn Engine) -> Result<Commitment, Error> {
    let file = open_file(path)?;
    let label = path.join(FILE_NAME).display().to_string();
    let header = StoredHeader::read(&label, &mut &file)?;
    let (tail, _) = Tail::read(&label, &file, &header)?;
    Commitment::of(engine, &header.bytes, &tail.trailer)
}
