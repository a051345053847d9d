//! The programs that are dumped.

mod hog;
mod mixture;
mod postgres;
mod redis;

use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use schemars::JsonSchema;
use sealab_memory::ByteSize;
use sealab_programs::{Running, in_path, until};
use serde::{Deserialize, Serialize};

use crate::stage::Stage;
use crate::{Criu, CriuError, Unavailable};

/// A program to be dumped, with how much memory it has filled by then.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The program.
    pub program: Program,
    /// How much memory it fills, at least 1 MiB.
    pub size: ByteSize,
}

/// A real program.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    /// `memhog` of numactl: one value in every byte, written again and again.
    Memhog,
    /// A vm stressor of `stress-ng`: patterns, written and verified.
    StressNg,
    /// `redis-server` with random, text and mixed values in it.
    RedisServer,
    /// PostgreSQL with a table in its shared buffers: several processes, shared memory, a user of its own.
    Postgres,
    /// The lab's own: zeros, text, random bytes, pointers; it counts, and verifies its memory while it does.
    Mixture,
}

impl Program {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Memhog,
        Self::StressNg,
        Self::RedisServer,
        Self::Postgres,
        Self::Mixture,
    ];

    /// The name, as scenarios have it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Memhog => "memhog",
            Self::StressNg => "stress-ng",
            Self::RedisServer => "redis-server",
            Self::Postgres => "postgres",
            Self::Mixture => "mixture",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.program.id(), self.size)
    }
}

impl Subject {
    /// The program with that much memory.
    pub fn new(program: Program, size: ByteSize) -> Self {
        Self { program, size }
    }

    /// The role that this subject plays; fails if the program is not there.
    pub(crate) fn role(&self, criu: &Criu) -> Result<Box<dyn Role>, CriuError> {
        Ok(match self.program {
            Program::Memhog => Box::new(hog::Hog::memhog(self.size)?),
            Program::StressNg => Box::new(hog::Hog::stress_ng(self.size)?),
            Program::RedisServer => Box::new(redis::Redis::new(self.size)?),
            Program::Postgres => Box::new(postgres::Postgres::new(self.size)?),
            Program::Mixture => Box::new(mixture::Mixture::new(self.size, &criu.mixture)?),
        })
    }
}

/// What a role has to do with.
pub(crate) struct Scene<'a> {
    pub(crate) stage: &'a Stage,
    /// The subject's own folder, as it was at the dump.
    pub(crate) state: &'a Path,
    /// How long a step may take.
    pub(crate) limit: Duration,
    pub(crate) cancelled: &'a AtomicBool,
}

impl Scene<'_> {
    /// Asks again and again until there is an answer, or the step's time is over.
    pub(crate) fn until<T>(
        &self,
        what: &str,
        ask: impl FnMut() -> Result<Option<T>, CriuError>,
    ) -> Result<T, CriuError> {
        until(what, self.limit, self.cancelled, ask)
    }
}

/// Makes the error that a subject does not go on, of what was found and what would be right.
pub(crate) type Wrong<'a> = dyn Fn(String, String) -> CriuError + 'a;

/// How a program is started, filled and looked at.
pub(crate) trait Role: Send {
    /// The command line.
    fn arguments(&self, state: &Path) -> Vec<OsString>;

    /// The user and group that the program runs as, if not root.
    fn user(&self) -> Option<(u32, u32)> {
        None
    }

    /// What comes before the start.
    fn prepare(&mut self, _scene: &Scene<'_>) -> Result<(), CriuError> {
        Ok(())
    }

    /// Has the program fill its memory, and leaves it so that it can be dumped: without connections.
    fn fill(&mut self, scene: &mut Scene<'_>, running: &mut Running) -> Result<(), CriuError>;

    /// Has the restored program show that it goes on with what it had; returns what shows it.
    fn goes_on(&mut self, scene: &Scene<'_>, wrong: &Wrong<'_>) -> Result<String, CriuError>;
}

/// The path of a program in the PATH.
fn path_of(program: &'static str, package: &'static str) -> Result<OsString, CriuError> {
    in_path(program)
        .map(Into::into)
        .ok_or_else(|| Unavailable::Program { program, package }.into())
}

/// Fails if the subject has ended.
fn alive(running: &mut Running) -> Result<(), CriuError> {
    running
        .ended()
        .map_or(Ok(()), |status| Err(running.failure(status).into()))
}
