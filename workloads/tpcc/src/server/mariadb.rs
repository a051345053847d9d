//! MariaDB.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use mysql::consts::CapabilityFlags;
use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder, Params, Row};
use rustix::process::Signal;

use super::place::Place;
use super::program::{Running, find, run};
use super::{BUFFER_MEBIBYTES, Kind, MOST_CLIENTS, PATIENCE, socket_text};
use crate::backend::{DatabaseError, Session, Value};
use crate::error::{TpccError, Unavailable};
use crate::statement;

const PACKAGE: &str = "mariadb-server";
const DATABASE: &str = "tpcc";
/// A deadlock, and a lock that was waited for too long.
const LOST: [u16; 2] = [1213, 1205];

/// `mariadb-install-db` and `mariadbd`.
pub(super) fn programs() -> Result<[PathBuf; 2], Unavailable> {
    Ok([find("mariadb-install-db", PACKAGE)?, find("mariadbd", PACKAGE)?])
}

/// Makes a data directory and starts the server; the second part of the result is its version.
pub(super) fn start(
    data: &Path,
    sockets: &Path,
    place: &Place,
    interrupted: &AtomicBool,
) -> Result<(Running, String), TpccError> {
    let [install, mariadbd] = programs()?;
    let (user, _) = Kind::Mariadb.user();
    let version = run(
        Command::new(&mariadbd).args(["--no-defaults", "--version"]),
        "asking for the version of mariadbd",
        PATIENCE,
        place,
        interrupted,
    )?;
    let own = |command: &mut Command| {
        command
            .arg("--no-defaults")
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--user={user}"));
    };
    let mut making = Command::new(install);
    own(&mut making);
    making.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
    run(&mut making, "mariadb-install-db", PATIENCE, place, interrupted)?;
    let mut server = Command::new(mariadbd);
    own(&mut server);
    server
        .arg(format!("--socket={}", socket(sockets).display()))
        .arg(format!("--pid-file={}", sockets.join("pid").display()))
        .args(["--skip-networking", "--skip-log-bin"])
        .arg("--innodb-flush-log-at-trx-commit=1")
        .arg(format!("--innodb-buffer-pool-size={BUFFER_MEBIBYTES}M"))
        .arg(format!("--max-connections={MOST_CLIENTS}"));
    let running = Running::start(&mut server, "mariadbd", Signal::TERM, place)?;
    let version = version
        .split_once("Ver ")
        .map_or(&*version, |(_, version)| version);
    let version = format!("MariaDB {}, innodb_flush_log_at_trx_commit=1", version.trim());
    Ok((running, version))
}

fn socket(sockets: &Path) -> PathBuf {
    sockets.join("s")
}

fn connection(sockets: &Path, database: Option<&str>) -> Result<Conn, TpccError> {
    let options = OptsBuilder::new()
        .socket(Some(socket_text(&socket(sockets))))
        .user(Some("root"))
        .db_name(database)
        .prefer_socket(false)
        .stmt_cache_size(Some(statement::COUNT * 100))
        // An update that changes nothing has found its row all the same.
        .additional_capabilities(CapabilityFlags::CLIENT_FOUND_ROWS);
    Conn::new(options).map_err(|source| TpccError::doing("connecting")(error(&source)))
}

fn command(connection: &mut Conn, sql: &str) -> Result<(), TpccError> {
    let done = connection.query_drop(sql);
    done.map_err(|source| TpccError::doing(sql)(error(&source)))
}

/// Whether it takes clients; makes the database that they use.
pub(super) fn ready(sockets: &Path) -> Result<(), TpccError> {
    let mut connection = connection(sockets, None)?;
    command(
        &mut connection,
        &format!("CREATE DATABASE IF NOT EXISTS {DATABASE}"),
    )
}

pub(super) fn connect(sockets: &Path, loading: bool) -> Result<Box<dyn Session>, TpccError> {
    let mut connection = connection(sockets, Some(DATABASE))?;
    if loading {
        // There is no such setting for a session alone; `settle` puts it back.
        command(&mut connection, "SET GLOBAL innodb_flush_log_at_trx_commit = 0")?;
    }
    Ok(Box::new(MariadbSession { connection }))
}

pub(super) fn settle(sockets: &Path) -> Result<(), TpccError> {
    let mut connection = connection(sockets, Some(DATABASE))?;
    for sql in ["SET GLOBAL innodb_flush_log_at_trx_commit = 1", "FLUSH LOGS"] {
        command(&mut connection, sql)?;
    }
    Ok(())
}

fn error(error: &mysql::Error) -> DatabaseError {
    let again = match error {
        mysql::Error::MySqlError(said) => LOST.contains(&said.code),
        _ => false,
    };
    DatabaseError {
        message: format!("MariaDB: {error}"),
        again,
    }
}

struct MariadbSession {
    connection: Conn,
}

impl MariadbSession {
    fn plain(&mut self, sql: &str) -> Result<(), DatabaseError> {
        self.connection.query_drop(sql).map_err(|source| error(&source))
    }
}

fn parameters(values: &[Value]) -> Params {
    if values.is_empty() {
        return Params::Empty;
    }
    let value = |value: &Value| match value {
        Value::Null => mysql::Value::NULL,
        Value::Int(number) => mysql::Value::Int(*number),
        Value::Text(text) => mysql::Value::Bytes(text.clone().into_bytes()),
    };
    Params::Positional(values.iter().map(value).collect())
}

fn value(value: mysql::Value) -> Result<Value, DatabaseError> {
    match value {
        mysql::Value::NULL => Ok(Value::Null),
        mysql::Value::Int(number) => Ok(Value::Int(number)),
        mysql::Value::UInt(number) => Ok(Value::Int(i64::try_from(number).unwrap_or(i64::MAX))),
        mysql::Value::Bytes(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Value::Text(text)),
            Err(_) => Err(DatabaseError::new("MariaDB: a text that is not UTF-8")),
        },
        other => Err(DatabaseError::new(format!(
            "MariaDB: a value of another kind, {other:?}"
        ))),
    }
}

impl Session for MariadbSession {
    fn begin(&mut self, writes: bool) -> Result<(), DatabaseError> {
        self.plain(match writes {
            true => "START TRANSACTION",
            false => "START TRANSACTION READ ONLY",
        })
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Vec<Value>>, DatabaseError> {
        let rows: Vec<Row> = self
            .connection
            .exec(sql, parameters(values))
            .map_err(|source| error(&source))?;
        rows.into_iter()
            .map(|row| row.unwrap().into_iter().map(value).collect())
            .collect()
    }

    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, DatabaseError> {
        let done = self.connection.exec_iter(sql, parameters(values));
        done.map(|result| result.affected_rows())
            .map_err(|source| error(&source))
    }

    fn commit(&mut self) -> Result<(), DatabaseError> {
        self.plain("COMMIT")
    }

    fn rollback(&mut self) -> Result<(), DatabaseError> {
        self.plain("ROLLBACK")
    }
}
