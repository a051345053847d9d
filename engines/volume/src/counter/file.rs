//! A counter in a file, for tests and for files on a medium that the adversary cannot reach.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::OFlags;

use super::TrustedCounter;

/// The digits of `u64::MAX` and a newline.
const MOST_BYTES: u64 = 21;

/// How often a file that is replaced while it is being opened is opened again.
const OPENINGS: usize = 16;

/// A number in a text file: one decimal number and a newline.
///
/// **Whoever can restore the file can roll back the volume.** It protects only as far as the file lies where the holder
/// of the volume cannot write: another machine's file system, a medium that is carried away. For anything else take a
/// counter in hardware.
///
/// The file is locked (`flock`) for as long as the counter lives, so that two processes do not advance it unaware of each
/// other. Each number is written aside in the same folder (the file's name and `.new`), synced, and renamed, and the folder
/// is synced; a crash leaves the old number or the new one.
#[derive(Debug)]
pub struct FileCounter {
    path: PathBuf,
    /// The folder that the file is in, to sync.
    folder: File,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The file that `path` names, locked.
    file: File,
    value: u64,
    /// A rename or the sync of the folder failed: which number is on the disk is not known.
    unsure: bool,
}

#[derive(Debug, thiserror::Error)]
enum FileCounterError {
    #[error("{}: {source}, while {doing}", path.display())]
    Io {
        path: PathBuf,
        doing: &'static str,
        source: io::Error,
    },
    #[error("{}: a counter is a regular file, this is {found}", path.display())]
    Type { path: PathBuf, found: &'static str },
    #[error("{}: another process has this counter open; a counter serves one volume", path.display())]
    Locked { path: PathBuf },
    #[error("{}: {found}; a counter's file holds one decimal number of at most {} and a newline", path.display(), u64::MAX)]
    Content { path: PathBuf, found: String },
    #[error("{}: the counter stands at {}, the last number there is; take a new counter", path.display(), u64::MAX)]
    Exhausted { path: PathBuf },
    #[error("{}: {found}, while the counter was open at {expected}; open it again", path.display())]
    Changed {
        path: PathBuf,
        found: String,
        expected: u64,
    },
    #[error("{}: an earlier advance failed half-way; open the counter again to see its number", path.display())]
    Unsure { path: PathBuf },
}

impl From<FileCounterError> for io::Error {
    fn from(error: FileCounterError) -> Self {
        let kind = match &error {
            FileCounterError::Io { source, .. } => source.kind(),
            FileCounterError::Locked { .. } => io::ErrorKind::ResourceBusy,
            FileCounterError::Type { .. } | FileCounterError::Content { .. } => io::ErrorKind::InvalidData,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

impl FileCounter {
    /// Makes a new file (mode 0600) that stands at `value`, durable when this returns. It is an error if there is one.
    pub fn create(path: impl AsRef<Path>, value: u64) -> io::Result<Self> {
        let path = path.as_ref();
        let folder = folder_of(path)?;
        // Locked before it has its name, so that nobody else opens it first; linked, because a rename would replace. Not
        // the name that an open counter of this path writes to.
        let aside = aside(path, ".first");
        let file = write_aside(path, &aside, value)?;
        let linked = fs::hard_link(&aside, path).map_err(io_at(path, "creating it"));
        let removed = fs::remove_file(&aside).map_err(io_at(&aside, "removing it"));
        linked?;
        removed?;
        folder.sync_all().map_err(io_at(path, "syncing its folder"))?;
        Ok(Self::new(path, folder, file, value))
    }

    /// Opens a file that [`FileCounter::create`] made; an error where another process has it open, or where it is a
    /// symbolic link or anything else that is no regular file.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let folder = folder_of(path)?;
        for _ in 0..OPENINGS {
            let mut file = open_regular(path)?;
            lock(&file, path)?;
            // The lock is of the file, not of its name: a process that has just let go may have renamed another over it.
            if is_at(&file, path)? {
                let value = read(&mut file, path)?;
                return Ok(Self::new(path, folder, file, value));
            }
        }
        Err(FileCounterError::Locked {
            path: path.to_owned(),
        }
        .into())
    }

    fn new(path: &Path, folder: File, file: File, value: u64) -> Self {
        let state = State {
            file,
            value,
            unsure: false,
        };
        Self {
            path: path.to_owned(),
            folder,
            state: Mutex::new(state),
        }
    }

    /// That the file is the one that this counter has locked and says what it said.
    fn check(&self, state: &mut State) -> io::Result<()> {
        let path = self.path.clone();
        if state.unsure {
            return Err(FileCounterError::Unsure { path }.into());
        }
        let found = if !is_at(&state.file, &path)? {
            "the file was replaced".to_owned()
        } else {
            match read(&mut state.file, &path)? {
                value if value == state.value => return Ok(()),
                value => format!("the file says {value}"),
            }
        };
        let expected = state.value;
        Err(FileCounterError::Changed {
            path,
            found,
            expected,
        }
        .into())
    }
}

impl TrustedCounter for FileCounter {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn value(&self) -> io::Result<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.check(&mut state)?;
        Ok(state.value)
    }

    fn advance(&self) -> io::Result<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.check(&mut state)?;
        let path = &self.path;
        let next = state.value.checked_add(1);
        let next = next.ok_or_else(|| FileCounterError::Exhausted { path: path.clone() })?;
        let aside = aside(path, ".new");
        // What a crash has left; this process has the lock, so that nobody else is writing it.
        match fs::remove_file(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(io_at(&aside, "removing what a crash has left")(error));
            }
            _ => {}
        }
        let file = write_aside(path, &aside, next)?;
        state.unsure = true;
        fs::rename(&aside, path).map_err(io_at(path, "replacing it"))?;
        self.folder
            .sync_all()
            .map_err(io_at(path, "syncing its folder"))?;
        // The old file's lock goes with it.
        *state = State {
            file,
            value: next,
            unsure: false,
        };
        Ok(next)
    }
}

fn io_at(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> io::Error {
    let path = path.to_owned();
    move |source| FileCounterError::Io { path, doing, source }.into()
}

fn folder_of(path: &Path) -> io::Result<File> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder).map_err(io_at(folder, "opening the counter's folder"))
}

fn aside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Writes `value` to a new file `aside` for `path`, synced and locked; what is there already stays, and is an error.
fn write_aside(path: &Path, aside: &Path, value: u64) -> io::Result<File> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(aside)
        .map_err(io_at(aside, "writing the counter aside"))?;
    let written = lock(&file, path)
        .and_then(|()| file.write_all(format!("{value}\n").as_bytes()))
        .and_then(|()| file.sync_all());
    written.map_err(|error| {
        let _ = fs::remove_file(aside);
        io_at(aside, "writing the counter aside")(error)
    })?;
    Ok(file)
}

fn open_regular(path: &Path) -> io::Result<File> {
    // Opening a FIFO would wait for its other end.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    // The type first: what opening a device does is its driver's choice.
    let found = fs::symlink_metadata(path).map_err(io_at(path, "opening the counter"))?;
    refuse_others(path, found.file_type())?;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(io_at(path, "opening the counter"))?;
    let found = file.metadata().map_err(io_at(path, "opening the counter"))?;
    refuse_others(path, found.file_type())?;
    Ok(file)
}

fn refuse_others(path: &Path, found: fs::FileType) -> io::Result<()> {
    if found.is_file() {
        return Ok(());
    }
    let found = if found.is_symlink() {
        "a symbolic link"
    } else if found.is_dir() {
        "a folder"
    } else {
        "a device, socket or pipe"
    };
    let path = path.to_owned();
    Err(FileCounterError::Type { path, found }.into())
}

fn lock(file: &File, path: &Path) -> io::Result<()> {
    file.try_lock().map_err(|error| match error {
        TryLockError::Error(error) => io_at(path, "locking it")(error),
        TryLockError::WouldBlock => FileCounterError::Locked {
            path: path.to_owned(),
        }
        .into(),
    })
}

/// Whether `path` still names `file`.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let open = file.metadata().map_err(io_at(path, "looking at it"))?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io_at(path, "looking at it")(error)),
    }
}

fn read(file: &mut File, path: &Path) -> io::Result<u64> {
    let mut content = Vec::new();
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.take(MOST_BYTES + 1).read_to_end(&mut content))
        .map_err(io_at(path, "reading it"))?;
    parse(&content).map_err(|found| {
        let path = path.to_owned();
        FileCounterError::Content { path, found }.into()
    })
}

/// The number of a whole file, or what was found in its place.
fn parse(content: &[u8]) -> Result<u64, String> {
    if content.len() as u64 > MOST_BYTES {
        return Err(format!("the file has more than {MOST_BYTES} bytes"));
    }
    let Some(digits) = content.strip_suffix(b"\n") else {
        return Err(format!("\"{}\" without a newline", content.escape_ascii()));
    };
    let canonical = digits == b"0" || !digits.starts_with(b"0");
    let number = str::from_utf8(digits)
        .ok()
        .filter(|text| canonical && text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok());
    number.ok_or_else(|| format!("\"{}\"", content.escape_ascii()))
}

impl Drop for FileCounter {
    fn drop(&mut self) {
        // Closing alone would leave the lock with a child that was forked and has not yet run its program.
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = state.file.unlock();
    }
}
