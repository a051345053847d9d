//! A set that builds on another is given an older one to build on.

use std::fs;
use std::path::Path;

use sealab_checkpoint::image::PAGE_BYTES;

use super::super::format::{Asking, Sealing};
use super::super::stage::{NEWER, OLDER, Stage};
use super::super::subject::{PIDS, Subject, pages_name};
use crate::files::{self, Files, failed};
use crate::judging::{Reading, difference};
use crate::trials::Trials;
use crate::{AttackError, Outcome};

/// The child's own seed.
const CHILD: u64 = 4;

const NOTHING: &str = "The format has no sets that build on others.";

pub(super) fn exchange(stage: &Stage<'_>) -> Result<Outcome, AttackError> {
    let mut trials = Trials::default();
    let keys = &stage.keys;
    let seal = |subject: &Subject, sealed: &Path, parent: Option<&Path>| -> Result<(), AttackError> {
        let plain = stage.folder();
        files::write(&plain, &subject.files)?;
        if let Some(parent) = parent {
            // The plain child builds on the plain parent.
            let link = plain.join("parent");
            std::os::unix::fs::symlink(parent, &link).map_err(failed(&link))?;
        }
        let with = Sealing {
            recipient: keys.recipient.rsa.recipient(),
            signer: None,
            parent,
        };
        stage
            .format()
            .seal(&plain, sealed, &with)
            .map_err(|problem| stage.failure("sealing a set that builds on another", problem))
    };
    let place = stage.folder();
    fs::create_dir(&place).map_err(failed(&place))?;
    let [parent, other, child] = ["parent", "older", "child"].map(|name| place.join(name));
    let read = |child: &Path| -> Option<Reading> {
        let mut handed_out = Files::new();
        let asking = Asking {
            key: &keys.recipient,
            sender: None,
        };
        let result = stage.format().memory(child, &asking, &mut handed_out)?;
        Some(Reading {
            handed_out,
            refusal: result.err().map(|problem| stage.told(&problem)),
        })
    };
    if !stage.format().has_parents() {
        return Ok(trials.outcome(NOTHING));
    }
    seal(&Subject::new(NEWER), &parent, None)?;
    seal(&Subject::new(OLDER), &other, None)?;
    let child_subject = Subject::child(CHILD);
    seal(&child_subject, &child, Some(&parent))?;

    let truth: Files = (0..PIDS.len())
        .map(|process| {
            let name = pages_name(process);
            let mut bytes = child_subject.files[&name].clone();
            bytes.extend(&Subject::new(NEWER).files[&name][10 * PAGE_BYTES..]);
            (name, bytes)
        })
        .collect();
    let Some(control) = read(&child) else {
        return Ok(trials.outcome(NOTHING));
    };
    if let Some(refusal) = control.refusal {
        return Err(stage.failure("reading memory through a parent", refusal));
    }
    if let Some(detail) = difference(&control.handed_out, &truth) {
        return Err(AttackError::Control {
            format: stage.format().format().id,
            detail,
        });
    }
    fs::remove_dir_all(&parent).map_err(failed(&parent))?;
    fs::rename(&other, &parent).map_err(failed(&other))?;
    if let Some(reading) = read(&child) {
        trials.change("an older set of the same processes as parent", &reading, &truth);
    }
    Ok(trials.outcome(NOTHING))
}
