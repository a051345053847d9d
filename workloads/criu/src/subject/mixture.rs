//! The lab's own program as a subject.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use sealab_memory::ByteSize;
use sealab_programs::Running;

use super::{Role, Scene, Wrong, alive};
use crate::mixture::Status;
use crate::{CriuError, Unavailable};

pub(super) struct Mixture {
    command: Vec<OsString>,
    size: ByteSize,
    /// The last status before the dump.
    frozen: Status,
}

impl Mixture {
    pub(super) fn new(size: ByteSize, command: &[OsString]) -> Result<Self, CriuError> {
        if command.is_empty() {
            return Err(Unavailable::NoMixture.into());
        }
        Ok(Self {
            command: command.to_vec(),
            size,
            frozen: Status::default(),
        })
    }

    fn status(state: &Path) -> Option<Status> {
        Status::last(&fs::read(state.join("status")).ok()?)
    }
}

impl Role for Mixture {
    fn arguments(&self, state: &Path) -> Vec<OsString> {
        let mut arguments = self.command.clone();
        arguments.push(self.size.bytes().to_string().into());
        arguments.push(state.join("status").into());
        arguments
    }

    fn fill(&mut self, scene: &mut Scene<'_>, running: &mut Running) -> Result<(), CriuError> {
        // It counts only when its memory is filled.
        self.frozen = scene.until(&format!("the filling of {}", self.size), || {
            alive(running)?;
            Ok(Self::status(scene.state).filter(|status| status.count > 0))
        })?;
        Ok(())
    }

    fn goes_on(&mut self, scene: &Scene<'_>, wrong: &Wrong<'_>) -> Result<String, CriuError> {
        let gone = || wrong("no status".to_owned(), "the status file of the dump".to_owned());
        let before = Self::status(scene.state).ok_or_else(gone)?;
        if before.count < self.frozen.count {
            let found = format!("a count of {}", before.count);
            return Err(wrong(found, format!("at least {}, as before", self.frozen.count)));
        }
        // Once round from wherever it stands, and each piece has been verified after the restore.
        let target = before.count + before.pieces + 1;
        let after = scene.until("the counting on", || {
            let now = Self::status(scene.state).ok_or_else(gone)?;
            if now.wrong {
                let found = format!("changed memory, at the count of {}", now.count);
                return Err(wrong(found, "the memory of the dump".to_owned()));
            }
            Ok((now.count >= target).then_some(now))
        })?;
        Ok(format!(
            "counted on from {} to {}, with all of its memory verified",
            before.count, after.count
        ))
    }
}
