//! A plain set that lies in a folder.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use super::index::Parent;
use super::pack::Packer;
use super::plain::PlainSet;
use super::{Commitment, Error, FILE_NAME};
use crate::image::{Fault, ImageError, Kind, PAGE_BYTES, PARENT, Set, next_data};

/// The set that is to be named as the parent: its commitment, and the way to it.
pub(super) type SealedParent = Option<(Commitment, String)>;

/// Names the parent, the plain set's link to it being `link`.
pub(super) fn name_parent(
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

pub(super) fn check_parent_used(path: &str, sealed: &SealedParent) -> Result<(), Error> {
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
        check_chain(path)?;
    }
    check_parent_used(&label, &parent)?;
    let (pages, images): (Vec<_>, Vec<_>) = set
        .members()
        .iter()
        .partition(|member| member.kind == Kind::Pages);
    let mut plain = PlainSet::default();
    for member in images.into_iter().chain(pages) {
        let (file, size) = set.open_file(&member.name)?;
        pack_file(&member.name, member.kind, &file, size, &mut plain, packer)?;
    }
    Ok(plain.check()?)
}

/// That the set is not built on itself. The plain sets that it builds on may be gone: their sealed ones stand for them.
fn check_chain(path: &Path) -> Result<(), Error> {
    match Set::open(path)?.chain() {
        Err(ImageError {
            fault: Fault::Io(_), ..
        })
        | Ok(_) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn pack_file(
    name: &str,
    kind: Kind,
    file: &File,
    size: u64,
    plain: &mut PlainSet,
    packer: &mut Packer<'_, '_, '_>,
) -> Result<(), Error> {
    let failed = |offset| move |error| -> Error { Fault::Io(error).at(name, offset).into() };
    let status = file.metadata().map_err(failed(0))?;
    packer.begin(name, status.permissions().mode(), size, kind == Kind::Pages)?;
    if plain.note(name, kind, size) {
        plain.pack(name, size, file, packer)?;
    } else {
        pack_bytes(name, file, size, packer)?;
    }
    let after = file.metadata().map_err(failed(size))?.len();
    if after != size {
        let fault = Fault::value("the length of the file", after, format_args!("{size}, as before"));
        return Err(fault.at(name, size.min(after)).into());
    }
    Ok(())
}

/// Packs what is no image, holes as holes.
fn pack_bytes(name: &str, file: &File, size: u64, packer: &mut Packer<'_, '_, '_>) -> Result<(), Error> {
    let failed = |offset| move |error| -> Error { Fault::Io(error).at(name, offset).into() };
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
    Ok(())
}
