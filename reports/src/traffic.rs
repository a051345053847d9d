//! What reached the store beneath volumes: counted, exact, and the same for every engine.

use maud::{Markup, html};
use sealab_record::{Cell, Run, Traffic};

use crate::dimension::operation_word;
use crate::numbers::{significant, size};
use crate::printable::one_line;

/// The traffic of one format under one workload, over the samples of every engine and CPU profile.
pub(crate) struct TrafficRow<'a> {
    pub(crate) format: &'a str,
    pub(crate) workload: &'a str,
    pub(crate) operation: &'static str,
    pub(crate) block_bytes: u64,
    pub(crate) depth: usize,
    pub(crate) traffic: Traffic,
}

impl TrafficRow<'_> {
    /// Bytes written to the store for each byte written to the volume.
    pub(crate) fn written(&self) -> Option<f64> {
        share(self.traffic.store_written, self.traffic.user_written)
    }

    /// Bytes read from the store for each byte asked of the volume, read or written.
    pub(crate) fn read(&self) -> Option<f64> {
        share(
            self.traffic.store_read,
            self.traffic.user_read + self.traffic.user_written,
        )
    }

    /// Syncs of the store for each flush.
    pub(crate) fn syncs(&self) -> Option<f64> {
        share(self.traffic.syncs, self.traffic.flushes)
    }

    /// The row as texts, in the order of [`HEADINGS`].
    pub(crate) fn texts(&self) -> [String; 8] {
        let times =
            |share: Option<f64>| share.map_or_else(String::new, |share| format!("{}×", significant(share)));
        [
            one_line(self.format),
            one_line(self.workload),
            self.operation.to_owned(),
            size(self.block_bytes),
            self.depth.to_string(),
            times(self.written()),
            times(self.read()),
            self.syncs().map_or_else(String::new, significant),
        ]
    }
}

/// What [`TrafficRow::texts`] are.
pub(crate) const HEADINGS: [&str; 8] = [
    "format",
    "workload",
    "operation",
    "block",
    "depth",
    "written",
    "read",
    "syncs a flush",
];

/// How many of them are figures, from the right.
const FIGURES: usize = 5;

fn share(of: u64, to: u64) -> Option<f64> {
    (to > 0).then(|| of as f64 / to as f64)
}

/// Every format under every workload on a volume, in the record's order.
pub(crate) fn traffic_rows(run: &Run) -> Vec<TrafficRow<'_>> {
    let mut rows: Vec<TrafficRow<'_>> = Vec::new();
    for cell in &run.cells {
        let Some(traffic) = cell.traffic else { continue };
        let of = |row: &TrafficRow<'_>| same(row, cell);
        match rows.iter_mut().find(|row| of(row)) {
            Some(row) => row.traffic += traffic,
            None => rows.push(TrafficRow {
                format: &cell.format,
                workload: &cell.workload,
                operation: operation_word(cell.operation),
                block_bytes: cell.unit_bytes,
                depth: cell.threads,
                traffic,
            }),
        }
    }
    rows
}

fn same(row: &TrafficRow<'_>, cell: &Cell) -> bool {
    row.format == cell.format
        && row.workload == cell.workload
        && row.operation == operation_word(cell.operation)
        && row.block_bytes == cell.unit_bytes
        && row.depth == cell.threads
}

/// The table in the page; nothing if no cell was on a volume.
pub(crate) fn traffic_html(run: &Run) -> Markup {
    let rows = traffic_rows(run);
    html! {
        @if !rows.is_empty() {
            p { "Bytes that reached the store beneath a volume, for each byte that was written to the volume, or read from it; counted, not sampled." }
            div.scroll tabindex="0" role="region" aria-label="Bytes that reached the store" {
                table {
                    thead { tr {
                        @for (index, heading) in HEADINGS.iter().enumerate() {
                            th.number[index + FIGURES >= HEADINGS.len()] scope="col" { (heading) }
                        }
                    } }
                    tbody {
                        @for row in &rows {
                            tr {
                                @for (index, text) in row.texts().iter().enumerate() {
                                    @if index == 0 { th scope="row" { (text) } }
                                    @else if index + FIGURES >= HEADINGS.len() { td.number { (text) } }
                                    @else { td { (text) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
