//! Checkpoints under attack: each format seals one subject, and adversaries without its key work on what was written.

mod acts;
mod format;
mod frames;
mod keyring;
mod peer;
mod plain;
mod pr2297;
mod sealed;
mod stage;
mod subject;
#[cfg(test)]
mod tests;

use sealab_attack_record::{Act, FormatUnderAttack};
use sealab_engine::Engine;

use crate::{AttackError, Outcome, Target};
use acts::ACTS;
use format::CheckpointFormat;
use stage::Stage;

/// The plane's identifier.
pub const PLANE: &str = "checkpoint";

/// Every checkpoint format, in the order of reports, sealing and opening with `engine`. Fresh keys are made each time.
///
/// # Errors
/// A key could not be made; a format does not seal the bench's subject, or does not open it to what was sealed.
pub fn targets<'a>(
    engine: &'a dyn Engine,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<Box<dyn Target + 'a>>, AttackError> {
    let mut targets: Vec<Box<dyn Target + 'a>> = Vec::new();
    for format in formats(engine) {
        if wanted(format.format().id) {
            targets.push(Box::new(Checkpoint::new(format)?));
        }
    }
    Ok(targets)
}

/// The formats that [`targets`] knows, without making anything.
pub fn known() -> Vec<FormatUnderAttack> {
    let mut known = vec![plain::FORMAT, pr2297::FORMAT, peer::FORMAT];
    known.extend(sealed::VARIANTS.iter().map(|variant| variant.format));
    known
}

/// Every act on checkpoints, in the order of reports.
pub fn acts() -> Vec<Act> {
    ACTS.iter().map(|one| one.act).collect()
}

fn formats(engine: &dyn Engine) -> Vec<Box<dyn CheckpointFormat + '_>> {
    let mut formats: Vec<Box<dyn CheckpointFormat + '_>> = vec![
        Box::new(plain::Plain),
        Box::new(pr2297::Pr2297 { engine }),
        Box::new(peer::Peer { engine }),
    ];
    for variant in sealed::VARIANTS {
        formats.push(Box::new(sealed::Sealed { engine, variant }));
    }
    formats
}

/// One format with its sealed subject.
struct Checkpoint<'a> {
    stage: Stage<'a>,
    acts: Vec<Act>,
}

impl<'a> Checkpoint<'a> {
    fn new(format: Box<dyn CheckpointFormat + 'a>) -> Result<Self, AttackError> {
        Ok(Self {
            stage: Stage::new(format)?,
            acts: acts(),
        })
    }
}

impl Target for Checkpoint<'_> {
    fn format(&self) -> FormatUnderAttack {
        self.stage.format().format()
    }

    fn acts(&self) -> &[Act] {
        &self.acts
    }

    fn attempt(&self, act: &str) -> Result<Outcome, AttackError> {
        match ACTS.iter().find(|one| one.act.id == act) {
            Some(one) => (one.attempt)(&self.stage, &one.act),
            None => Err(self
                .stage
                .failure("trying an act", format!("there is no act {act}"))),
        }
    }
}
