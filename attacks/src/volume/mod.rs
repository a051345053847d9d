//! Volumes under attack: each format keeps one content, and adversaries without its key work on the store beneath.

mod acts;
mod places;
mod reading;
mod stage;
mod subject;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use sealab_attack_record::{Act, FormatUnderAttack};
use sealab_engine::Engine;
use sealab_volume::format::{FORMATS, VolumeFormat};

use crate::{AttackError, Outcome, Target, crash};
use acts::ACTS;
use stage::Stage;

/// The plane's identifier.
pub const PLANE: &str = "volume";

/// How many states after a power cut are looked at unless more are asked for.
pub const POWER_CUTS: crash::Plan = crash::Plan { states: 500, seed: 1 };

/// Every volume format, in the order of reports, over `engine`, which must implement what it needs. Fresh keys are made each
/// time. `plan` says how long the power is cut.
///
/// # Errors
/// A format does not make a volume, or does not give back what was written to it.
pub fn targets(
    engine: &Arc<dyn Engine>,
    wanted: &dyn Fn(&str) -> bool,
    plan: crash::Plan,
) -> Result<Vec<Box<dyn Target>>, AttackError> {
    let mut targets: Vec<Box<dyn Target>> = Vec::new();
    for format in FORMATS.iter().filter(|format| wanted(format.id())) {
        targets.push(Box::new(UnderAttack::new(*format, engine, plan)?));
    }
    Ok(targets)
}

/// The formats that [`targets`] knows, without making anything.
pub fn known() -> Vec<FormatUnderAttack> {
    FORMATS.iter().map(|format| under_attack(*format)).collect()
}

/// Every act on volumes, in the order of reports.
pub fn acts() -> Vec<Act> {
    ACTS.iter().map(|one| one.act).collect()
}

fn under_attack(format: &dyn VolumeFormat) -> FormatUnderAttack {
    FormatUnderAttack {
        plane: PLANE,
        id: format.id(),
        description: format.description(),
    }
}

/// One format with its volume.
struct UnderAttack {
    format: FormatUnderAttack,
    stage: Stage,
    acts: Vec<Act>,
}

impl UnderAttack {
    fn new(
        format: &'static dyn VolumeFormat,
        engine: &Arc<dyn Engine>,
        plan: crash::Plan,
    ) -> Result<Self, AttackError> {
        Ok(Self {
            format: under_attack(format),
            stage: Stage::new(format, engine.clone(), plan)?,
            acts: acts(),
        })
    }
}

impl Target for UnderAttack {
    fn format(&self) -> FormatUnderAttack {
        self.format
    }

    fn acts(&self) -> &[Act] {
        &self.acts
    }

    fn attempt(&self, act: &str) -> Result<Outcome, AttackError> {
        match ACTS.iter().find(|one| one.act.id == act) {
            Some(one) => (one.attempt)(&self.stage),
            None => Err(self
                .stage
                .failure("trying an act", format!("there is no act {act}"))),
        }
    }
}
