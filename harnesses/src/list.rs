//! The harnesses that come with Sealab, as `harnesses/harnesses.yaml` lists them, and those that a user names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::emulated::on_path;
use crate::subject::{Subject, Unavailable};

/// The list's name in its folder.
const FILE: &str = "harnesses.yaml";

/// A list that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct ListError {
    path: PathBuf,
    reason: String,
}

impl ListError {
    pub(crate) fn new(path: impl Into<PathBuf>, error: &dyn std::fmt::Display) -> Self {
        // The parser goes on to quote the file.
        let reason = error.to_string().lines().next().unwrap_or_default().to_owned();
        Self {
            path: path.into(),
            reason,
        }
    }
}

/// A harness of the list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Its identifier.
    pub name: String,
    /// What does the cryptography.
    pub library: String,
    /// The program and its arguments. Whatever contains a `/` is a path, from the list's folder.
    command: Vec<String>,
    /// How it is had where it is missing.
    needs: String,
    /// Whether it is run on emulated CPUs too.
    #[serde(default)]
    pub emulated: bool,
    #[serde(skip)]
    folder: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    harnesses: Vec<Listed>,
}

impl Listed {
    /// The harnesses that the list in `folder` names.
    pub fn read(folder: &Path) -> Result<Vec<Self>, ListError> {
        let path = folder.join(FILE);
        let failed = |error: &dyn std::fmt::Display| ListError::new(&path, error);
        let text = fs::read_to_string(&path).map_err(|error| failed(&error))?;
        let list: List = serde_saphyr::from_str(&text).map_err(|error| failed(&error))?;
        let folder = fs::canonicalize(folder).map_err(|error| failed(&error))?;
        let mut harnesses = list.harnesses;
        for (index, harness) in harnesses.iter().enumerate() {
            if harness.command.is_empty() {
                return Err(failed(&format!("{} has no command", harness.name)));
            }
            if harnesses[..index].iter().any(|other| other.name == harness.name) {
                return Err(failed(&format!("two harnesses have the name {}", harness.name)));
            }
        }
        for harness in &mut harnesses {
            harness.folder.clone_from(&folder);
        }
        Ok(harnesses)
    }

    /// The harness on this machine's own CPU.
    pub fn subject(&self) -> Subject {
        let arguments = format!("--harness {}", self.name);
        Subject::native(&self.name, self.command(), arguments)
    }

    fn command(&self) -> Result<Command, Unavailable> {
        let words: Vec<PathBuf> = self
            .command
            .iter()
            .map(|word| {
                if word.contains('/') {
                    self.folder.join(word)
                } else {
                    PathBuf::from(word)
                }
            })
            .collect();
        let there = |word: &PathBuf| word.components().count() == 1 || word.exists();
        let program = &words[0];
        if on_path(program).is_none() || !words.iter().all(there) {
            return Err(Unavailable {
                reason: format!("not on this machine; it needs {}", self.needs),
                missing: true,
            });
        }
        let mut command = Command::new(program);
        command.args(&words[1..]);
        Ok(command)
    }
}

/// A harness that a user names: an executable file, or a command with arguments between blanks.
pub fn named(text: &str) -> Subject {
    let mut words = text.split_ascii_whitespace();
    let command = if Path::new(text).exists() {
        Command::new(Path::new(".").join(text))
    } else {
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        command
    };
    let quoted = text.replace('\'', "'\\''");
    Subject::native(text, Ok(command), format!("--harness '{quoted}'"))
}
