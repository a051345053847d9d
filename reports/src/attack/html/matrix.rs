//! The tables: guarantee × format, and act × format.

use maud::{Markup, html};
use sealab_attack_record::{AttackRun, Finding, Matrix, Verdict};

use super::anchor;
use crate::attack::word::{Standing, class, decided, standing};

pub(super) fn guarantees(run: &AttackRun) -> Markup {
    let matrix = Matrix::of(run);
    if matrix.guarantees.is_empty() {
        return html! { p { "There is nothing to show." } };
    }
    html! {
        div.scroll tabindex="0" role="region" aria-label="Guarantees and formats" {
            table.matrix.guarantees {
                thead {
                    tr {
                        th.corner scope="col" { "guarantee" }
                        @for format in &run.formats { th.format scope="col" { (format.id) } }
                    }
                }
                tbody {
                    @for (guarantee, entries) in matrix.guarantees.iter().zip(&matrix.entries) {
                        tr {
                            th scope="row" { (guarantee) }
                            @for entry in entries {
                                td class={ "cell " (class(entry.verdict)) } {
                                    @match entry.decided_by.first() {
                                        Some(finding) => a href={ "#" (anchor(finding)) } { (word(standing(entry))) },
                                        None => (word(standing(entry))),
                                    }
                                    small { (decided(entry)) }
                                }
                            }
                        }
                    }
                }
            }
        }
        p.meta { "The worst verdict decides. A cell leads to the first act that decided it." }
    }
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Untested => "not tested",
        Standing::Holds => "holds",
        Standing::Broken => "broken",
    }
}

pub(super) fn acts(run: &AttackRun) -> Markup {
    if run.acts.is_empty() {
        return html! { p { "There is nothing to show." } };
    }
    let mut guarantees: Vec<_> = run.acts.iter().map(|act| act.guarantee).collect();
    guarantees.dedup();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Acts and formats" {
            table.matrix.acts {
                thead {
                    tr {
                        th.corner scope="col" { "act" }
                        @for format in &run.formats { th.format scope="col" { (format.id) } }
                    }
                }
                @for guarantee in guarantees {
                    tbody {
                        tr { th.group scope="rowgroup" colspan=(run.formats.len() + 1) { (guarantee) } }
                        @for act in run.acts.iter().filter(|act| act.guarantee == guarantee) {
                            tr {
                                th scope="row" { (act.id) small { (act.what) } }
                                @for format in &run.formats { (cell(run.finding(format, act))) }
                            }
                        }
                    }
                }
            }
        }
        p.meta { "A cell leads to what was tried and seen. ✗ marks a verdict that was not expected." }
    }
}

fn cell(finding: Option<&Finding>) -> Markup {
    let Some(finding) = finding else {
        return html! { td.cell {} };
    };
    html! {
        td class={ "cell " (class(finding.verdict)) @if !finding.is_expected() { " surprise" } } {
            @if finding.verdict == Verdict::NotApplicable && finding.is_expected() {
                span title="not applicable" aria-label="not applicable" { "–" }
            } @else {
                a href={ "#" (anchor(finding)) } {
                    @if !finding.is_expected() { "✗ " }
                    (finding.verdict)
                }
            }
        }
    }
}
