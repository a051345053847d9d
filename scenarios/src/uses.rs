//! What volumes are used for: which guarantees each use needs, and which formats were seen to give them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use schemars::JsonSchema;
use sealab_attack::{AttackError, Expectations, Guarantee, Verdict, volume};
use sealab_engine::Engine;
use sealab_record::{Evidence, UseRecord};
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::place::Place;
use crate::volumes::{BlockWorkload, VolumeCellSpec};
use crate::{PlannedScenario, ScenarioError};

/// One use of volumes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UseBlock {
    /// Its name: `persistent storage`.
    pub name: String,
    /// What it is, and why it needs what it needs.
    pub description: String,
    /// The guarantees that it needs, by identifier.
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub needs: Spanned<Vec<Spanned<String>>>,
    /// The workload whose speed is the use's cost; one of those of the scenario's volumes.
    #[schemars(with = "BlockWorkload")]
    pub workload: Spanned<BlockWorkload>,
}

/// Checks the uses against what there is.
pub(crate) fn check_uses(
    uses: &[UseBlock],
    volumes: &[VolumeCellSpec],
    place: &Place<'_>,
) -> Result<(), ScenarioError> {
    let words: Vec<&str> = Guarantee::ALL.iter().map(|guarantee| guarantee.id()).collect();
    for one in uses {
        place.filled("needs", &one.needs.value, one.needs.referenced)?;
        place.distinct("guarantee", &one.needs.value)?;
        for need in &one.needs.value {
            place.known("guarantee", need, &words)?;
        }
        if !volumes
            .iter()
            .any(|cell| cell.task.blocks() == Some(&one.workload.value))
        {
            let message = format!(
                "the use {:?} is measured by {}, which none of the scenario's volumes has",
                one.name, one.workload.value
            );
            return Err(place.error(one.workload.referenced, message));
        }
    }
    Ok(())
}

/// The uses of a scenario, for its record.
pub(crate) fn recorded(planned: &PlannedScenario) -> Vec<UseRecord> {
    let uses = planned.scenario.uses.iter().filter_map(|one| {
        let cell = planned
            .volumes
            .iter()
            .find(|cell| cell.task.blocks() == Some(&one.workload.value))?;
        Some(UseRecord {
            scenario: planned.scenario.name.value.clone(),
            name: one.name.trim().to_owned(),
            description: one.description.trim().to_owned(),
            needs: one.needs.value.iter().map(|need| need.value.clone()).collect(),
            workload: cell.label(),
            operation: cell.task.operation(),
            unit_bytes: cell.task.unit_bytes(),
            threads: cell.task.depth() as usize,
        })
    });
    uses.collect()
}

/// Attacks every format that the scenario measures, and writes down how each act came out.
pub(crate) fn attacked(
    planned: &PlannedScenario,
    engine: &Arc<dyn Engine>,
    interrupted: &AtomicBool,
    show: &mut dyn FnMut(String),
) -> Result<Vec<Evidence>, ScenarioError> {
    let failed = |error: AttackError| match error {
        AttackError::Interrupted => ScenarioError::Interrupted,
        error => ScenarioError::Attack(error),
    };
    let measured = |id: &str| planned.volumes.iter().any(|cell| cell.format == id);
    let targets = volume::targets(engine, &measured, volume::POWER_CUTS).map_err(failed)?;
    let expected = Expectations::default();
    let findings = sealab_attack::attack(&targets, &|_| true, &expected, interrupted, &mut |format, act| {
        show(format!("attacking {}: {}", format.id, act.id));
    })
    .map_err(failed)?;
    Ok(findings
        .into_iter()
        .map(|finding| Evidence {
            scenario: planned.scenario.name.value.clone(),
            format: finding.format.to_owned(),
            guarantee: finding.guarantee.id().to_owned(),
            attack: finding.attack.to_owned(),
            verdict: finding.verdict.id().to_owned(),
            holds: finding.verdict.holds(),
            applies: finding.verdict != Verdict::NotApplicable,
            detail: finding.detail,
        })
        .collect())
}
