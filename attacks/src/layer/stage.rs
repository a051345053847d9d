//! Where acts happen: a subject, sealed honestly, its older state, and the keys of all who take part.

use std::cell::Cell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::format::{LayerFormat, Parts, Problem};
use super::handed_out::recognize;
use super::image::Image;
use super::keyring::{Key, Keyring};
use super::subject;
use crate::AttackError;
use crate::files::{self, Files};
use crate::judging::{Reading, difference};
use crate::trials::Trials;

/// Seeds of the two states of the image, and of one that is the adversary's own.
const OLDER: u64 = 1;
pub(super) const NEWER: u64 = 2;
pub(super) const OWN: u64 = 3;

/// A file system in memory: readers sync what they write.
const MEMORY: &str = "/dev/shm";

fn place() -> io::Result<TempDir> {
    // Not there, or not ours to write to.
    TempDir::new_in(MEMORY).or_else(|_| TempDir::new())
}

/// One format with what is attacked.
pub(super) struct Stage<'a> {
    format: Box<dyn LayerFormat + 'a>,
    place: TempDir,
    folders: Cell<u64>,
    pub(super) keys: Keyring,
    /// What was sealed.
    pub(super) layers: Files,
    /// The image, sealed.
    pub(super) sealed: Image,
    pub(super) parts: Parts,
    /// An older state of it, sealed for the same recipient.
    pub(super) older: Image,
}

impl<'a> Stage<'a> {
    /// Seals the subject, and holds what comes back against it.
    pub(super) fn new(format: Box<dyn LayerFormat + 'a>) -> Result<Self, AttackError> {
        let layers = subject::layers(NEWER);
        let empty = Image::new(Vec::new());
        let mut stage = Self {
            format,
            place: place().map_err(files::failed(Path::new("a temporary folder")))?,
            folders: Cell::new(0),
            keys: Keyring::new()?,
            layers,
            sealed: empty.clone(),
            parts: Parts::default(),
            older: empty,
        };
        stage.sealed = stage.seal(&stage.layers)?;
        stage.older = stage.seal(&subject::layers(OLDER))?;
        stage.parts = stage.format.parts(&stage.sealed);
        let reading = stage.open(&stage.sealed)?;
        stage.control(&reading, &stage.layers)?;
        Ok(stage)
    }

    /// That a reading of what nobody changed gave what was sealed.
    pub(super) fn control(&self, reading: &Reading, truth: &Files) -> Result<(), AttackError> {
        if let Some(refusal) = &reading.refusal {
            return Err(self.failure("opening the unchanged image", refusal));
        }
        match difference(&reading.handed_out, truth) {
            Some(detail) => Err(AttackError::Control {
                format: self.format.format().id,
                detail,
            }),
            None => Ok(()),
        }
    }

    pub(super) fn format(&self) -> &dyn LayerFormat {
        self.format.as_ref()
    }

    pub(super) fn failure(&self, step: &'static str, detail: impl std::fmt::Display) -> AttackError {
        AttackError::Format {
            format: self.format.format().id,
            step,
            detail: detail.to_string(),
        }
    }

    /// A path that nothing has yet.
    fn path(&self) -> PathBuf {
        let number = self.folders.get();
        self.folders.set(number + 1);
        self.place.path().join(number.to_string())
    }

    /// A new folder, which goes behind `work`.
    fn within<T>(&self, work: impl FnOnce(&Path) -> T) -> Result<T, AttackError> {
        let folder = self.path();
        fs::create_dir(&folder).map_err(files::failed(&folder))?;
        let done = work(&folder);
        fs::remove_dir_all(&folder).map_err(files::failed(&folder))?;
        Ok(done)
    }

    /// Seals layers for the recipient.
    pub(super) fn seal(&self, layers: &Files) -> Result<Image, AttackError> {
        self.within(|folder| self.format.seal(layers, &self.keys.recipient, folder))?
            .map_err(|problem| self.failure("sealing", problem))
    }

    /// Opens what the adversary left, with the recipient's key.
    pub(super) fn open(&self, left: &Image) -> Result<Reading, AttackError> {
        self.open_as(left, &self.keys.recipient)
    }

    /// Opens it with any key.
    pub(super) fn open_as(&self, left: &Image, key: &Key) -> Result<Reading, AttackError> {
        let read = |sealed: &Path, handed_out: &mut Files| {
            self.within(|folder| self.format.open(sealed, key, folder, handed_out))
                .map(Some)
        };
        let reading = self.reading(left, read)?;
        reading.ok_or_else(|| self.failure("opening an image", "there is no reader"))
    }

    /// The first `bytes` of each layer, by a reader that then stops; nothing if none can.
    pub(super) fn open_start(&self, left: &Image, bytes: usize) -> Result<Option<Reading>, AttackError> {
        self.reading(left, |sealed, handed_out| {
            let key = &self.keys.recipient;
            Ok(self.format.open_start(sealed, key, bytes, handed_out))
        })
    }

    fn reading(
        &self,
        left: &Image,
        read: impl FnOnce(&Path, &mut Files) -> Result<Option<Result<(), Problem>>, AttackError>,
    ) -> Result<Option<Reading>, AttackError> {
        let sealed = self.path();
        left.write(&sealed)
            .map_err(|problem| self.failure("writing an image", problem))?;
        let mut handed_out = Files::new();
        let opened = read(&sealed, &mut handed_out)?;
        recognize(&mut handed_out, &self.layers);
        fs::remove_dir_all(&sealed).map_err(files::failed(&sealed))?;
        Ok(opened.map(|opened| Reading {
            handed_out,
            refusal: opened.err().map(|problem| self.told(&problem)),
        }))
    }

    /// What a format said. Where the bench's folders lie is nothing to tell.
    fn told(&self, problem: &Problem) -> String {
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

    /// Opens `changed` and adds the verdict. A change that changes nothing is no trial.
    pub(super) fn try_change(
        &self,
        trials: &mut Trials,
        place: impl Into<String>,
        changed: &Image,
    ) -> Result<(), AttackError> {
        if *changed != self.sealed {
            trials.change(place, &self.open(changed)?, &self.layers);
        }
        Ok(())
    }
}
