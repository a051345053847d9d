//! Groups of cells that differ in engine and CPU profile alone, and the one of them that the headline speaks of.

use std::collections::HashMap;

use sealab_record::{Cell, CellStatus, Operation, Run};

use crate::dimension::{Dimension, Value};
use crate::numbers::{figure, size};
use crate::stacks::VOLUME_PLANE;

/// The raw block cipher: the limit of every AES mode, not a way to protect data.
pub(crate) const LIMIT_FORMAT: &str = "aes-256-block";
/// The mode of the headline.
pub(crate) const XTS_FORMAT: &str = "aes-256-xts";

const PAGE_BYTES: u64 = 4096;

/// Cells of one scenario that differ in engine and CPU profile alone.
pub(crate) struct Group<'a> {
    /// The cells, in the record's order; never empty.
    pub(crate) cells: Vec<&'a Cell>,
}

impl<'a> Group<'a> {
    /// The cell of that engine and CPU profile.
    pub(crate) fn cell(&self, engine: &str, cpu_profile: &str) -> Option<&'a Cell> {
        self.cells
            .iter()
            .copied()
            .find(|cell| cell.engine == engine && cell.cpu_profile == cpu_profile)
    }

    /// `aes-256-xts, seal, 4 KiB units, 1 thread, mixed pages`.
    pub(crate) fn label(&self) -> String {
        let Some(cell) = self.cells.first() else {
            return String::new();
        };
        [
            Dimension::Format,
            Dimension::Operation,
            Dimension::UnitBytes,
            Dimension::Threads,
            Dimension::Workload,
        ]
        .map(|dimension| dimension.phrase(dimension.value(cell)))
        .into_iter()
        .filter(|phrase| !phrase.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
    }

    /// What is sealed, for a sentence: `4 KiB pages`, `64 KiB units`.
    pub(crate) fn subject(&self) -> String {
        self.cells.first().map_or_else(String::new, |cell| {
            let noun = match cell.plane.as_str() {
                "page" if cell.unit_bytes == PAGE_BYTES => "pages",
                "protobuf" => "messages",
                _ => "units",
            };
            format!("{} {noun}", size(cell.unit_bytes))
        })
    }
}

/// The groups of a run, in the order in which they first appear.
pub(crate) fn groups(run: &Run) -> Vec<Group<'_>> {
    let mut places: HashMap<Vec<Value<'_>>, usize> = HashMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    // Volumes are set beside the plain one, format by format.
    for cell in run.cells.iter().filter(|cell| cell.plane != VOLUME_PLANE) {
        let mut key = vec![Value::Text(&cell.scenario)];
        key.extend(
            Dimension::ALL
                .into_iter()
                .filter(|dimension| !matches!(dimension, Dimension::Engine | Dimension::CpuProfile))
                .map(|dimension| dimension.value(cell)),
        );
        let place = *places.entry(key).or_insert_with(|| {
            groups.push(Group { cells: Vec::new() });
            groups.len() - 1
        });
        groups[place].cells.push(cell);
    }
    groups
}

/// The group that says most about sealing pages: AES-256-XTS of 4 KiB pages on one thread, beside a probe of the limit, and
/// of those the one with most figures. Where a run has no such cells, the next best thing that it has.
pub(crate) fn reference<'g, 'a>(groups: &'g [Group<'a>]) -> Option<&'g Group<'a>> {
    let probed: Vec<&str> = groups
        .iter()
        .filter_map(|group| group.cells.first())
        .filter(|cell| cell.format == LIMIT_FORMAT)
        .map(|cell| cell.scenario.as_str())
        .collect();
    groups
        .iter()
        .enumerate()
        .filter_map(|(index, group)| {
            let first = group.cells.first().filter(|cell| cell.format != LIMIT_FORMAT)?;
            let figures = group
                .cells
                .iter()
                .filter(|cell| cell.status == CellStatus::Measured && figure(cell).is_some())
                .count();
            let score = (
                first.plane == "page",
                first.format == XTS_FORMAT,
                first.operation == Operation::Seal,
                first.unit_bytes == PAGE_BYTES,
                first.threads == 1,
                probed.contains(&first.scenario.as_str()),
                figures,
                std::cmp::Reverse(index),
            );
            (figures > 0).then_some((score, group))
        })
        .max_by_key(|(score, _)| *score)
        .map(|(_, group)| group)
}
