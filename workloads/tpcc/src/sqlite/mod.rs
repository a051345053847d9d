//! SQLite on a volume, within the process: what needs no root, no mount and no server.
//!
//! The database, its write-ahead log and its journal lie on the volume through a VFS of the lab's. Every commit is durable:
//! `synchronous=FULL`, and SQLite's sync is the volume's flush.

mod disk;
mod locks;
#[allow(unsafe_code)]
mod vfs;

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, params_from_iter};
use sealab_volume::Volume;

use crate::backend::{Backend, DatabaseError, Session, Value};
use crate::error::TpccError;
use crate::schema::Dialect;
use crate::statement;

use disk::Disk;
use vfs::Registered;

/// How long a connection waits for another's lock; SQLite's own waiting is only for what the gate does not order.
const PATIENCE: Duration = Duration::from_secs(30);
/// Memory for pages of each connection, in KiB.
const CACHE_KIBIBYTES: u32 = 16 << 10;

/// How a transaction's atomicity is kept.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum JournalMode {
    /// A write-ahead log: a commit is one sync, and readers go on.
    #[default]
    Wal,
    /// A rollback journal, deleted at the commit: several syncs, and one transaction at a time.
    Delete,
}

impl fmt::Display for JournalMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wal => "WAL",
            Self::Delete => "DELETE",
        })
    }
}

/// A SQLite database on a volume.
pub struct Sqlite {
    // Before the name and the disk: its end writes the log back.
    keeper: Option<Connection>,
    registered: Registered,
    disk: Arc<Disk>,
    gate: Arc<Gate>,
    mode: JournalMode,
    sets: u32,
}

impl Sqlite {
    /// Lays out an empty database on `volume`, whose blocks it takes for itself. `sets` is how many sets of tables it is
    /// going to hold.
    pub fn create(volume: Arc<dyn Volume>, mode: JournalMode, sets: u32) -> Result<Self, TpccError> {
        Self::on(Disk::create(volume)?, mode, sets)
    }

    /// Opens the database on `volume`; what a crash has left in its log or journal is recovered.
    pub fn open(volume: Arc<dyn Volume>, mode: JournalMode, sets: u32) -> Result<Self, TpccError> {
        Self::on(Disk::open(volume)?, mode, sets)
    }

    fn on(disk: Disk, mode: JournalMode, sets: u32) -> Result<Self, TpccError> {
        let disk = Arc::new(disk);
        let mut sqlite = Self {
            keeper: None,
            registered: Registered::new(disk.clone())?,
            disk,
            gate: Arc::new(Gate::default()),
            mode,
            sets,
        };
        // As long as one connection is there, the log stays.
        sqlite.keeper = Some(sqlite.connect()?);
        Ok(sqlite)
    }

    /// Closes the database; its log is written back, and all of it is durable.
    pub fn close(mut self) -> Result<(), TpccError> {
        let what = "closing the database";
        if let Some(keeper) = self.keeper.take() {
            keeper
                .close()
                .map_err(|(_, error)| self.failed(what, &error.to_string()))?;
        }
        self.disk.sync().map_err(|_| self.failed(what, "a sync failed"))
    }

    /// Bytes that SQLite has written to its files so far. The volume takes whole blocks, so more reach it.
    pub fn written_bytes(&self) -> u64 {
        self.disk.written()
    }

    fn failed(&self, what: &str, message: &str) -> TpccError {
        TpccError::doing(what)(self.disk.said(message, false))
    }

    fn connect(&self) -> Result<Connection, TpccError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connect = || -> rusqlite::Result<Connection> {
            let connection = Connection::open_with_flags_and_vfs(self.registered.name(), flags, vfs::NAME)?;
            connection.busy_timeout(PATIENCE)?;
            // Temporary files have no place on the volume.
            connection.pragma_update(None, "temp_store", "MEMORY")?;
            connection.pragma_update(None, "cache_size", -i64::from(CACHE_KIBIBYTES))?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            let wanted = self.mode.to_string();
            let found: String =
                connection.pragma_update_and_check(None, "journal_mode", &wanted, |row| row.get(0))?;
            if !found.eq_ignore_ascii_case(&wanted) {
                return Err(rusqlite::Error::InvalidParameterName(format!(
                    "the journal mode is {found}; {wanted} was asked for"
                )));
            }
            let capacity = (statement::COUNT + 4) * self.sets as usize;
            connection.set_prepared_statement_cache_capacity(capacity);
            Ok(connection)
        };
        connect().map_err(|error| self.failed("opening the database", &error.to_string()))
    }
}

impl Disk {
    /// SQLite's `message`, with what the volume said.
    fn said(&self, message: &str, again: bool) -> DatabaseError {
        let message = match self.failure() {
            Some(failure) => format!("SQLite: {message} ({failure})"),
            None => format!("SQLite: {message}"),
        };
        DatabaseError { message, again }
    }
}

impl Backend for Sqlite {
    fn id(&self) -> &'static str {
        "sqlite"
    }

    fn version(&self) -> String {
        format!(
            "SQLite {}, journal_mode={}, synchronous=FULL",
            rusqlite::version(),
            self.mode
        )
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn session(&self) -> Result<Box<dyn Session>, TpccError> {
        Ok(Box::new(SqliteSession {
            connection: self.connect()?,
            disk: self.disk.clone(),
            gate: self.gate.clone(),
            readers_wait: self.mode == JournalMode::Delete,
            inside: false,
        }))
    }

    fn loader(&self) -> Result<Box<dyn Session>, TpccError> {
        let session = SqliteSession {
            connection: self.connect()?,
            disk: self.disk.clone(),
            gate: self.gate.clone(),
            readers_wait: true,
            inside: false,
        };
        // Nothing of it is kept should loading fail.
        session
            .connection
            .pragma_update(None, "synchronous", "OFF")
            .map_err(|error| self.failed("loading", &error.to_string()))?;
        Ok(Box::new(session))
    }

    fn settle(&self) -> Result<(), TpccError> {
        let what = "writing back what was loaded";
        if let (Some(keeper), JournalMode::Wal) = (&self.keeper, self.mode) {
            keeper
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
                .map_err(|error| self.failed(what, &error.to_string()))?;
        }
        self.disk.sync().map_err(|_| self.failed(what, "a sync failed"))
    }
}

/// Lets one transaction at a time write, without the naps of SQLite's own waiting.
#[derive(Default)]
struct Gate {
    taken: Mutex<bool>,
    free: Condvar,
}

impl Gate {
    fn enter(&self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken {
            taken = self.free.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken = true;
    }

    fn leave(&self) {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.free.notify_one();
    }
}

struct SqliteSession {
    connection: Connection,
    disk: Arc<Disk>,
    gate: Arc<Gate>,
    /// Whether transactions that only read wait for their turn too.
    readers_wait: bool,
    /// Whether this session has passed the gate.
    inside: bool,
}

impl SqliteSession {
    fn error(&self, error: &rusqlite::Error) -> DatabaseError {
        let again = matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        );
        self.disk.said(&error.to_string(), again)
    }

    fn plain(&self, sql: &str) -> Result<(), DatabaseError> {
        let mut statement = self
            .connection
            .prepare_cached(sql)
            .map_err(|error| self.error(&error))?;
        statement.execute([]).map_err(|error| self.error(&error))?;
        Ok(())
    }

    fn leave(&mut self) {
        if std::mem::take(&mut self.inside) {
            self.gate.leave();
        }
    }
}

impl Drop for SqliteSession {
    fn drop(&mut self) {
        self.leave();
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

impl Session for SqliteSession {
    fn begin(&mut self, writes: bool) -> Result<(), DatabaseError> {
        if writes || self.readers_wait {
            self.gate.enter();
            self.inside = true;
        }
        let sql = if writes { "BEGIN IMMEDIATE" } else { "BEGIN" };
        self.plain(sql).inspect_err(|_| self.leave())
    }

    fn query(&mut self, sql: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, DatabaseError> {
        let query = || -> rusqlite::Result<Vec<Vec<Value>>> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let columns = statement.column_count();
            let mut rows = statement.query(params_from_iter(parameters))?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                let value = |column| {
                    Ok(match row.get_ref(column)? {
                        ValueRef::Null => Value::Null,
                        ValueRef::Integer(number) => Value::Int(number),
                        other => Value::Text(other.as_str()?.to_owned()),
                    })
                };
                all.push((0..columns).map(value).collect::<rusqlite::Result<_>>()?);
            }
            Ok(all)
        };
        query().map_err(|error| self.error(&error))
    }

    fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, DatabaseError> {
        let execute = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.execute(params_from_iter(parameters))
        };
        let changed = execute().map_err(|error| self.error(&error))?;
        Ok(changed as u64)
    }

    fn commit(&mut self) -> Result<(), DatabaseError> {
        let done = self.plain("COMMIT");
        // A commit that failed leaves the transaction open, which is for `rollback` to end.
        if done.is_ok() {
            self.leave();
        }
        done
    }

    fn rollback(&mut self) -> Result<(), DatabaseError> {
        // Some errors have rolled it back already.
        let done = match self.connection.is_autocommit() {
            true => Ok(()),
            false => self.plain("ROLLBACK"),
        };
        self.leave();
        done
    }
}
