//! Where acts happen: a subject, sealed honestly, its older snapshot, and the keys of all who take part.

use std::cell::Cell;
use std::io;
use std::path::{Path, PathBuf};

use sealab_keys::{SigningKey, VerifyingKey};
use tempfile::TempDir;

use super::format::{Asking, CheckpointFormat, Layout, Problem, Sealing};
use super::keyring::{Keyring, OpeningKey};
use super::subject::Subject;
use crate::AttackError;
use crate::files::{self, Files};
use crate::judging::{Reading, difference};

/// Seeds of the two snapshots.
pub(super) const OLDER: u64 = 1;
pub(super) const NEWER: u64 = 2;

/// A file system in memory. Each opened set is synced, and some thousand are opened.
const MEMORY: &str = "/dev/shm";

fn place() -> io::Result<TempDir> {
    // Not there, or not ours to write to.
    TempDir::new_in(MEMORY).or_else(|_| TempDir::new())
}

/// One format with what is attacked.
pub(super) struct Stage<'a> {
    format: Box<dyn CheckpointFormat + 'a>,
    place: TempDir,
    folders: Cell<u64>,
    pub(super) keys: Keyring,
    /// What was sealed.
    pub(super) subject: Subject,
    /// The subject, sealed.
    pub(super) sealed: Files,
    /// An older snapshot of it, sealed with the same keys.
    pub(super) older: Files,
    pub(super) layout: Layout,
    pub(super) older_layout: Layout,
}

impl<'a> Stage<'a> {
    /// Seals the subject, and holds what comes back against it.
    pub(super) fn new(format: Box<dyn CheckpointFormat + 'a>) -> Result<Self, AttackError> {
        let place = place().map_err(files::failed(Path::new("a temporary folder")))?;
        let mut stage = Self {
            format,
            place,
            folders: Cell::new(0),
            keys: Keyring::new()?,
            subject: Subject::new(NEWER),
            sealed: Files::new(),
            older: Files::new(),
            layout: Layout::default(),
            older_layout: Layout::default(),
        };
        stage.sealed = stage.seal(&stage.subject.files, None)?;
        stage.older = stage.seal(&Subject::new(OLDER).files, None)?;
        let reading = stage.open(&stage.sealed)?;
        if let Some(refusal) = reading.refusal {
            return Err(stage.failure("opening the unchanged set", refusal));
        }
        if let Some(detail) = difference(&reading.handed_out, &stage.subject.files) {
            return Err(AttackError::Control {
                format: stage.format.format().id,
                detail,
            });
        }
        stage.layout = stage.layout_of(&stage.sealed)?;
        stage.older_layout = stage.layout_of(&stage.older)?;
        Ok(stage)
    }

    pub(super) fn format(&self) -> &dyn CheckpointFormat {
        self.format.as_ref()
    }

    pub(super) fn failure(&self, step: &'static str, detail: impl std::fmt::Display) -> AttackError {
        AttackError::Format {
            format: self.format.format().id,
            step,
            detail: detail.to_string(),
        }
    }

    fn layout_of(&self, sealed: &Files) -> Result<Layout, AttackError> {
        let layout = self.format.layout(sealed, &self.keys.recipient);
        layout.map_err(|problem| self.failure("finding the parts of a set", problem))
    }

    /// A path that nothing has yet.
    pub(super) fn folder(&self) -> PathBuf {
        let number = self.folders.get();
        self.folders.set(number + 1);
        self.place.path().join(number.to_string())
    }

    /// Seals a plain set for the recipient.
    pub(super) fn seal(&self, plain: &Files, signer: Option<&SigningKey>) -> Result<Files, AttackError> {
        let sealed = self.folder();
        self.seal_into(plain, signer, &sealed, false)?
            .map_err(|problem| self.failure("sealing", problem))?;
        let files = files::read(&sealed);
        let _ = std::fs::remove_dir_all(sealed);
        files
    }

    /// Seals a plain set into the folder `sealed`, or is made to fail at it.
    pub(super) fn seal_into(
        &self,
        plain: &Files,
        signer: Option<&SigningKey>,
        sealed: &Path,
        fail: bool,
    ) -> Result<Result<(), Problem>, AttackError> {
        let source = self.folder();
        files::write(&source, plain)?;
        let with = Sealing {
            recipient: self.keys.recipient.rsa.recipient(),
            signer,
            parent: None,
        };
        let result = if fail {
            self.format.seal_and_fail(&source, sealed, &with)
        } else {
            self.format.seal(&source, sealed, &with)
        };
        let _ = std::fs::remove_dir_all(source);
        Ok(result)
    }

    /// What a format said. Where the bench's folders lie is nothing to tell.
    pub(super) fn told(&self, problem: &Problem) -> String {
        let place = format!("{}/", self.place.path().display());
        let text = problem.to_string();
        let mut parts = text.split(&place);
        let mut told = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            // The folder's number goes too.
            let part = part.trim_start_matches(|c: char| c.is_ascii_digit());
            told.push_str(part.strip_prefix('/').unwrap_or(part));
        }
        told
    }

    /// Opens what the adversary left, with the recipient's key.
    pub(super) fn open(&self, left: &Files) -> Result<Reading, AttackError> {
        self.open_as(left, &self.keys.recipient, None)
    }

    /// Opens it with any key, from any or one sender.
    pub(super) fn open_as(
        &self,
        left: &Files,
        key: &OpeningKey,
        sender: Option<&VerifyingKey>,
    ) -> Result<Reading, AttackError> {
        let folder = self.folder();
        files::write(&folder, left)?;
        let mut handed_out = Files::new();
        let opened = self
            .format
            .open(&folder, &Asking { key, sender }, &mut handed_out);
        let _ = std::fs::remove_dir_all(&folder);
        Ok(Reading {
            handed_out,
            refusal: opened.err().map(|problem| self.told(&problem)),
        })
    }
}
