//! Real database servers on ext4 on a volume: PostgreSQL and MariaDB as Debian has them.
//!
//! The volume becomes a block device of the kernel's: the lab's NBD server, nbdfuse, a loop device. Each server has a data
//! directory and a socket of its own and no network, and is started and ended by its pid. All of it is taken down when it
//! is dropped, in the order of its making backwards; where this process is killed, a guardian does so.

mod cpu;
mod mariadb;
mod mount;
mod place;
mod postgresql;
mod program;

use std::fmt;
use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use sealab_volume::Volume;

use crate::backend::{Backend, Session};
use crate::error::{TpccError, Unavailable};
use crate::schema::Dialect;

use mount::Mounted;
use program::Running;

/// How long a server may take to make its data directory, to start and to end.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(20);
/// Clients that a server takes.
const MOST_CLIENTS: u32 = 300;
/// Memory for pages of a server, in MiB: less than a warehouse, so that pages come from the volume.
const BUFFER_MEBIBYTES: u32 = 64;

/// A server.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// PostgreSQL, with `fsync` and `synchronous_commit`.
    Postgresql,
    /// MariaDB with InnoDB, with `innodb_flush_log_at_trx_commit=1`.
    Mariadb,
}

impl Kind {
    /// The stable identifier.
    pub fn id(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Mariadb => "mariadb",
        }
    }

    /// The user that it runs as, and the Debian package that brings both.
    fn user(self) -> (&'static str, &'static str) {
        match self {
            Self::Postgresql => ("postgres", "postgresql"),
            Self::Mariadb => ("mysql", "mariadb-server"),
        }
    }

    /// The bytes that a volume needs for the server's own files, its redo log above all, and the file system's; a generous
    /// estimate.
    pub fn own_bytes(self) -> u64 {
        match self {
            // Two times `max_wal_size` is never reached, and the templates have some 20 MiB.
            Self::Postgresql => 2 * postgresql::MAX_WAL_BYTES + (64 << 20),
            // The redo log of 96 MiB, undo and temporary tablespaces, and its own tables.
            Self::Mariadb => 384 << 20,
        }
    }

    /// What it lacks on this machine to run on a volume, if anything.
    pub fn available(self) -> Result<(), Unavailable> {
        mount::available()?;
        match self {
            Self::Postgresql => postgresql::programs().map(drop),
            Self::Mariadb => mariadb::programs().map(drop),
        }?;
        self.ids().map(drop)
    }

    /// The numbers of its user and group.
    fn ids(self) -> Result<(u32, u32), Unavailable> {
        let (user, package) = self.user();
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let fields = users
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|fields| fields.first() == Some(&user));
        let number = |fields: &[&str], index: usize| fields.get(index)?.parse().ok();
        fields
            .and_then(|fields| Some((number(&fields, 2)?, number(&fields, 3)?)))
            .ok_or(Unavailable::User { user, package })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgresql => "PostgreSQL",
            Self::Mariadb => "MariaDB",
        })
    }
}

/// A running server on a volume.
pub struct Server {
    kind: Kind,
    version: String,
    // Ended before what it stands on is unmounted.
    running: Running,
    sockets: PathBuf,
    mounted: Mounted,
}

impl Server {
    /// Makes a file system and an empty database on `volume` and starts the server on it.
    pub fn start(kind: Kind, volume: Arc<dyn Volume>, interrupted: &AtomicBool) -> Result<Self, TpccError> {
        kind.available()?;
        let (user, group) = kind.ids()?;
        let mounted = Mounted::new(volume, interrupted)?;
        let owned = |path: PathBuf| -> Result<PathBuf, TpccError> {
            fs::create_dir(&path).map_err(TpccError::at(&path))?;
            chown(&path, Some(user), Some(group)).map_err(TpccError::at(&path))?;
            Ok(path)
        };
        let data = owned(mounted.path().join("data"))?;
        let sockets = owned(mounted.place().path().join("run"))?;
        let place = mounted.place();
        let (running, version) = match kind {
            Kind::Postgresql => postgresql::start(&data, &sockets, place, interrupted)?,
            Kind::Mariadb => mariadb::start(&data, &sockets, place, interrupted)?,
        };
        let mut server = Self {
            kind,
            version,
            running,
            sockets,
            mounted,
        };
        server.wait(interrupted)?;
        Ok(server)
    }

    /// Waits until it takes clients.
    fn wait(&mut self, interrupted: &AtomicBool) -> Result<(), TpccError> {
        let began = Instant::now();
        loop {
            let refused = match self.kind {
                Kind::Postgresql => postgresql::ready(&self.sockets),
                Kind::Mariadb => mariadb::ready(&self.sockets),
            };
            let Err(error) = refused else {
                return Ok(());
            };
            self.running.still_there()?;
            program::go_on(interrupted)?;
            if began.elapsed() > PATIENCE {
                return Err(error);
            }
            thread::sleep(PAUSE);
        }
    }

    /// Ends the server, unmounts the file system and flushes the volume; an error where any of it failed.
    pub fn close(self) -> Result<(), TpccError> {
        let Self { running, mounted, .. } = self;
        running.end(PATIENCE)?;
        mounted.close()
    }
}

impl Backend for Server {
    fn id(&self) -> &'static str {
        self.kind.id()
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn dialect(&self) -> Dialect {
        match self.kind {
            Kind::Postgresql => Dialect::Postgresql,
            Kind::Mariadb => Dialect::Mariadb,
        }
    }

    fn session(&self) -> Result<Box<dyn Session>, TpccError> {
        self.connect(false)
    }

    fn loader(&self) -> Result<Box<dyn Session>, TpccError> {
        self.connect(true)
    }

    fn settle(&self) -> Result<(), TpccError> {
        match self.kind {
            Kind::Postgresql => postgresql::settle(&self.sockets)?,
            Kind::Mariadb => mariadb::settle(&self.sockets)?,
        }
        self.mounted.sync()
    }

    fn other_cpu_seconds(&self) -> f64 {
        cpu::family_seconds(self.running.pid()) + cpu::family_seconds(self.mounted.fuse_pid())
    }
}

impl Server {
    fn connect(&self, loading: bool) -> Result<Box<dyn Session>, TpccError> {
        match self.kind {
            Kind::Postgresql => postgresql::connect(&self.sockets, loading),
            Kind::Mariadb => mariadb::connect(&self.sockets, loading),
        }
    }
}

/// The socket's path as text, for clients that take no other; it was made here, of ASCII.
fn socket_text(path: &Path) -> String {
    path.display().to_string()
}
