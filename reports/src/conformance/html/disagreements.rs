//! Every disagreement: the case, what was expected, what was answered, and how to repeat it.

use maud::{Markup, html};

use super::difference::difference;
use crate::conformance::bounded;
use crate::conformance::disagreement::{Disagreement, Wrong};
use crate::numbers::counted;

/// Disagreements of one implementation and algorithm that are shown at once.
const MAX_OPEN: usize = 12;
/// Disagreements of one implementation and algorithm on the page, and in all; conformance.json has every one.
const MAX_SHOWN: [usize; 2] = [100, 1500];

pub(super) fn disagreements(wrongs: &[Wrong<'_>]) -> Markup {
    if wrongs.is_empty() {
        return html! { p { "None." } };
    }
    let [each, mut room] = MAX_SHOWN;
    let mut groups = Vec::new();
    for wrong in wrongs {
        let shown = wrong.disagreements.len().min(each).min(room);
        room -= shown;
        groups.push((wrong, shown));
    }
    html! {
        @for (index, (wrong, shown)) in groups.into_iter().enumerate() {
            @let (open, folded) = wrong.disagreements[..shown].split_at(shown.min(MAX_OPEN));
            @let left = wrong.disagreements.len() - shown;
            h3 id={ "wrong-" (index) } {
                (bounded::name(wrong.name)) ", " (bounded::name(wrong.algorithm)) ": "
                span.status.failed { (wrong.short()) }
            }
            @if !open.is_empty() { (table(wrong, open)) }
            @if !folded.is_empty() {
                details {
                    summary { (counted(folded.len(), "further disagreement", "further disagreements")) }
                    (table(wrong, folded))
                }
            }
            @if left > 0 { p.meta { (counted(left, "further one is", "further ones are")) " in conformance.json." } }
        }
    }
}

fn table(wrong: &Wrong<'_>, disagreements: &[Disagreement<'_>]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Disagreements of " (bounded::name(wrong.name)) " on " (bounded::name(wrong.algorithm)) } {
            table.wrongs {
                thead {
                    tr {
                        th scope="col" { "suite, case" }
                        th scope="col" { "CPU profiles" }
                        th scope="col" { "verdict, operation" }
                        th scope="col" { "expected, actual, and how to repeat it" }
                    }
                }
                tbody {
                    @for disagreement in disagreements { (row(disagreement)) }
                }
            }
        }
    }
}

fn row(disagreement: &Disagreement<'_>) -> Markup {
    let repeats: Vec<(String, String)> = disagreement
        .seen
        .iter()
        .filter_map(|(implementation, repeat)| {
            Some((
                bounded::name(&implementation.cpu_profile),
                bounded::command((*repeat)?),
            ))
        })
        .collect();
    html! {
        tr {
            th scope="row" { (bounded::name(&disagreement.suite.name)) br; (disagreement.cases()) }
            td.seen {
                @for (place, (implementation, _)) in disagreement.seen.iter().enumerate() {
                    @if place > 0 { ", " }
                    (bounded::name(&implementation.cpu_profile))
                }
            }
            td.what {
                span.status.failed { (disagreement.verdict.id()) }
                @if let Some(found) = disagreement.difference { ", " (bounded::name(&found.operation)) }
            }
            td.how {
                p { (bounded::sentence(disagreement.reason)) }
                @if let Some(found) = disagreement.difference {
                    p.meta { code { (bounded::name(&found.value)) } " differs from byte " (found.at) }
                    (difference(&bounded::value(&found.expected), &bounded::value(&found.actual)))
                }
                @if let Some((_, repeat)) = repeats.first() { pre { code { (repeat) } } }
                @if repeats.len() > 1 {
                    details {
                        summary { "Under the other CPU profiles" }
                        @for (_, repeat) in &repeats[1..] { pre { code { (repeat) } } }
                    }
                }
            }
        }
    }
}
