//! A cell on its way to the record.

use sealab_record::{
    Cell, CellStatus, Memory, Operation, Rate, SampleConditions, Space, Traffic, median_interval,
};

use crate::databases::{DatabaseCellSpec, UNIT};
use crate::images::{LAYER_PLANE, LayerCellSpec};
use crate::protocol::{Prepared, Sample};
use crate::volumes::{VOLUME_PLANE, VolumeCellSpec};
use crate::{CellSpec, PlannedScenario};

/// A cell on its way to the record.
pub(crate) struct Trial {
    pub(crate) cell: Cell,
    pub(crate) ready: bool,
    /// What is counted in place of bytes.
    counted: Option<&'static str>,
    /// Whether it has a process of its own.
    alone: bool,
    /// What was resident of that process before.
    resident_bytes: u64,
}

impl Trial {
    /// The cell's place in the record before anything is known of it.
    pub(crate) fn new(planned: &PlannedScenario, spec: &CellSpec, workload: &str) -> Self {
        Self::of(Cell {
            plane: spec.plane.id().to_owned(),
            unit_bytes: u64::from(spec.unit_bytes.unwrap_or(0)),
            ..unknown(
                planned,
                spec.engine,
                &spec.cpu_profile,
                spec.format,
                spec.operation.recorded(),
                spec.threads,
                workload,
            )
        })
    }

    /// The place of a cell on a volume.
    pub(crate) fn on_volume(planned: &PlannedScenario, spec: &VolumeCellSpec) -> Self {
        let task = &spec.task;
        let trial = Self::of(Cell {
            plane: VOLUME_PLANE.to_owned(),
            unit_bytes: task.unit_bytes(),
            along: spec.along(),
            ..unknown(
                planned,
                spec.engine,
                &spec.cpu_profile,
                spec.format,
                task.operation(),
                task.depth(),
                &spec.label(),
            )
        });
        Self {
            counted: task.counted(),
            alone: spec.alone,
            ..trial
        }
    }

    /// The place of a database on a volume.
    pub(crate) fn on_database(planned: &PlannedScenario, spec: &DatabaseCellSpec) -> Self {
        let trial = Self::of(Cell {
            plane: VOLUME_PLANE.to_owned(),
            unit_bytes: spec.unit_bytes(),
            ..unknown(
                planned,
                spec.engine,
                &spec.cpu_profile,
                spec.format,
                Operation::Mixed,
                spec.tpcc.threads,
                &spec.label(),
            )
        });
        Self {
            counted: Some(UNIT),
            ..trial
        }
    }

    /// The place of a layer of an image.
    pub(crate) fn on_layer(planned: &PlannedScenario, spec: &LayerCellSpec) -> Self {
        Self::of(Cell {
            plane: LAYER_PLANE.to_owned(),
            unit_bytes: spec.size,
            ..unknown(
                planned,
                spec.engine,
                &spec.cpu_profile,
                spec.format.name(),
                spec.operation.recorded(),
                spec.threads,
                &spec.label(),
            )
        })
    }

    fn of(cell: Cell) -> Self {
        Self {
            cell,
            ready: false,
            counted: None,
            alone: false,
            resident_bytes: 0,
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
        self.resident_bytes = prepared.resident_bytes;
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
        if let Some(traffic) = sample.traffic {
            *self.cell.traffic.get_or_insert(Traffic::default()) += traffic;
        }
        if let Some(peak_bytes) = sample.peak_bytes.filter(|_| self.alone) {
            self.cell.memory = Some(Memory {
                before_bytes: self.resident_bytes,
                peak_bytes,
            });
        }
    }

    /// A figure only for a cell that was ready to the end.
    pub(crate) fn conclude(&mut self) {
        if self.ready {
            self.cell.status = CellStatus::Measured;
            let figure = median_interval(&self.cell.samples);
            match self.counted {
                Some(unit) => {
                    self.cell.rate = figure.map(|figure| Rate {
                        unit: unit.to_owned(),
                        figure,
                    });
                }
                None => self.cell.throughput_bytes_per_s = figure,
            }
        }
    }
}

/// A cell of which nothing is known but what it is.
fn unknown(
    planned: &PlannedScenario,
    engine: &str,
    cpu_profile: &str,
    format: &str,
    operation: Operation,
    threads: u32,
    workload: &str,
) -> Cell {
    Cell {
        scenario: planned.scenario.name.value.clone(),
        engine: engine.to_owned(),
        cpu_profile: cpu_profile.to_owned(),
        plane: String::new(),
        format: format.to_owned(),
        operation,
        workload: workload.to_owned(),
        unit_bytes: 0,
        threads: threads as usize,
        status: CellStatus::Failed,
        reason: None,
        verified: false,
        throughput_bytes_per_s: None,
        rate: None,
        samples: Vec::new(),
        sample_conditions: Vec::new(),
        space: None,
        traffic: None,
        along: None,
        memory: None,
        transactions: None,
    }
}
