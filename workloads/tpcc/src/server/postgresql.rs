//! PostgreSQL.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use postgres::error::SqlState;
use postgres::types::{ToSql, Type};
use postgres::{Client, Config, NoTls, Row, Statement};
use rustix::process::Signal;

use super::place::Place;
use super::program::{Running, find, is_program, run};
use super::{BUFFER_MEBIBYTES, Kind, MOST_CLIENTS, PATIENCE};
use crate::backend::{DatabaseError, Session, Value};
use crate::error::{TpccError, Unavailable};

const USER: &str = "sealab";
/// How long its write-ahead log grows before it is written back, in bytes; now and then it is longer.
pub(super) const MAX_WAL_BYTES: u64 = 256 << 20;

/// `initdb` and `postgres`.
pub(super) fn programs() -> Result<[PathBuf; 2], Unavailable> {
    find("setpriv", "util-linux")?;
    // Debian keeps each version's programs out of the PATH.
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = versions
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let programs = ["initdb", "postgres"].map(|name| entry.path().join("bin").join(name));
            let there = programs.iter().all(|program| is_program(program));
            there.then_some((version, programs))
        })
        .max_by_key(|(version, _)| *version);
    match newest {
        Some((_, programs)) => Ok(programs),
        None => Ok([find("initdb", "postgresql")?, find("postgres", "postgresql")?]),
    }
}

/// Makes a data directory and starts the server; the second part of the result is its version.
pub(super) fn start(
    data: &Path,
    sockets: &Path,
    place: &Place,
    interrupted: &AtomicBool,
) -> Result<(Running, String), TpccError> {
    let [initdb, postgres] = programs()?;
    let (uid, gid) = Kind::Postgresql.ids()?;
    let as_user = |program: &Path| -> Result<Command, TpccError> {
        let mut command = Command::new(find("setpriv", "util-linux")?);
        command
            .arg(format!("--reuid={uid}"))
            .arg(format!("--regid={gid}"))
            .args(["--clear-groups", "--"])
            .arg(program);
        Ok(command)
    };
    let version = run(
        Command::new(&postgres).arg("--version"),
        "asking for the version of postgres",
        PATIENCE,
        place,
        interrupted,
    )?;
    let mut making = as_user(&initdb)?;
    making
        .args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"])
        .args(["--username", USER, "--pgdata"])
        .arg(data);
    run(&mut making, "initdb", PATIENCE, place, interrupted)?;
    let mut server = as_user(&postgres)?;
    server.arg("-D").arg(data).arg("-k").arg(sockets);
    for setting in [
        "listen_addresses=".to_owned(),
        "fsync=on".to_owned(),
        "synchronous_commit=on".to_owned(),
        format!("shared_buffers={BUFFER_MEBIBYTES}MB"),
        format!("max_connections={MOST_CLIENTS}"),
        format!("max_wal_size={}MB", MAX_WAL_BYTES >> 20),
    ] {
        server.arg("-c").arg(setting);
    }
    // The signal for a fast end, which waits for no client.
    let running = Running::start(&mut server, "postgres", Signal::INT, place)?;
    let version = format!("{}, fsync=on, synchronous_commit=on", version.trim());
    Ok((running, version))
}

fn client(sockets: &Path) -> Result<Client, TpccError> {
    Config::new()
        .host_path(sockets)
        .user(USER)
        .dbname("postgres")
        .connect(NoTls)
        .map_err(|source| TpccError::doing("connecting")(error(&source)))
}

/// Whether it takes clients.
pub(super) fn ready(sockets: &Path) -> Result<(), TpccError> {
    client(sockets).map(drop)
}

pub(super) fn connect(sockets: &Path, loading: bool) -> Result<Box<dyn Session>, TpccError> {
    let mut client = client(sockets)?;
    if loading {
        client
            .batch_execute("SET synchronous_commit = off")
            .map_err(|source| TpccError::doing("connecting")(error(&source)))?;
    }
    Ok(Box::new(PostgresqlSession {
        client,
        prepared: HashMap::new(),
    }))
}

/// Has the statistics made that plans need, and everything written.
pub(super) fn settle(sockets: &Path) -> Result<(), TpccError> {
    let mut client = client(sockets)?;
    for command in ["VACUUM ANALYZE", "CHECKPOINT"] {
        client
            .batch_execute(command)
            .map_err(|source| TpccError::doing(command)(error(&source)))?;
    }
    Ok(())
}

fn error(error: &postgres::Error) -> DatabaseError {
    let lost = [
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
    ];
    let mut message = format!("PostgreSQL: {error}");
    if let Some(said) = error.as_db_error() {
        message = format!("PostgreSQL: {said}");
    }
    DatabaseError {
        message,
        again: error.code().is_some_and(|code| lost.contains(code)),
    }
}

struct PostgresqlSession {
    client: Client,
    prepared: HashMap<String, Statement>,
}

impl PostgresqlSession {
    fn prepared(&mut self, sql: &str) -> Result<Statement, DatabaseError> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).map_err(|source| error(&source))?;
        self.prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    fn plain(&mut self, sql: &str) -> Result<(), DatabaseError> {
        self.client.batch_execute(sql).map_err(|source| error(&source))
    }
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values
        .iter()
        .map(|value| match value {
            // Only numbers may be missing.
            Value::Null => &None::<i64> as &(dyn ToSql + Sync),
            Value::Int(number) => number,
            Value::Text(text) => text,
        })
        .collect()
}

fn row(row: &Row) -> Result<Vec<Value>, DatabaseError> {
    let value = |(index, column): (usize, &postgres::Column)| {
        Ok(match *column.type_() {
            Type::INT8 => row
                .try_get::<_, Option<i64>>(index)?
                .map_or(Value::Null, Value::Int),
            Type::INT4 => row
                .try_get::<_, Option<i32>>(index)?
                .map_or(Value::Null, |number| Value::Int(number.into())),
            _ => row
                .try_get::<_, Option<String>>(index)?
                .map_or(Value::Null, Value::Text),
        })
    };
    let values: Result<_, postgres::Error> = row.columns().iter().enumerate().map(value).collect();
    values.map_err(|source| error(&source))
}

impl Session for PostgresqlSession {
    fn begin(&mut self, writes: bool) -> Result<(), DatabaseError> {
        self.plain(if writes { "BEGIN" } else { "BEGIN READ ONLY" })
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Vec<Value>>, DatabaseError> {
        let statement = self.prepared(sql)?;
        let rows = self.client.query(&statement, &parameters(values));
        rows.map_err(|source| error(&source))?.iter().map(row).collect()
    }

    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, DatabaseError> {
        let statement = self.prepared(sql)?;
        let changed = self.client.execute(&statement, &parameters(values));
        changed.map_err(|source| error(&source))
    }

    fn commit(&mut self) -> Result<(), DatabaseError> {
        self.plain("COMMIT")
    }

    fn rollback(&mut self) -> Result<(), DatabaseError> {
        self.plain("ROLLBACK")
    }
}
