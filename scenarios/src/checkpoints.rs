//! Checkpoints that are sealed whole: what a `criu` block asks for.

mod run;

use sealab_criu::peers::Tool;
use sealab_criu::{Program, Subject};
use sealab_memory::ByteSize;
use serde_saphyr::{Location, Spanned};

use crate::ScenarioError;
use crate::file::CriuBlock;
use crate::place::Place;

pub(crate) use run::Checkpoints;

/// The smallest program that is dumped, in bytes.
const MIN_BYTES: u64 = 1 << 20;
/// The largest.
const MAX_BYTES: u64 = 64 << 30;
const MAX_ROUNDS: u32 = 100;

/// One program with one size, not yet dumped.
#[derive(Clone, Debug)]
pub struct CheckpointSpec {
    /// The program.
    pub subject: Subject,
    /// What its checkpoint is sealed with.
    pub methods: Vec<Tool>,
    /// How often each seals and opens.
    pub rounds: u32,
    /// Whether CRIU is to restore what comes back.
    pub restore: bool,
}

/// Multiplies the blocks out.
pub(crate) fn plan_checkpoints(
    blocks: &[CriuBlock],
    place: &Place<'_>,
) -> Result<Vec<CheckpointSpec>, ScenarioError> {
    let words = Tool::ALL.map(Tool::id);
    let mut specs = Vec::new();
    for block in blocks {
        let location = block.programs.referenced;
        place.filled("programs", &block.programs.value, location)?;
        place.filled("sizes", &block.sizes.value, block.sizes.referenced)?;
        let rounds = place.range("rounds", &block.rounds, 1..=MAX_ROUNDS)?;
        let methods: Vec<Tool> = place
            .selected("method", &block.methods, &words, location)?
            .into_iter()
            .filter_map(Tool::from_id)
            .collect();
        if block.restore && !methods.contains(&Tool::SealedCheckpoint) {
            let message = format!(
                "restore is asked for without the method {}, whose checkpoint is the one that is restored",
                Tool::SealedCheckpoint.id()
            );
            return Err(place.error(location, message));
        }
        sized(&block.sizes, place)?;
        for program in &block.programs.value {
            specs.extend(block.sizes.value.iter().map(|size| CheckpointSpec {
                subject: Subject::new(*program, *size),
                methods: methods.clone(),
                rounds,
                restore: block.restore,
            }));
        }
    }
    let mut seen: Vec<(Program, ByteSize)> = Vec::new();
    for spec in &specs {
        let key = (spec.subject.program, spec.subject.size);
        if seen.contains(&key) {
            let location = blocks
                .first()
                .map_or(Location::UNKNOWN, |block| block.programs.referenced);
            return Err(place.error(location, format!("{} stands twice", spec.subject)));
        }
        seen.push(key);
    }
    Ok(specs)
}

fn sized(sizes: &Spanned<Vec<ByteSize>>, place: &Place<'_>) -> Result<(), ScenarioError> {
    let Some(wrong) = sizes
        .value
        .iter()
        .find(|size| !(MIN_BYTES..=MAX_BYTES).contains(&size.bytes()))
    else {
        return Ok(());
    };
    let message = format!("the size {wrong} must be 1 MiB to 64 GiB");
    Err(place.error(sizes.referenced, message))
}
