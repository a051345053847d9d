//! Each implementation with its CPU profiles: verdicts by algorithm, mechanism and code path.

use maud::{Markup, html};
use sealab_record::{Conformance, Implementation, Tally};

use super::matrix::{Cell, places};
use crate::conformance::bounded;
use crate::conformance::disagreement::Wrong;
use crate::conformance::family::Family;
use crate::conformance::headline::counts;
use crate::conformance::matrix::{Matrix, Named, by_name};
use crate::numbers::counted;

pub(super) fn implementations(
    run: &Conformance,
    matrix: &Matrix<(Family, &str)>,
    wrongs: &[Wrong<'_>],
) -> Markup {
    let places = places(wrongs);
    let names = by_name(run);
    html! {
        @if names.is_empty() { p { "The record names none." } }
        @for (place, named) in names.iter().enumerate() {
            @let tally: Tally = named.profiles.iter().flat_map(|(index, _)| &matrix.lines[*index]).copied().sum();
            @let lines: Vec<&[Tally]> = named.profiles.iter().map(|(index, _)| matrix.lines[*index].as_slice()).collect();
            @let (offered, others): (Vec<usize>, Vec<usize>) = (0..matrix.columns.len())
                .partition(|column| lines.iter().any(|line| line[*column].passed + line[*column].wrong() > 0));
            details.implementation id={ "implementation-" (place) } open[tally.wrong() > 0] {
                summary { (summary(named, &tally)) }
                div.beside {
                    @if !offered.is_empty() {
                        div.scroll tabindex="0" role="region" aria-label={ "Verdicts of " (bounded::name(named.name)) } {
                            table.matrix {
                                thead {
                                    tr {
                                        th.corner scope="col" { "algorithm" }
                                        @for (_, implementation) in &named.profiles {
                                            th.name scope="col" { span { (bounded::name(&implementation.cpu_profile)) } }
                                        }
                                    }
                                }
                                tbody {
                                    @for column in &offered {
                                        @let algorithm = matrix.columns[*column].1;
                                        tr {
                                            th scope="row" { (bounded::name(algorithm)) }
                                            @for line in &lines {
                                                @let tally = line[*column];
                                                @let wrong = places.get(&(named.name, algorithm)).copied().filter(|_| tally.wrong() > 0);
                                                (Cell::of(&[tally], wrong).markup())
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                    (profiles(named))
                }
                @if !others.is_empty() {
                    p.meta {
                        @if offered.is_empty() { "Answered nothing." } @else {
                            "Answered nothing of " (others.iter().map(|column| bounded::name(matrix.columns[*column].1)).collect::<Vec<_>>().join(", ")) "."
                        }
                    }
                }
            }
        }
    }
}

fn summary(named: &Named<'_>, tally: &Tally) -> Markup {
    let unavailable = named
        .profiles
        .iter()
        .filter(|(_, found)| found.unavailable.is_some())
        .count();
    let told = named.profiles.iter().map(|(_, found)| *found);
    let library = told
        .clone()
        .find(|found| !found.version.is_empty())
        .or(told.clone().next());
    html! {
        b { (bounded::name(named.name)) }
        @if let Some(found) = library {
            @if !found.library.is_empty() || !found.version.is_empty() { ": " (bounded::sentence(&found.library)) " " (bounded::sentence(&found.version)) }
        }
        @if tally.wrong() > 0 { " " span.status.failed { "✗ " (counted(tally.wrong(), "wrong verdict", "wrong verdicts")) } }
        @if unavailable > 0 {
            " " span.status.unavailable { "unavailable under " (unavailable) " of " (counted(named.profiles.len(), "CPU profile", "CPU profiles")) }
        }
    }
}

/// What each CPU profile is made of.
fn profiles(named: &Named<'_>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "CPU profiles of " (bounded::name(named.name)) } {
            table {
                thead {
                    tr {
                        th scope="col" { "CPU profile" } th scope="col" { "mechanism" } th scope="col" { "version" }
                        th scope="col" { "code path" } th scope="col" { "verdicts" }
                    }
                }
                tbody { @for (_, implementation) in &named.profiles { (profile(implementation)) } }
            }
        }
    }
}

fn profile(implementation: &Implementation) -> Markup {
    html! {
        tr {
            th scope="row" { (bounded::name(&implementation.cpu_profile)) }
            @match &implementation.unavailable {
                Some(reason) => td.reason colspan="3" { span.status.unavailable { "unavailable" } ": " (bounded::sentence(reason)) },
                None => {
                    td { @if implementation.mechanism.is_empty() { "not imposed" } @else { (bounded::name(&implementation.mechanism)) } }
                    td.path { (bounded::sentence(&implementation.version)) }
                    td.reason { (bounded::sentence(&implementation.code_path)) }
                }
            }
            td.path { (counts_of(&implementation.tally())) }
        }
    }
}

/// The counts that are not zero.
fn counts_of(tally: &Tally) -> String {
    let counts = counts(tally);
    let some: Vec<&str> = counts
        .split(", ")
        .filter(|part| !part.starts_with("0 "))
        .collect();
    some.join(", ")
}
