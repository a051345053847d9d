//! Every finding with what was tried and seen, by format.

use maud::{Markup, html};
use sealab_attack_record::{AttackRun, Verdict};

use super::{anchor, detail};
use crate::attack::word::{class, expected};

pub(super) fn details(run: &AttackRun) -> Markup {
    html! {
        @for format in &run.formats {
            h3 { (format.id) }
            div.scroll tabindex="0" role="region" aria-label={ "Findings on " (format.id) } {
                table.findings {
                    thead {
                        tr { th scope="col" { "act" } th scope="col" { "verdict" } th scope="col" { "what was seen" } th scope="col" { "why it is expected" } }
                    }
                    tbody {
                        @for finding in run.findings.iter().filter(|one| one.plane == format.plane && one.format == format.id) {
                            tr id=(anchor(finding)) {
                                th scope="row" { (finding.attack) }
                                td {
                                    span class={ "key " (class(finding.verdict)) } { (finding.verdict) }
                                    @if !finding.is_expected() { p.status.failed { "✗ " (expected(finding)) } }
                                }
                                td.seen {
                                    @if finding.verdict == Verdict::NotApplicable { i { (detail(finding)) } }
                                    @else { (detail(finding)) }
                                }
                                td.why { (finding.reason) }
                            }
                        }
                    }
                }
            }
        }
    }
}
