//! redis-server, filled and asked through a Unix socket, so that no port has to be free.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use sealab_memory::{ByteSize, Content, Memhog, Workload};
use sealab_programs::{ProgramError, Running};

use super::{Role, Scene, Wrong, alive, path_of};
use crate::CriuError;

/// Bytes of a value.
const VALUE: usize = 4096;
/// Values that are set before their answers are read.
const BATCH: usize = 64;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// An answer is no longer than this.
const ANSWER_MOST: usize = 1 << 20;

pub(super) struct Redis {
    program: OsString,
    batches: u64,
}

impl Redis {
    pub(super) fn new(size: ByteSize) -> Result<Self, CriuError> {
        Ok(Self {
            program: path_of("redis-server", "redis-server")?,
            batches: size.bytes().div_ceil((VALUE * BATCH) as u64),
        })
    }

    fn keys(&self) -> u64 {
        self.batches * BATCH as u64
    }
}

impl Role for Redis {
    fn arguments(&self, state: &Path) -> Vec<OsString> {
        // No port, no file but the socket, in the foreground.
        let words = [
            "--port",
            "0",
            "--save",
            "",
            "--appendonly",
            "no",
            "--daemonize",
            "no",
        ];
        let mut arguments = vec![self.program.clone()];
        arguments.extend(words.map(OsString::from));
        arguments.extend(["--unixsocket".into(), socket(state).into()]);
        arguments.extend(["--dir".into(), state.into()]);
        arguments
    }

    fn fill(&mut self, scene: &mut Scene<'_>, running: &mut Running) -> Result<(), CriuError> {
        let mut client = scene.until("the start of redis-server", || {
            alive(running)?;
            Ok(Client::connect(scene.state).ok())
        })?;
        for batch in 0..self.batches {
            if scene.cancelled.load(Ordering::Relaxed) {
                return Err(CriuError::Interrupted);
            }
            let values = values(batch)?;
            for (index, value) in values.chunks(VALUE).enumerate() {
                client.send(&[b"SET", key(batch, index).as_bytes(), value])?;
            }
            client.flush()?;
            for _ in 0..BATCH {
                client.expect_status("OK")?;
            }
        }
        Ok(())
    }

    fn goes_on(&mut self, scene: &Scene<'_>, wrong: &Wrong<'_>) -> Result<String, CriuError> {
        let mut client = Client::connect(scene.state)?;
        client.send(&[b"PING"])?;
        client.flush()?;
        client.expect_status("PONG")?;
        let keys = client.ask(&[b"DBSIZE"])?;
        let expected = format!(":{}", self.keys());
        if keys != expected.as_bytes() {
            return Err(wrong(
                format!("{} keys", String::from_utf8_lossy(&keys)),
                expected,
            ));
        }
        for batch in 0..self.batches {
            if scene.cancelled.load(Ordering::Relaxed) {
                return Err(CriuError::Interrupted);
            }
            let values = values(batch)?;
            for index in 0..BATCH {
                client.send(&[b"GET", key(batch, index).as_bytes()])?;
            }
            client.flush()?;
            for (index, value) in values.chunks(VALUE).enumerate() {
                if client.answer()? != value {
                    let found = format!("another value of {}", key(batch, index));
                    return Err(wrong(found, "the one that was set".to_owned()));
                }
            }
        }
        client.send(&[b"SET", b"after", b"the restore"])?;
        client.flush()?;
        client.expect_status("OK")?;
        Ok(format!(
            "answered PING, GET with each of {} values, and SET",
            self.keys()
        ))
    }
}

fn socket(state: &Path) -> PathBuf {
    state.join("redis.sock")
}

fn key(batch: u64, index: usize) -> String {
    format!("{batch}:{index}")
}

/// The values of a batch: text, random and mixed ones in turn.
fn values(batch: u64) -> Result<Vec<u8>, CriuError> {
    let content = [Content::Text, Content::Random, Content::Mixed][(batch % 3) as usize];
    let wrong = |error: &dyn std::error::Error| {
        ProgramError::of("making values", &std::io::Error::other(error.to_string()))
    };
    let mut bytes = vec![0; VALUE * BATCH];
    let size = ByteSize::from_bytes(bytes.len() as u64).map_err(|error| wrong(&error))?;
    let workload = Workload::Memhog(Memhog {
        size,
        content,
        duplicates: Default::default(),
        seed: batch,
    });
    workload
        .prepare(&false.into())
        .and_then(|prepared| prepared.write_to(&mut bytes))
        .map_err(|error| wrong(&error))?;
    Ok(bytes)
}

/// A client of the protocol RESP2, as far as it is needed.
struct Client {
    socket: BufReader<UnixStream>,
    pending: Vec<u8>,
}

impl Client {
    fn connect(state: &Path) -> Result<Self, CriuError> {
        let path = socket(state);
        let stream = UnixStream::connect(&path).map_err(CriuError::at(&path))?;
        stream
            .set_read_timeout(Some(PATIENCE))
            .map_err(CriuError::at(&path))?;
        stream
            .set_write_timeout(Some(PATIENCE))
            .map_err(CriuError::at(&path))?;
        Ok(Self {
            socket: BufReader::new(stream),
            pending: Vec::new(),
        })
    }

    fn send(&mut self, words: &[&[u8]]) -> Result<(), CriuError> {
        self.pending.extend(format!("*{}\r\n", words.len()).bytes());
        for word in words {
            self.pending.extend(format!("${}\r\n", word.len()).bytes());
            self.pending.extend(*word);
            self.pending.extend(b"\r\n");
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), CriuError> {
        let result = self.socket.get_mut().write_all(&self.pending);
        self.pending.clear();
        result.map_err(|error| ProgramError::of("writing to redis-server", &error).into())
    }

    fn ask(&mut self, words: &[&[u8]]) -> Result<Vec<u8>, CriuError> {
        self.send(words)?;
        self.flush()?;
        self.answer()
    }

    /// An answer: of a string its bytes, else the line.
    fn answer(&mut self) -> Result<Vec<u8>, CriuError> {
        let broken = |error: std::io::Error| ProgramError::of("reading from redis-server", &error);
        let mut line = Vec::new();
        (&mut self.socket)
            .take(ANSWER_MOST as u64)
            .read_until(b'\n', &mut line)
            .map_err(broken)?;
        let line = line.trim_ascii_end();
        let Some(length) = line.strip_prefix(b"$") else {
            return Ok(line.to_vec());
        };
        let length = str::from_utf8(length)
            .ok()
            .and_then(|length| length.parse::<usize>().ok());
        let Some(length) = length.filter(|length| *length <= ANSWER_MOST) else {
            return Ok(line.to_vec());
        };
        let mut bytes = vec![0; length + 2];
        self.socket.read_exact(&mut bytes).map_err(broken)?;
        bytes.truncate(length);
        Ok(bytes)
    }

    fn expect_status(&mut self, status: &str) -> Result<(), CriuError> {
        let answer = self.answer()?;
        if answer.strip_prefix(b"+") == Some(status.as_bytes()) {
            return Ok(());
        }
        let answer = String::from_utf8_lossy(&answer);
        Err(ProgramError::of(
            "redis-server",
            &std::io::Error::other(format!("{answer:?} in place of {status}")),
        )
        .into())
    }
}
