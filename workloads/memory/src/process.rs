//! `process`: the memory of a real program. It is started, left to settle, stopped with all its descendants, read,
//! and killed, whatever happens.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{ByteSize, Settle, WorkloadError};

mod family;
mod packages;
mod pages;
mod table;

use family::Family;

/// The resident private pages of a program and its descendants.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// The program and its arguments; it is found on the PATH and no shell is between.
    pub command: CommandLine,
    /// How long it runs before its memory is taken.
    #[serde(default = "default_settle")]
    pub settle: Settle,
    /// The most that is taken of its memory.
    #[serde(default = "default_limit")]
    pub limit: ByteSize,
}

fn default_settle() -> Settle {
    Settle::DEFAULT
}

fn default_limit() -> ByteSize {
    ByteSize::mebibytes(256)
}

/// A program with its arguments: at least the program's name, and no NUL in any of them.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct CommandLine(Vec<String>);

impl CommandLine {
    /// Takes a program with its arguments.
    pub fn new(command: Vec<String>) -> Result<Self, WorkloadError> {
        let invalid = |found: &str, expected: &str| {
            Err(WorkloadError::Invalid {
                workload: "process",
                field: "command",
                found: found.to_owned(),
                expected: expected.to_owned(),
            })
        };
        match command.first() {
            None => {
                return invalid(
                    "the list is empty",
                    "the program's name comes first: [stress-ng, --vm, \"1\"]",
                );
            }
            Some(program) if program.is_empty() => {
                return invalid("the program's name is empty", "name a program");
            }
            Some(_) => {}
        }
        if command.iter().any(|word| word.contains('\0')) {
            return invalid("a word has a NUL character", "no program can be given one");
        }
        Ok(Self(command))
    }

    /// The program.
    pub fn program(&self) -> &str {
        &self.0[0]
    }

    /// The program's arguments.
    pub fn arguments(&self) -> &[String] {
        &self.0[1..]
    }
}

impl<'de> Deserialize<'de> for CommandLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for CommandLine {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CommandLine".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The program and its arguments, each a word of the list.",
            "type": "array",
            "minItems": 1,
            "items": { "type": "string" },
        })
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("process")?;
        for word in &self.command.0 {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:+%@".contains(c);
            if !word.is_empty() && word.chars().all(plain) {
                write!(f, " {word}")?;
            } else {
                // Escaped, because a label is one line whatever the words are.
                write!(f, " {word:?}")?;
            }
        }
        write!(f, ", settle {}, limit {}", self.settle, self.limit)
    }
}

/// What was taken of a program's memory.
#[derive(Debug)]
pub struct Capture {
    /// The pages one after the other, by process and address.
    pub bytes: Vec<u8>,
    /// The machine's page size in bytes; the length of `bytes` is a multiple of it.
    pub page_bytes: usize,
    /// The processes that were stopped, the program itself first. They are gone.
    pub pids: Vec<u32>,
    /// Memory regions that have pages in `bytes`.
    pub regions: usize,
    /// Resident private pages of all the processes, taken or not.
    pub resident_pages: u64,
    /// Pages in `bytes`.
    pub taken_pages: u64,
    /// Pages in `bytes` that hold only zeros.
    pub zero_pages: u64,
    /// Resident private pages that the kernel would not show; they are not in `bytes`.
    pub unreadable_pages: u64,
    /// Private pages that were swapped out; they are not resident and not taken.
    pub swapped_pages: u64,
}

impl Capture {
    pub(crate) fn notes(&self) -> Vec<String> {
        let count = |number: u64, one: &str, more: &str| match number {
            1 => format!("1 {one}"),
            _ => format!("{number} {more}"),
        };
        let mut notes = vec![format!(
            "{} of {} in {}; {} zero",
            count(
                self.taken_pages,
                "resident private page",
                "resident private pages"
            ),
            count(self.pids.len() as u64, "process", "processes"),
            count(self.regions as u64, "region", "regions"),
            count(self.zero_pages, "page is", "pages are"),
        )];
        if self.taken_pages + self.unreadable_pages < self.resident_pages {
            notes.push(format!(
                "the limit left out {} of {} resident private pages",
                self.resident_pages - self.taken_pages - self.unreadable_pages,
                self.resident_pages
            ));
        }
        if self.unreadable_pages > 0 {
            notes.push(format!(
                "{} could not be read",
                count(self.unreadable_pages, "resident page", "resident pages")
            ));
        }
        if self.swapped_pages > 0 {
            notes.push(format!(
                "{} swapped out and not taken",
                count(self.swapped_pages, "page was", "pages were")
            ));
        }
        notes
    }
}

/// Runs the program and takes its memory. No process of it is left when this returns.
///
/// Waits end soon after `cancelled` is set, with [`WorkloadError::Cancelled`]. The thread that calls this must not end
/// before: the program is killed with it.
pub fn capture(process: &Process, cancelled: &AtomicBool) -> Result<Capture, WorkloadError> {
    let mut family = Family::start(process)?;
    family.settle(cancelled)?;
    let pids = family.stop(cancelled)?;
    let capture = pages::take(process, pids, cancelled)?;
    drop(family);
    Ok(capture)
}

/// Ends a wait that nobody wants any more.
fn check(cancelled: &AtomicBool) -> Result<(), WorkloadError> {
    if cancelled.load(Ordering::Relaxed) {
        return Err(WorkloadError::Cancelled);
    }
    Ok(())
}
