//! The files of a plain set, from a folder or a tar stream, handed to the packer.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use tar::{Archive, Entry, EntryType};

use super::index::Parent;
use super::pack::Packer;
use super::{Commitment, Error, FILE_NAME};
use crate::image::{Fault, Header, Kind, PAGE_BYTES, PARENT, Set, next_data};

/// The set that is to be named as the parent: its commitment, and the way to it.
pub(super) type SealedParent = Option<(Commitment, String)>;

/// Names the parent, the plain set's link to it being `link`.
fn name_parent(
    packer: &mut Packer<'_, '_, '_>,
    path: &str,
    sealed: &mut SealedParent,
    link: String,
) -> Result<(), Error> {
    let (commitment, way) = sealed.take().ok_or_else(|| Error::ParentUnnamed {
        path: path.to_owned(),
    })?;
    packer.parent(&Parent {
        commitment,
        link,
        path: way,
    })
}

fn check_parent_used(path: &str, sealed: &SealedParent) -> Result<(), Error> {
    match sealed {
        None => Ok(()),
        Some(_) => Err(Error::ParentNeedless {
            path: path.to_owned(),
        }),
    }
}

/// Packs the folder `path`: images in the order of their names, then files of pages. Where the file system can tell,
/// holes stay holes.
pub(super) fn pack_directory(
    path: &Path,
    mut parent: SealedParent,
    packer: &mut Packer<'_, '_, '_>,
) -> Result<(), Error> {
    let set = Set::open(path)?;
    let label = path.display().to_string();
    if set.member(FILE_NAME).is_some() {
        return Err(Fault::value("the set", "sealed already", "a plain one")
            .of(&label)
            .into());
    }
    packer.expect(set.members().iter().map(|member| member.bytes).sum());
    if set.has_parent() {
        let link = match fs::read_link(path.join(PARENT)) {
            Ok(link) => link
                .into_os_string()
                .into_string()
                .map_err(|link| Fault::value("where the link points", link.display(), "UTF-8").of(PARENT))?,
            // A folder of that name.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => String::new(),
            Err(error) => return Err(Fault::Io(error).of(PARENT).into()),
        };
        name_parent(packer, &label, &mut parent, link)?;
    }
    check_parent_used(&label, &parent)?;
    let (pages, images): (Vec<_>, Vec<_>) = set
        .members()
        .iter()
        .partition(|member| member.kind == Kind::Pages);
    for member in images.into_iter().chain(pages) {
        let (file, size) = set.open_file(&member.name)?;
        pack_file(&member.name, &file, size, member.kind == Kind::Pages, packer)?;
    }
    Ok(())
}

fn pack_file(
    name: &str,
    file: &File,
    size: u64,
    pages: bool,
    packer: &mut Packer<'_, '_, '_>,
) -> Result<(), Error> {
    let failed = |offset| move |error| -> Error { Fault::Io(error).at(name, offset).into() };
    let status = file.metadata().map_err(failed(0))?;
    packer.begin(name, status.permissions().mode(), size, pages)?;
    let mut at = 0;
    while at < size {
        let run = if packer.keeps_holes() {
            next_data(file, at).map_err(failed(at))?.unwrap_or(size..size)
        } else {
            at..size
        };
        // Holes of a file system with blocks shorter than a page end within one.
        let page = PAGE_BYTES as u64;
        let start = (run.start / page * page).clamp(at, size);
        let end = run.end.checked_next_multiple_of(page).unwrap_or(size).min(size);
        packer.hole(start - at)?;
        at = start;
        while at < end {
            let room = packer.room()?;
            let bytes = usize::try_from(end - at).map_or(room.len(), |left| left.min(room.len()));
            let read = file.read_exact_at(&mut room[..bytes], at);
            read.map_err(Error::read(name, at, "the file", bytes))?;
            packer.filled(bytes)?;
            at += bytes as u64;
        }
    }
    let after = file.metadata().map_err(failed(size))?.len();
    if after != size {
        let fault = Fault::value("the length of the file", after, format_args!("{size}, as before"));
        return Err(fault.at(name, size.min(after)).into());
    }
    Ok(())
}

/// Packs the entries of a tar stream, in their order: regular files without a folder, and the link `parent`.
pub(super) fn pack_tar(
    source: &mut dyn Read,
    mut parent: SealedParent,
    packer: &mut Packer<'_, '_, '_>,
) -> Result<(), Error> {
    const LABEL: &str = "the tar stream";
    let mut archive = Archive::new(source);
    let failed = |error| -> Error { Fault::Io(error).of(LABEL).into() };
    for entry in archive.entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let offset = entry.raw_header_position();
        let wrong = |what, found: &dyn std::fmt::Display, expected: &str| -> Error {
            Fault::value(what, found, expected).at(LABEL, offset).into()
        };
        let name = String::from_utf8(entry.path_bytes().into_owned())
            .map_err(|_| wrong("an entry's name", &"broken", "UTF-8"))?;
        let kind = entry.header().entry_type();
        if kind == EntryType::Directory && matches!(&*name, "." | "./") {
            continue;
        }
        let name = name.strip_prefix("./").unwrap_or(&name);
        match kind {
            EntryType::Symlink if name == PARENT => {
                let link = entry.link_name_bytes().unwrap_or_default().into_owned();
                let link = String::from_utf8(link)
                    .map_err(|_| wrong("where the link points", &"broken", "UTF-8"))?;
                name_parent(packer, LABEL, &mut parent, link)?;
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                pack_entry(name, &mut entry, packer)?;
            }
            other => {
                let found = format_args!("{other:?} ({name})").to_string();
                return Err(wrong(
                    "the kind of an entry",
                    &found,
                    "a regular file, or the link `parent`",
                ));
            }
        }
    }
    check_parent_used(LABEL, &parent)
}

fn pack_entry<R: Read>(
    name: &str,
    entry: &mut Entry<'_, R>,
    packer: &mut Packer<'_, '_, '_>,
) -> Result<(), Error> {
    let size = entry.size();
    let mode = entry.header().mode().map_err(|error| Fault::Io(error).of(name))?;
    let mut first = Vec::with_capacity(8);
    let read = entry.take(8).read_to_end(&mut first);
    read.map_err(|error| Fault::Io(error).at(name, 0))?;
    let pages = Header::recognise(name, &first)?.kind == Kind::Pages;
    packer.begin(name, mode, size, pages)?;
    let mut source = first.as_slice().chain(entry);
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
