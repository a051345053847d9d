//! The suites with their provenance.

use maud::{Markup, html};
use sealab_record::Conformance;

use crate::conformance::bounded;
use crate::numbers::whole;

/// Reasons listed of one suite; conformance.json has all.
const MAX_REASONS: usize = 20;

pub(super) fn suites(run: &Conformance) -> Markup {
    if run.suites.is_empty() {
        return html! { p { "The record names none." } };
    }
    html! {
        div.scroll tabindex="0" role="region" aria-label="Suites" {
            table {
                thead {
                    tr {
                        th scope="col" { "suite" } th scope="col" { "algorithm" } th.number scope="col" { "cases" }
                        th scope="col" { "source" } th scope="col" { "licence" } th scope="col" { "left out of the source" }
                    }
                }
                tbody {
                    @for suite in &run.suites {
                        tr {
                            th scope="row" { (bounded::name(&suite.name)) }
                            td { (bounded::name(&suite.algorithm)) }
                            td.number { (whole(suite.cases.len() as u64)) }
                            td.prose { (bounded::sentence(&suite.source)) }
                            td.path { (bounded::sentence(&suite.licence)) }
                            td.prose {
                                @if suite.left_out.is_empty() { "nothing" } @else {
                                    ul.compact {
                                        @for (count, reason) in suite.left_out.iter().take(MAX_REASONS) {
                                            li { (whole(*count)) ": " (bounded::sentence(reason)) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
