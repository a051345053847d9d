//! What sealing costs in space: exact, from the bytes before and after.

use std::collections::HashMap;

use sealab_record::{Run, Space};

use crate::dimension::operation_word;
use crate::numbers::size;
use crate::reference::LIMIT_FORMAT;
use crate::stacks::VOLUME_PLANE;

/// Cells whose format turned the same plain bytes into the same stored bytes.
pub(crate) struct SpaceRow<'a> {
    pub(crate) plane: &'a str,
    pub(crate) format: &'a str,
    pub(crate) operation: &'static str,
    pub(crate) unit_bytes: u64,
    pub(crate) space: Space,
    /// The workloads, in order of appearance.
    pub(crate) workloads: Vec<&'a str>,
    /// How many cells measured it.
    pub(crate) cells: usize,
}

impl SpaceRow<'_> {
    /// `4 KiB`; nothing for a volume.
    pub(crate) fn unit(&self) -> String {
        if self.unit_bytes == 0 {
            String::new()
        } else {
            size(self.unit_bytes)
        }
    }

    /// Bytes added, negative where sealing made it smaller.
    pub(crate) fn added(&self) -> i128 {
        i128::from(self.space.stored_bytes) - i128::from(self.space.plain_bytes)
    }

    /// Bytes added for each plain byte; `None` without plain bytes.
    pub(crate) fn share(&self) -> Option<f64> {
        (self.space.plain_bytes > 0).then(|| self.added() as f64 / self.space.plain_bytes as f64)
    }
}

/// The space of every format and unit of a run, by plane, format and unit. The probe of the limit stores nothing and is
/// not in it.
pub(crate) fn space_rows(run: &Run) -> Vec<SpaceRow<'_>> {
    let mut places = HashMap::new();
    let mut rows: Vec<SpaceRow<'_>> = Vec::new();
    for cell in run.cells.iter().filter(|cell| cell.format != LIMIT_FORMAT) {
        let Some(space) = cell.space else { continue };
        // What a volume stores does not hang on what is done with it.
        let (operation, unit_bytes) = if cell.plane == VOLUME_PLANE {
            ("", 0)
        } else {
            (operation_word(cell.operation), cell.unit_bytes)
        };
        let key = (
            cell.plane.as_str(),
            cell.format.as_str(),
            operation,
            unit_bytes,
            space.plain_bytes,
            space.stored_bytes,
        );
        let place = *places.entry(key).or_insert_with(|| {
            rows.push(SpaceRow {
                plane: &cell.plane,
                format: &cell.format,
                operation,
                unit_bytes,
                space,
                workloads: Vec::new(),
                cells: 0,
            });
            rows.len() - 1
        });
        let row = &mut rows[place];
        row.cells += 1;
        if !row.workloads.contains(&cell.workload.as_str()) {
            row.workloads.push(&cell.workload);
        }
    }
    rows.sort_by_key(|row| (row.plane, row.format, row.unit_bytes));
    rows
}
