//! A cell on its way to the record.

use sealab_record::{Cell, CellStatus, SampleConditions, Space, median_interval};

use crate::protocol::{Prepared, Sample};
use crate::{CellSpec, PlannedScenario};

/// A cell on its way to the record.
pub(crate) struct Trial<'a> {
    pub(crate) spec: &'a CellSpec,
    pub(crate) cell: Cell,
    pub(crate) ready: bool,
}

impl<'a> Trial<'a> {
    /// The cell's place in the record before anything is known of it.
    pub(crate) fn new(planned: &PlannedScenario, spec: &'a CellSpec, workload: &str) -> Self {
        let cell = Cell {
            scenario: planned.scenario.name.value.clone(),
            engine: spec.engine.to_owned(),
            cpu_profile: spec.cpu_profile.clone(),
            plane: spec.plane.id().to_owned(),
            format: spec.format.to_owned(),
            operation: spec.operation,
            workload: workload.to_owned(),
            unit_bytes: u64::from(spec.unit_bytes.unwrap_or(0)),
            threads: spec.threads as usize,
            status: CellStatus::Failed,
            reason: None,
            verified: false,
            throughput_bytes_per_s: None,
            rate: None,
            samples: Vec::new(),
            sample_conditions: Vec::new(),
            space: None,
        };
        Self {
            spec,
            cell,
            ready: false,
        }
    }

    pub(crate) fn fail(&mut self, status: CellStatus, reason: String) {
        self.ready = false;
        self.cell.status = status;
        self.cell.reason = Some(reason);
    }

    pub(crate) fn verified(&mut self, prepared: &Prepared) {
        self.ready = true;
        self.cell.verified = true;
        self.cell.space = Some(Space {
            plain_bytes: prepared.plain_bytes,
            stored_bytes: prepared.stored_bytes,
        });
    }

    pub(crate) fn sampled(&mut self, round: u32, sample: &Sample) {
        self.cell.samples.push(sample.bytes as f64 / sample.seconds);
        self.cell.sample_conditions.push(SampleConditions {
            round,
            seconds: sample.seconds,
            cpu_seconds: sample.cpu_seconds,
            involuntary_switches: sample.involuntary_switches,
        });
    }

    /// A figure only for a cell that was ready to the end.
    pub(crate) fn conclude(&mut self) {
        if self.ready {
            self.cell.status = CellStatus::Measured;
            self.cell.throughput_bytes_per_s = median_interval(&self.cell.samples);
        }
    }
}
