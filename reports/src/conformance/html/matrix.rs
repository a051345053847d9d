//! The matrix: algorithm × implementation, all CPU profiles together.

use std::collections::HashMap;

use maud::{Markup, html};
use sealab_record::{Conformance, Tally};

use crate::conformance::bounded;
use crate::conformance::disagreement::Wrong;
use crate::conformance::family::Family;
use crate::conformance::matrix::{Matrix, by_name};
use crate::numbers::whole;

/// What a cell shows, in colour and in words.
pub(super) struct Cell {
    pub(super) class: &'static str,
    pub(super) text: String,
    pub(super) detail: String,
    /// The disagreements that it links to, as an index into all.
    pub(super) wrong: Option<usize>,
}

impl Cell {
    pub(super) fn markup(&self) -> Markup {
        html! {
            td class={ "cell " (self.class) } {
                @match self.wrong {
                    Some(index) => a href={ "#wrong-" (index) } { "✗ " (self.text) },
                    None if self.class == "unsupported" => span title="unsupported" aria-label="unsupported" { "–" },
                    None => (self.text),
                }
                @if !self.detail.is_empty() { small { (self.detail) } }
            }
        }
    }

    /// What `tallies` (one a CPU profile) come to.
    pub(super) fn of(tallies: &[Tally], wrong: Option<(usize, &Wrong<'_>)>) -> Self {
        let cases = tallies.iter().map(Tally::total).max().unwrap_or(0);
        let share = |count: usize| match count {
            _ if tallies.len() < 2 || count == tallies.len() => String::new(),
            count => format!("in {count} of {}", tallies.len()),
        };
        if let Some((index, wrong)) = wrong {
            let disagreeing = tallies.iter().filter(|tally| tally.wrong() > 0).count();
            let text = match tallies {
                // One CPU profile has exact counts of its own.
                [tally] => wrong_words(tally),
                _ => wrong.short(),
            };
            return Self {
                class: "wrong",
                text,
                detail: share(disagreeing),
                wrong: Some(index),
            };
        }
        let passing: Vec<usize> = tallies
            .iter()
            .map(|tally| tally.passed)
            .filter(|passed| *passed > 0)
            .collect();
        let (class, text, detail) = match passing.iter().min() {
            Some(least) if *least < cases => (
                "partial",
                whole(*least as u64),
                format!("of {}", whole(cases as u64)),
            ),
            Some(least) => ("passed", whole(*least as u64), share(passing.len())),
            None if tallies.iter().any(|tally| tally.unsupported > 0) => {
                ("unsupported", String::new(), String::new())
            }
            None if cases > 0 => ("skipped", "skipped".to_owned(), String::new()),
            None => ("empty", String::new(), String::new()),
        };
        Self {
            class,
            text,
            detail,
            wrong: None,
        }
    }
}

/// `2 fail`, or `3 wrong` where verdicts differ.
fn wrong_words(tally: &Tally) -> String {
    let word = match (tally.failed, tally.crashed, tally.hung) {
        (_, 0, 0) => "fail",
        (0, _, 0) => "crash",
        (0, 0, _) => "hang",
        _ => "wrong",
    };
    format!("{} {word}", whole(tally.wrong() as u64))
}

/// Where the disagreements of an implementation and an algorithm stand.
pub(super) fn places<'w, 'a>(wrongs: &'w [Wrong<'a>]) -> HashMap<(&'a str, &'a str), (usize, &'w Wrong<'a>)> {
    wrongs
        .iter()
        .enumerate()
        .map(|(index, wrong)| ((wrong.name, wrong.algorithm), (index, wrong)))
        .collect()
}

pub(super) fn matrix(run: &Conformance, matrix: &Matrix<(Family, &str)>, wrongs: &[Wrong<'_>]) -> Markup {
    let names = by_name(run);
    if names.is_empty() || matrix.columns.is_empty() {
        return html! { p { "There is nothing to show." } };
    }
    let places = places(wrongs);
    let totals: Vec<Tally> = names
        .iter()
        .map(|named| {
            named
                .profiles
                .iter()
                .flat_map(|(index, _)| &matrix.lines[*index])
                .copied()
                .sum()
        })
        .collect();
    html! {
        (legend())
        div.scroll tabindex="0" role="region" aria-label="Implementations and algorithms" {
            table.matrix {
                thead {
                    tr {
                        th.corner scope="col" { "algorithm" }
                        th.number scope="col" { "cases" }
                        @for (place, (named, total)) in names.iter().zip(&totals).enumerate() {
                            th scope="col" class={ "name" @if total.wrong() > 0 { " wrong" } } {
                                a href={ "#implementation-" (place) } { (bounded::name(named.name)) }
                            }
                        }
                    }
                }
                @for family in families(matrix) {
                    tbody {
                        @for (column, (_, algorithm)) in matrix.columns.iter().enumerate().filter(|(_, (of, _))| *of == family) {
                            tr {
                                th scope="row" { (bounded::name(algorithm)) }
                                td.number { (whole(cases(run, algorithm) as u64)) }
                                @for named in &names {
                                    (Cell::of(
                                        &named.profiles.iter().map(|(index, _)| matrix.lines[*index][column]).collect::<Vec<_>>(),
                                        places.get(&(named.name, *algorithm)).copied(),
                                    ).markup())
                                }
                            }
                        }
                    }
                }
                tfoot {
                    tr {
                        th scope="row" { "CPU profiles" }
                        td {}
                        @for named in &names {
                            td.cell {
                                (named.profiles.iter().filter(|(_, found)| found.unavailable.is_none()).count())
                                @if named.profiles.iter().any(|(_, found)| found.unavailable.is_some()) {
                                    small { "of " (named.profiles.len()) }
                                }
                            }
                        }
                    }
                }
            }
        }
        p.meta { "All CPU profiles together. A wrong cell leads to its disagreements, an implementation's name to its CPU profiles." }
    }
}

fn families(matrix: &Matrix<(Family, &str)>) -> Vec<Family> {
    let mut families: Vec<Family> = matrix.columns.iter().map(|(family, _)| *family).collect();
    families.dedup();
    families
}

fn cases(run: &Conformance, algorithm: &str) -> usize {
    let suites = run.suites.iter().filter(|suite| suite.algorithm == algorithm);
    suites.map(|suite| suite.cases.len()).sum()
}

fn legend() -> Markup {
    html! {
        ul.legend.keys aria-label="Legend" {
            li { span.key.passed { "412" } "cases, all passed" }
            li { span.key.partial { "374" small { "of 412" } } "passed, the rest unsupported or skipped" }
            li { span.key.wrong { "✗ 2 fail" } "wrong, crashed or hung" }
            li { span.key.unsupported { "–" } "unsupported" }
            li { span.key.skipped { "skipped" } "not asked" }
            li { small { "in 3 of 8" } " under so many of its CPU profiles" }
        }
    }
}
