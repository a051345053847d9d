//! Cells as CSV (RFC 4180): one line a cell, under a header that is kept stable.

use sealab_record::Run;

use crate::dimension::operation_word;
use crate::numbers::{Unit, figure, status_word};

/// The columns of [`csv`], in order. Columns may be added at the end; none is renamed or moved. `unit` says what
/// `median`, `low` and `high` count: `bytes/s` or the unit of the record's rate. `samples` is their number.
pub const CSV_HEADER: [&str; 19] = [
    "scenario",
    "engine",
    "cpu_profile",
    "plane",
    "format",
    "operation",
    "workload",
    "unit_bytes",
    "threads",
    "status",
    "reason",
    "verified",
    "unit",
    "median",
    "low",
    "high",
    "samples",
    "plain_bytes",
    "stored_bytes",
];

/// The cells of `run` as CSV. Texts stand as the record has them; fields without a value are empty.
pub fn csv(run: &Run) -> String {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let mut write = |fields: [&str; 19]| {
        // Writing into memory fails only for want of memory.
        let _ = writer.write_record(fields);
    };
    write(CSV_HEADER);
    for cell in &run.cells {
        let (unit, numbers) = match figure(cell) {
            Some((unit, figure)) => (
                match unit {
                    Unit::BytesPerSecond => "bytes/s",
                    Unit::Named(name) => name,
                },
                [figure.median, figure.low, figure.high].map(|value| value.to_string()),
            ),
            None => ("", [const { String::new() }; 3]),
        };
        let space = cell.space.map_or([const { String::new() }; 2], |space| {
            [space.plain_bytes.to_string(), space.stored_bytes.to_string()]
        });
        write([
            &cell.scenario,
            &cell.engine,
            &cell.cpu_profile,
            &cell.plane,
            &cell.format,
            operation_word(cell.operation),
            &cell.workload,
            &cell.unit_bytes.to_string(),
            &cell.threads.to_string(),
            status_word(cell.status),
            cell.reason.as_deref().unwrap_or_default(),
            if cell.verified { "true" } else { "false" },
            unit,
            &numbers[0],
            &numbers[1],
            &numbers[2],
            &cell.samples.len().to_string(),
            &space[0],
            &space[1],
        ]);
    }
    writer
        .into_inner()
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_default()
}
