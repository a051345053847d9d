//! A folder of images: what one dump has written.
//!
//! Every file is opened relative to the folder, without following links, and must be a regular one. The one exception is
//! `parent`, the link to (or folder of) the set that an incremental dump builds on.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, openat, statat};

use super::{Fault, Header, ImageError, ImageReader, Kind, check_name, quoted};

/// The name of the link to the parent set.
pub const PARENT: &str = "parent";

/// The most sets of a parent chain, the first included.
pub const CHAIN_MOST: usize = 64;

/// A file of a set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// The file's name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The number in its name, if the name has one.
    pub number: Option<u64>,
    /// Its length in bytes.
    pub bytes: u64,
}

/// The images of one folder.
#[derive(Debug)]
pub struct Set {
    directory: OwnedFd,
    path: PathBuf,
    /// Before the names of files in errors: `parent/`, once a generation.
    prefix: String,
    members: Vec<Member>,
    has_parent: bool,
}

impl Set {
    /// Opens the folder `path` and recognises each file in it.
    ///
    /// # Errors
    /// A file that is not regular, that has an unsafe name, or that is no known image although its name ends like one.
    pub fn open(path: &Path) -> Result<Self, ImageError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(CWD, path, flags, Mode::empty())
            .map_err(|error| Fault::Io(error.into()).of(&path.display().to_string()))?;
        Self::of_directory(directory, path.to_owned(), String::new())
    }

    fn of_directory(directory: OwnedFd, path: PathBuf, prefix: String) -> Result<Self, ImageError> {
        let mut set = Self {
            directory,
            path,
            prefix,
            members: Vec::new(),
            has_parent: false,
        };
        for name in set.names()? {
            let label = set.label(&name);
            check_name(&name)?;
            let status = statat(&set.directory, &name, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| Fault::Io(error.into()).of(&label))?;
            let kind = FileType::from_raw_mode(status.st_mode);
            if name == PARENT && matches!(kind, FileType::Symlink | FileType::Directory) {
                set.has_parent = true;
                continue;
            }
            let (file, bytes) = set.open_file(&name)?;
            let mut start = Vec::with_capacity(8);
            file.take(8)
                .read_to_end(&mut start)
                .map_err(|error| Fault::Io(error).of(&label))?;
            let header =
                Header::recognise(&name, &start).map_err(|error| ImageError { file: label, ..error })?;
            set.members.push(Member {
                kind: header.kind,
                number: Kind::of_file_name(&name).and_then(|(_, number)| number),
                name,
                bytes,
            });
        }
        set.members.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(set)
    }

    fn names(&self) -> Result<Vec<String>, ImageError> {
        let failed = |error: rustix::io::Errno| Fault::Io(error.into()).of(&self.label("."));
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.directory).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_owned();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            names.push(name.into_string().map_err(|error| {
                let name = error.into_cstring().to_string_lossy().into_owned();
                Fault::value("the file's name", format_args!("{name:?}"), "UTF-8")
                    .of(&self.label(&quoted(&name)))
            })?);
        }
        Ok(names)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files, by name.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The file of that name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        let index = self.members.binary_search_by(|member| (*member.name).cmp(name));
        Some(&self.members[index.ok()?])
    }

    /// Whether the set says that it builds on another.
    pub fn has_parent(&self) -> bool {
        self.has_parent
    }

    /// Opens the file `name` with its length in bytes.
    ///
    /// # Errors
    /// It is not there, or not regular.
    pub fn open_file(&self, name: &str) -> Result<(File, u64), ImageError> {
        let label = self.label(name);
        check_name(name)?;
        let failed = |error: rustix::io::Errno| Fault::Io(error.into()).of(&label);
        // Without blocking, since opening a FIFO would wait; a link fails.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&self.directory, name, flags, Mode::empty()).map_err(|error| match error {
            rustix::io::Errno::LOOP => {
                Fault::value("the file", "a symbolic link", "a regular file").of(&label)
            }
            error => failed(error),
        })?;
        let status = fstat(&file).map_err(failed)?;
        let kind = FileType::from_raw_mode(status.st_mode);
        if kind != FileType::RegularFile {
            return Err(Fault::value("the file", format_args!("{kind:?}"), "a regular file").of(&label));
        }
        // A regular file's size is never negative.
        Ok((file.into(), status.st_size as u64))
    }

    /// Reads the image `name`.
    ///
    /// # Errors
    /// As [`Set::open_file`] and [`ImageReader::new`].
    pub fn read(&self, name: &str) -> Result<ImageReader<BufReader<File>>, ImageError> {
        let (file, bytes) = self.open_file(name)?;
        ImageReader::labelled(&self.label(name), name, bytes, BufReader::new(file))
    }

    /// The set with those that it builds on, itself first.
    ///
    /// # Errors
    /// A parent cannot be opened, is one of its own descendants, or is the [`CHAIN_MOST`]th.
    pub fn chain(self) -> Result<Vec<Self>, ImageError> {
        let mut seen = vec![self.identity()?];
        let mut chain = vec![self];
        while let Some(last) = chain.last()
            && last.has_parent
        {
            let label = last.label(PARENT);
            if chain.len() == CHAIN_MOST {
                let fault = Fault::value(
                    "the number of sets in the parent chain",
                    format_args!("over {CHAIN_MOST}"),
                    format_args!("at most {CHAIN_MOST}"),
                );
                return Err(fault.of(&label));
            }
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let directory = openat(&last.directory, PARENT, flags, Mode::empty())
                .map_err(|error| Fault::Io(error.into()).of(&label))?;
            let parent = Self::of_directory(directory, last.path.join(PARENT), format!("{label}/"))?;
            let identity = parent.identity()?;
            if seen.contains(&identity) {
                return Err(
                    Fault::value("the parent", "one of the set's own descendants", "an older set").of(&label),
                );
            }
            seen.push(identity);
            chain.push(parent);
        }
        Ok(chain)
    }

    /// What the file is called in errors.
    pub(crate) fn label(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn identity(&self) -> Result<(u64, u64), ImageError> {
        let Stat { st_dev, st_ino, .. } =
            fstat(&self.directory).map_err(|error| Fault::Io(io::Error::from(error)).of(&self.label(".")))?;
        Ok((st_dev, st_ino))
    }
}
