//! PostgreSQL with a private data folder, as an unprivileged user, filled and asked with `psql` through a Unix socket.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use sealab_memory::ByteSize;
use sealab_programs::{Running, run};

use super::{Role, Scene, Wrong, alive, path_of};
use crate::{CriuError, Unavailable};

/// Where Debian keeps its versions, each in a folder of its number.
const VERSIONS: &str = "/usr/lib/postgresql";
/// Rows a mebibyte: 192 bytes of text, the number, the row's header.
const ROWS: u64 = 4300;

const CONTENT: &str = "select count(*), sum(hashtext(word)::bigint) from sealab where id > 0";

pub(super) struct Postgres {
    programs: PathBuf,
    setpriv: OsString,
    user: User,
    size: ByteSize,
    /// The answer to [`CONTENT`] before the dump.
    content: String,
    processes: usize,
}

/// An entry of the system's user database.
struct User {
    name: String,
    uid: u32,
    gid: u32,
}

impl Postgres {
    pub(super) fn new(size: ByteSize) -> Result<Self, CriuError> {
        let missing = || Unavailable::Program {
            program: "postgres",
            package: "postgresql",
        };
        let folders = fs::read_dir(VERSIONS).map_err(|_| missing())?;
        let versions = folders.flatten().map(|entry| entry.path().join("bin"));
        let whole = |bin: &PathBuf| {
            ["initdb", "postgres", "psql"]
                .iter()
                .all(|name| bin.join(name).is_file())
        };
        let number = |bin: &PathBuf| -> u32 {
            let version = bin
                .parent()
                .and_then(Path::file_name)
                .and_then(|name| name.to_str());
            version.and_then(|name| name.parse().ok()).unwrap_or(0)
        };
        Ok(Self {
            programs: versions.filter(whole).max_by_key(number).ok_or_else(missing)?,
            setpriv: path_of("setpriv", "util-linux")?,
            user: user(&["postgres", "nobody"])?,
            size,
            content: String::new(),
            processes: 0,
        })
    }

    /// What drops root's rights, which PostgreSQL insists on.
    fn as_user(&self) -> Vec<OsString> {
        vec![
            self.setpriv.clone(),
            format!("--reuid={}", self.user.uid).into(),
            format!("--regid={}", self.user.gid).into(),
            "--clear-groups".into(),
            "--".into(),
        ]
    }

    fn sql(&self, scene: &Scene<'_>, what: &str, sql: &str) -> Result<String, CriuError> {
        let mut command = Command::new(self.programs.join("psql"));
        command
            .env_clear()
            .env("PGCONNECT_TIMEOUT", "10")
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "postgres",
                "-d",
                "postgres",
                "-h",
            ])
            .arg(scene.state.join("socket"))
            .args(["-c", sql]);
        let answer = run(&mut command, what, scene.limit, scene.cancelled)?;
        Ok(answer.trim().to_owned())
    }
}

impl Role for Postgres {
    fn arguments(&self, state: &Path) -> Vec<OsString> {
        // CRIU dumps System V shared memory, of which PostgreSQL has one page, only with an IPC namespace.
        let mut arguments: Vec<OsString> = ["unshare", "--ipc", "--"].map(OsString::from).to_vec();
        arguments.extend(self.as_user());
        arguments.push(self.programs.join("postgres").into());
        arguments.extend(["-D".into(), state.join("data").into()]);
        let buffers = self.size.bytes() / 1024 * 5 / 4 + (16 << 10);
        let socket = state.join("socket");
        for setting in [
            format!("shared_buffers={buffers}kB"),
            format!("unix_socket_directories={}", socket.display()),
            "listen_addresses=".to_owned(),
            // Files in the data folder in place of /dev/shm, which is not ours.
            "dynamic_shared_memory_type=mmap".to_owned(),
            "huge_pages=off".to_owned(),
            // No worker may come or go while the processes are dumped.
            "autovacuum=off".to_owned(),
            "fsync=off".to_owned(),
        ] {
            arguments.extend(["-c".into(), setting.into()]);
        }
        arguments
    }

    fn user(&self) -> Option<(u32, u32)> {
        Some((self.user.uid, self.user.gid))
    }

    fn prepare(&mut self, scene: &Scene<'_>) -> Result<(), CriuError> {
        for name in ["data", "socket"] {
            let folder = scene.state.join(name);
            fs::create_dir(&folder).map_err(CriuError::at(&folder))?;
            chown(&folder, Some(self.user.uid), Some(self.user.gid)).map_err(CriuError::at(&folder))?;
        }
        let prefix = self.as_user();
        let mut command = Command::new(&prefix[0]);
        command
            .args(&prefix[1..])
            .arg(self.programs.join("initdb"))
            .args([
                "--username=postgres",
                "--auth=trust",
                "--no-sync",
                "--no-instructions",
                "--no-locale",
            ])
            .args(["--encoding=UTF8", "-D"])
            .arg(scene.state.join("data"))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .current_dir("/");
        let what = format!("initdb as {}", self.user.name);
        run(&mut command, &what, scene.limit, scene.cancelled)?;
        Ok(())
    }

    fn fill(&mut self, scene: &mut Scene<'_>, running: &mut Running) -> Result<(), CriuError> {
        scene.until("the start of postgres", || {
            alive(running)?;
            match self.sql(scene, "psql", "select 1") {
                Err(CriuError::Failed { .. }) => Ok(None),
                other => other.map(Some),
            }
        })?;
        let rows = (self.size.bytes() >> 20).max(1) * ROWS;
        let table = format!(
            "create table sealab as select id, repeat(md5(id::text), 6) as word from generate_series(1, {rows}) as id"
        );
        self.sql(scene, "the making of the table", &table)?;
        // A scan of a large table goes through a small ring of buffers; this fills them.
        self.sql(scene, "the warming of the buffers", "create extension pg_prewarm")?;
        self.sql(scene, "the warming of the buffers", "select pg_prewarm('sealab')")?;
        self.sql(scene, "a checkpoint", "checkpoint")?;
        self.content = self.sql(scene, "a query", CONTENT)?;
        // The server's process of the last connection ends a moment after it.
        let mut last = Vec::new();
        let mut quiet = 0;
        self.processes = scene.until("the end of the connections", || {
            let now = scene.stage.processes()?;
            quiet = if now == last { quiet + 1 } else { 0 };
            last = now;
            Ok((quiet > 100).then_some(last.len()))
        })?;
        Ok(())
    }

    fn goes_on(&mut self, scene: &Scene<'_>, wrong: &Wrong<'_>) -> Result<String, CriuError> {
        let processes = scene.stage.processes()?.len();
        if processes != self.processes {
            return Err(wrong(
                format!("{processes} processes"),
                format!("{}", self.processes),
            ));
        }
        let content = self.sql(scene, "a query after the restore", CONTENT)?;
        if content != self.content {
            return Err(wrong(
                format!("{content} as the table's sum"),
                self.content.clone(),
            ));
        }
        let insert = "insert into sealab values (-1, 'after'); select word from sealab where id = -1";
        let row = self.sql(scene, "an insertion after the restore", insert)?;
        if row != "after" {
            return Err(wrong(format!("{row:?} as the new row"), "\"after\"".to_owned()));
        }
        let rows = content.split('|').next().unwrap_or_default();
        Ok(format!(
            "{processes} processes, answered a query over {rows} rows, inserted another"
        ))
    }
}

/// The first of the users that the system has.
fn user(names: &[&str]) -> Result<User, CriuError> {
    let path = Path::new("/etc/passwd");
    let text = fs::read_to_string(path).map_err(CriuError::at(path))?;
    let entry = |name: &&str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(*name)?.strip_prefix(':'))?;
        let mut fields = line.split(':').skip(1);
        Some(User {
            name: (*name).to_owned(),
            uid: fields.next()?.parse().ok()?,
            gid: fields.next()?.parse().ok()?,
        })
    };
    names.iter().find_map(entry).ok_or_else(|| CriuError::Failed {
        what: "looking for an unprivileged user".to_owned(),
        status: "none".to_owned(),
        message: format!("/etc/passwd has none of {}", names.join(", ")),
    })
}
