//! A plain set that comes as a tar stream.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};

use tar::{Archive, Entry, EntryType};

use super::Error;
use super::pack::Packer;
use super::plain::PlainSet;
use super::source::{SealedParent, check_parent_used, name_parent};
use crate::image::{Fault, Header, Kind, PARENT, check_name, quoted};

const LABEL: &str = "the tar stream";
/// Bytes of a block of a tar stream.
const BLOCK_BYTES: usize = 512;
/// The most bytes from one entry's content to the next one's: headers, and long names, which are held in memory.
const HEADERS_MOST: u64 = 256 << 10;

/// Packs the entries of a tar stream, in their order: regular files without a folder, and the link `parent`. The stream
/// must have its end: two blocks of zeros, and nothing but zeros behind them.
pub(super) fn pack_tar(
    source: &mut dyn Read,
    mut parent: SealedParent,
    packer: &mut Packer<'_, '_, '_>,
) -> Result<(), Error> {
    let state = State::default();
    let mut archive = Archive::new(Watched {
        source,
        state: &state,
    });
    let mut set = PlainSet::default();
    let failed = |error| -> Error { unreadable(&error).at(LABEL, state.offset.get()).into() };
    {
        let mut entries = archive.entries().map_err(failed)?;
        loop {
            state.allowed.set(HEADERS_MOST);
            let Some(entry) = entries.next() else {
                break;
            };
            let mut entry = entry.map_err(failed)?;
            state.allowed.set(u64::MAX);
            pack_entry(&mut entry, &mut parent, &mut set, packer)?;
        }
    }
    check_parent_used(LABEL, &parent)?;
    check_end(&mut archive.into_inner())?;
    if set.is_empty() {
        return Err(Fault::value("the number of files", 0, "at least 1")
            .of(LABEL)
            .into());
    }
    Ok(set.check()?)
}

fn pack_entry<R: Read>(
    entry: &mut Entry<'_, R>,
    parent: &mut SealedParent,
    set: &mut PlainSet,
    packer: &mut Packer<'_, '_, '_>,
) -> Result<(), Error> {
    let offset = entry.raw_header_position();
    let wrong = |what, found: &dyn fmt::Display, expected: &str| -> Error {
        Fault::value(what, found, expected).at(LABEL, offset).into()
    };
    let name = String::from_utf8(entry.path_bytes().into_owned())
        .map_err(|_| wrong("an entry's name", &"broken", "UTF-8"))?;
    let kind = entry.header().entry_type();
    if kind == EntryType::Directory && matches!(&*name, "." | "./") {
        return Ok(());
    }
    let name = name.strip_prefix("./").unwrap_or(&name);
    match kind {
        EntryType::Symlink if name == PARENT => {
            let link = entry.link_name_bytes().unwrap_or_default().into_owned();
            let link =
                String::from_utf8(link).map_err(|_| wrong("where the link points", &"broken", "UTF-8"))?;
            name_parent(packer, LABEL, parent, link)
        }
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            pack_file(name, entry, set, packer)
        }
        other => Err(wrong(
            "the kind of an entry",
            &format_args!("{other:?} ({})", quoted(name)),
            "a regular file, or the link `parent`",
        )),
    }
}

fn pack_file<R: Read>(
    name: &str,
    entry: &mut Entry<'_, R>,
    set: &mut PlainSet,
    packer: &mut Packer<'_, '_, '_>,
) -> Result<(), Error> {
    check_name(name)?;
    let size = entry.size();
    let mode = entry
        .header()
        .mode()
        .map_err(|error| unreadable(&error).of(name))?;
    let mut first = Vec::with_capacity(8);
    let read = entry.take(8).read_to_end(&mut first);
    read.map_err(|error| unreadable(&error).at(name, 0))?;
    let kind = Header::recognise(name, &first)?.kind;
    packer.begin(name, mode, size, kind == Kind::Pages)?;
    let mut source = first.as_slice().chain(entry);
    if set.note(name, kind, size) {
        return set.pack(name, size, source, packer);
    }
    let mut at = 0;
    while at < size {
        let room = packer.room()?;
        let bytes = usize::try_from(size - at).map_or(room.len(), |left| left.min(room.len()));
        let read = source.read_exact(&mut room[..bytes]);
        read.map_err(Error::read(name, at, "the file", bytes))?;
        packer.filled(bytes)?;
        at += bytes as u64;
    }
    Ok(())
}

/// What the reader of archives says, which quotes the archive as it is.
fn unreadable(error: &io::Error) -> Fault {
    Fault::Io(io::Error::new(error.kind(), quoted(&error.to_string())))
}

/// That a second block of zeros follows the one that ended the entries, and then only zeros. Reading entries ends at the
/// end of the stream as well, which says nothing of whether more were to come.
fn check_end(source: &mut Watched<'_, '_>) -> Result<(), Error> {
    let state = source.state;
    let start = state.offset.get();
    state.allowed.set(u64::MAX);
    let mut zeros = if state.ended.get() { 0 } else { BLOCK_BYTES };
    let mut buffer = [0; 16 * BLOCK_BYTES];
    let mut at = start;
    loop {
        let count = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Fault::Io(error).at(LABEL, at).into()),
        };
        if let Some(place) = buffer[..count].iter().position(|byte| *byte != 0) {
            let found = format_args!("{:#04x}", buffer[place]);
            let fault = Fault::value("what follows the last entry", found, "zeros");
            return Err(fault.at(LABEL, at + place as u64).into());
        }
        at += count as u64;
        zeros = (zeros + count).min(2 * BLOCK_BYTES);
    }
    if zeros == 2 * BLOCK_BYTES {
        return Ok(());
    }
    let found = match zeros {
        0 => "none: the stream is cut off, or empty".to_owned(),
        zeros => format!("{zeros} bytes of zeros: the stream is cut off"),
    };
    Err(
        Fault::value("the end of the archive", found, "two blocks of 512 zeros")
            .at(LABEL, at)
            .into(),
    )
}

/// How far a stream has been read.
#[derive(Default)]
struct State {
    offset: Cell<u64>,
    /// Bytes that may yet be read.
    allowed: Cell<u64>,
    /// The stream has said that it ends.
    ended: Cell<bool>,
}

struct Watched<'s, 'd> {
    source: &'d mut dyn Read,
    state: &'s State,
}

impl Read for Watched<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.state;
        let allowed = state.allowed.get();
        if allowed == 0 {
            let problem = format!("the headers of an entry take over {HEADERS_MOST} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        let most = usize::try_from(allowed).map_or(buffer.len(), |allowed| allowed.min(buffer.len()));
        let count = self.source.read(&mut buffer[..most])?;
        state.offset.set(state.offset.get() + count as u64);
        state.allowed.set(allowed - count as u64);
        state.ended.set(count == 0 && !buffer.is_empty());
        Ok(count)
    }
}
