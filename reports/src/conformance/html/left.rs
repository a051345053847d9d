//! What was not checked, and why.

use maud::{Markup, html};
use sealab_record::Conformance;

use crate::conformance::bounded;
use crate::conformance::reason::{reasons, unavailable};
use crate::numbers::{counted, whole};

/// Rows of a table; conformance.json has all.
const MAX_ROWS: usize = 300;

pub(super) fn left(run: &Conformance) -> Markup {
    let unavailable = unavailable(run);
    let reasons = reasons(run);
    if unavailable.is_empty() && reasons.is_empty() {
        return html! { p { "Every case was asked and answered." } };
    }
    html! {
        @if !unavailable.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="Implementations that could not be had" {
                table {
                    caption { "Implementations that could not be had" }
                    thead { tr { th scope="col" { "implementation (CPU profiles)" } th scope="col" { "this machine" } th scope="col" { "reason" } } }
                    tbody {
                        @for entry in unavailable.iter().take(MAX_ROWS) {
                            tr {
                                td.prose { (entry.names()) }
                                td { @if entry.missing { span.status.suspect { "could have it" } } @else { "cannot have it" } }
                                td.reason { (bounded::sentence(entry.reason)) }
                            }
                        }
                    }
                }
            }
            (rest(unavailable.len()))
        }
        @if !reasons.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="Cases that were skipped or are unsupported" {
                table {
                    caption { "Cases that were skipped or are unsupported" }
                    thead { tr { th.number scope="col" { "verdicts" } th scope="col" { "verdict" } th scope="col" { "implementations" } th scope="col" { "reason" } } }
                    tbody {
                        @for entry in reasons.iter().take(MAX_ROWS) {
                            tr {
                                td.number { (whole(entry.count as u64)) }
                                td { (entry.verdict.id()) }
                                td.prose { (entry.names.iter().map(|name| bounded::name(name)).collect::<Vec<_>>().join(", ")) }
                                td.reason { (bounded::sentence(entry.reason)) }
                            }
                        }
                    }
                }
            }
            (rest(reasons.len()))
        }
    }
}

fn rest(rows: usize) -> Markup {
    html! {
        @if rows > MAX_ROWS { p.meta { (counted(rows - MAX_ROWS, "further reason is", "further reasons are")) " in conformance.json." } }
    }
}
