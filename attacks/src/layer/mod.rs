//! Images under attack: each format seals the layers of one, and adversaries without its key, who keep the registry, work
//! on blobs, manifest and annotations.

mod acts;
mod forged;
mod format;
mod handed_out;
mod image;
mod keyring;
mod nydus;
mod ours;
mod peer;
mod skopeo;
mod stage;
mod subject;
#[cfg(test)]
mod tests;
mod unwrap;

use sealab_attack_record::{Act, FormatUnderAttack};
use sealab_engine::Engine;

use crate::{AttackError, Outcome, Target};
use acts::ACTS;
use format::LayerFormat;
use stage::Stage;

/// The plane's identifier.
pub const PLANE: &str = "layer";

/// Every format of layers, in the order of reports, sealing and opening with `engine`. Fresh keys are made each time.
///
/// # Errors
/// A key could not be made; a format does not seal the bench's subject, or does not open it to what was sealed: its
/// reader may be [`missing`].
pub fn targets<'a>(
    engine: &'a dyn Engine,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<Box<dyn Target + 'a>>, AttackError> {
    let mut targets: Vec<Box<dyn Target + 'a>> = Vec::new();
    for format in formats(engine) {
        if wanted(format.format().id) {
            targets.push(Box::new(Layers::new(format)?));
        }
    }
    Ok(targets)
}

/// The formats that [`targets`] knows, without making anything.
pub fn known() -> Vec<FormatUnderAttack> {
    let mut known: Vec<FormatUnderAttack> = ours::VARIANTS.iter().map(|variant| variant.format).collect();
    // Behind ocicrypt, whose bytes they read.
    known.splice(2..2, [peer::FORMAT, skopeo::FORMAT]);
    known.extend([nydus::VALIDATED, nydus::UNVALIDATED]);
    known
}

/// Every act on images, in the order of reports.
pub fn acts() -> Vec<Act> {
    ACTS.iter().map(|one| one.act).collect()
}

/// The identifiers of formats whose reader is not on this machine, each with what is missing.
pub fn missing() -> Vec<(&'static str, String)> {
    let skopeo = skopeo::missing().map(|reason| (skopeo::FORMAT.id, reason));
    skopeo.into_iter().collect()
}

fn formats(engine: &dyn Engine) -> Vec<Box<dyn LayerFormat + '_>> {
    let mut formats: Vec<Box<dyn LayerFormat + '_>> = Vec::new();
    for variant in ours::VARIANTS {
        formats.push(Box::new(ours::Ours::new(engine, variant)));
    }
    let peers: [Box<dyn LayerFormat + '_>; 2] = [
        Box::new(peer::Peer { engine }),
        Box::new(skopeo::Skopeo { engine }),
    ];
    formats.splice(2..2, peers);
    for validates in [true, false] {
        formats.push(Box::new(nydus::Nydus { engine, validates }));
    }
    formats
}

/// One format with its sealed image.
struct Layers<'a> {
    stage: Stage<'a>,
    acts: Vec<Act>,
}

impl<'a> Layers<'a> {
    fn new(format: Box<dyn LayerFormat + 'a>) -> Result<Self, AttackError> {
        Ok(Self {
            stage: Stage::new(format)?,
            acts: acts(),
        })
    }
}

impl Target for Layers<'_> {
    fn format(&self) -> FormatUnderAttack {
        self.stage.format().format()
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
