//! Where clients find the server: a unix socket only its owner may use, or a loopback address.

use std::fs::{self, Permissions, TryLockError};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::error::ListenError;

/// The bytes of a `sockaddr_un` path without its final zero.
const MOST_PATH_BYTES: usize = 107;

/// How long to wait for other servers that begin or end in the same folder; each takes a millisecond.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
const LOCK_PAUSE: Duration = Duration::from_millis(2);

/// A socket that clients can connect to, though nobody answers yet.
pub struct Listener {
    pub(crate) socket: Socket,
    /// Removes the socket's file at the end.
    pub(crate) file: Option<SocketFile>,
}

pub(crate) enum Socket {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Listener {
    /// Listens on a unix socket at `path`, of mode 0600 from its first moment on.
    ///
    /// A socket at `path` on which nobody listens is replaced, by one of several servers that come at the same time; a
    /// socket in use and any other file are refused. The
    /// socket's file is removed when the listener, or the server that runs on it, ends.
    pub fn unix(path: &Path) -> Result<Self, ListenError> {
        let found = path.as_os_str().len();
        if found > MOST_PATH_BYTES {
            return Err(ListenError::PathLength {
                path: path.to_owned(),
                found,
                most: MOST_PATH_BYTES,
            });
        }
        let failed = |source| ListenError::System {
            place: format!("listening on {}", path.display()),
            source,
        };
        let parent = parent(path);
        // Another server that finds the same socket stale must not replace this one's by its own.
        let _alone = lock(parent).map_err(failed)?;
        let stale = is_stale(path)?;
        // In a folder nobody else can enter, the socket gets its mode before anyone can connect to it.
        let folder = tempfile::Builder::new()
            .prefix(".sealab-nbd-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent)
            .map_err(failed)?;
        let opened = fs::File::open(folder.path()).map_err(failed)?;
        // By the descriptor: the folder's own path may be longer than a socket's may be.
        let inside = PathBuf::from(format!("/proc/self/fd/{}/s", opened.as_raw_fd()));
        let socket = UnixListener::bind(&inside).map_err(failed)?;
        fs::set_permissions(&inside, Permissions::from_mode(0o600)).map_err(failed)?;
        let inode = fs::symlink_metadata(&inside).map_err(failed)?;
        let flags = if stale {
            RenameFlags::empty()
        } else {
            RenameFlags::NOREPLACE
        };
        renameat_with(&opened, "s", CWD, path, flags).map_err(|errno| match errno {
            rustix::io::Errno::EXIST => ListenError::InUse {
                path: path.to_owned(),
            },
            errno => failed(errno.into()),
        })?;
        Ok(Self {
            socket: Socket::Unix(socket),
            file: Some(SocketFile {
                path: path.to_owned(),
                device: inode.dev(),
                inode: inode.ino(),
            }),
        })
    }

    /// Listens on a loopback address; port 0 takes a free one.
    pub fn tcp(address: SocketAddr) -> Result<Self, ListenError> {
        if !address.ip().is_loopback() {
            return Err(ListenError::NotLoopback { address });
        }
        let socket = TcpListener::bind(address).map_err(|source| ListenError::System {
            place: format!("listening on {address}"),
            source,
        })?;
        Ok(Self {
            socket: Socket::Tcp(socket),
            file: None,
        })
    }

    /// The address that a TCP client connects to; `None` on a unix socket.
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Unix(_) => None,
            Socket::Tcp(socket) => socket.local_addr().ok(),
        }
    }
}

/// The folder that `path` lies in.
fn parent(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// Locks `folder` (`flock`) against other servers, until what comes back is dropped.
///
/// Whoever may read the folder may keep it locked, which must not keep a server waiting for ever.
fn lock(folder: &Path) -> io::Result<fs::File> {
    let opened = fs::File::open(folder)?;
    let began = Instant::now();
    loop {
        match opened.try_lock() {
            Ok(()) => return Ok(opened),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if began.elapsed() > LOCK_PATIENCE => {
                let message = format!("{} stays locked by another program", folder.display());
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, message));
            }
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
        }
    }
}

/// Whether a socket lies at `path` on which nobody listens; `false` if nothing does.
fn is_stale(path: &Path) -> Result<bool, ListenError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(ListenError::NotASocket {
                path: path.to_owned(),
            });
        }
        _ => {}
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Ok(_) => Err(ListenError::InUse {
            path: path.to_owned(),
        }),
        Err(source) => Err(ListenError::System {
            place: format!("asking who listens on {}", path.display()),
            source,
        }),
    }
}

/// A socket's file, removed when dropped unless another has taken its place.
pub(crate) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Else another server may take the place between the look and the removal.
        let Ok(_alone) = lock(parent(&self.path)) else {
            return;
        };
        if let Ok(found) = fs::symlink_metadata(&self.path)
            && (found.dev(), found.ino()) == (self.device, self.inode)
        {
            // What cannot be removed is found stale by the next server.
            let _ = fs::remove_file(&self.path);
        }
    }
}
