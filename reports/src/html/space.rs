//! Space overhead: exact.

use maud::{Markup, html};
use sealab_record::Run;

use crate::numbers::{counted, percent, significant, whole};
use crate::plot::{Bar, BarRow, Bars, bars};
use crate::space::{SpaceRow, space_rows};

use super::figure::{framed, trimmed};

/// Bars drawn; the table has all rows.
const MAX_BARS: usize = 30;

/// The bytes that sealing adds.
pub(super) fn space(run: &Run) -> Markup {
    let rows = space_rows(run);
    if rows.is_empty() {
        return html! { p { "No cell recorded bytes before and after sealing." } };
    }
    let largest = rows
        .iter()
        .filter_map(SpaceRow::share)
        .max_by(f64::total_cmp)
        .unwrap_or(0.0);
    let bar_rows = || -> Vec<BarRow> {
        rows.iter()
            .filter_map(|row| Some((row, row.share()?)))
            .take(MAX_BARS)
            .map(|(row, share)| BarRow {
                label: format!("{} {}", row.unit(), row.format).trim().to_owned(),
                bars: vec![Bar {
                    slot: 0,
                    value: Some(share.max(0.0)),
                    text: share_text(share),
                }],
            })
            .collect()
    };
    html! {
        p { "Counted, not sampled: bytes stored against plain bytes, with nonces, tags and framing." }
        div.figures.stacked {
            (framed(
                "Bytes added for each plain byte",
                &Vec::new(),
                |width| if largest > 0.0 {
                    bars(&Bars {
                        title: "Space overhead by format and unit",
                        description: "One bar a format and unit: bytes added as a share of the plain bytes.",
                        rows: bar_rows(),
                        reference: None,
                        tick: &|value| format!("{} %", trimmed(&significant(value * 100.0))),
                    }, width)
                } else {
                    None
                },
                &html! {
                    @if largest > 0.0 {
                        "Exact: there is no interval, so no low and high. "
                        @if rows.len() > MAX_BARS { "The first " (MAX_BARS) " of " (rows.len()) "; the table has all. " }
                    } @else {
                        "No format added a byte."
                    }
                },
                &html! {
                    details open[rows.len() <= 40] {
                        summary { "Bytes" }
                        div.scroll tabindex="0" role="region" aria-label="Bytes before and after sealing" {
                            table {
                                thead {
                                    tr {
                                        th scope="col" { "plane" } th scope="col" { "format" } th scope="col" { "operation" }
                                        th.number scope="col" { "unit" } th.number scope="col" { "plain bytes" }
                                        th.number scope="col" { "stored bytes" } th.number scope="col" { "added" }
                                        th.number scope="col" { "share" } th.number scope="col" { "cells" } th scope="col" { "workloads" }
                                    }
                                }
                                tbody {
                                    @for row in &rows {
                                        tr {
                                            td { (row.plane) } th scope="row" { (row.format) } td { (row.operation) }
                                            td.number { (row.unit()) }
                                            td.number { (whole(row.space.plain_bytes)) }
                                            td.number { (whole(row.space.stored_bytes)) }
                                            td.number { (row.added()) }
                                            td.number { (row.share().map_or_else(String::new, share_text)) }
                                            td.number { (row.cells) }
                                            td.reason { (workloads(&row.workloads)) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                },
            ))
        }
    }
}

/// `+0.391 %`, `0 %`.
pub(crate) fn share_text(share: f64) -> String {
    format!("{}{}", if share > 0.0 { "+" } else { "" }, percent(share))
}

fn workloads(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first, rest @ ..] => format!("{first}; {}", counted(rest.len(), "other", "others")),
    }
}
