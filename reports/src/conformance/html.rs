//! The run as one self-contained page in the style of the report.

mod difference;
mod disagreements;
mod implementations;
mod left;
mod matrix;
mod suites;

use std::collections::BTreeSet;

use maud::{Markup, html as markup};
use sealab_record::Conformance;

use super::bounded;
use super::disagreement::{Wrong, wrongs};
use super::headline::{Outcome, extent, headline, machine, outcome, tally_parts};
use super::matrix::by_algorithm;
use super::reason::unavailable;
use super::row::run_tally;
use crate::numbers::{counted, whole};
use crate::page::Page;

const STYLE: &str = include_str!("html/conformance.css");

/// The page.
pub(super) fn html(run: &Conformance) -> String {
    let wrongs = wrongs(run);
    let matrix = by_algorithm(run);
    let sections = vec![
        (
            "matrix",
            "Who agrees on what",
            matrix::matrix(run, &matrix, &wrongs),
        ),
        (
            "disagreements",
            "Disagreements",
            disagreements::disagreements(&wrongs),
        ),
        (
            "implementations",
            "Implementations and CPU profiles",
            implementations::implementations(run, &matrix, &wrongs),
        ),
        ("left", "Not checked, and why", left::left(run)),
        ("suites", "Suites", suites::suites(run)),
        ("machine", "The machine", machine_list(run)),
        ("again", "Having the verdicts again", again(run)),
        ("reading", "How to read this", reading()),
    ];
    let started = bounded::name(&run.started);
    let about = markup! {
        p.meta { (extent(run)) }
        p.meta {
            (started) " to " (bounded::name(&run.finished)) ", sealab " (bounded::name(&run.sealab_version))
        }
    };
    let page = Page {
        heading: "Sealab conformance",
        started: &started,
        style: STYLE,
        about,
        found: found(run, &wrongs),
        sections,
    };
    page.html()
}

/// Disagreeing pairs of implementation and algorithm that the headline lists; the matrix shows all.
const MAX_LISTED: usize = 12;

/// The headline, who disagrees on what, and the counts.
fn found(run: &Conformance, wrongs: &[Wrong<'_>]) -> Markup {
    let tally = run_tally(run);
    let (class, mark) = match outcome(&tally) {
        Outcome::Agree => ("headline agree", "✓"),
        Outcome::Disagree => ("headline disagree", "✗"),
        Outcome::Nothing => ("headline nothing", "?"),
    };
    let missing: BTreeSet<&str> = unavailable(run)
        .iter()
        .filter(|entry| entry.missing)
        .flat_map(|entry| &entry.implementations)
        .map(|implementation| implementation.name.as_str())
        .collect();
    markup! {
        section id="headline" class=(class) aria-label="What was found" {
            p.verdict { span.sign aria-hidden="true" { (mark) } " " (headline(run, wrongs)) }
            @if !wrongs.is_empty() {
                ul {
                    @for (index, wrong) in wrongs.iter().enumerate().take(MAX_LISTED) {
                        li {
                            a href={ "#wrong-" (index) } {
                                b { (bounded::name(wrong.name)) } ", " (bounded::name(wrong.algorithm))
                            }
                            ": " (wrong.short()) " under " (profiles(&wrong.cpu_profiles))
                        }
                    }
                    @if wrongs.len() > MAX_LISTED {
                        li { a href="#disagreements" { (counted(wrongs.len() - MAX_LISTED, "further pair", "further pairs")) " of implementation and algorithm" } }
                    }
                }
            }
            @if !missing.is_empty() {
                p.cautions {
                    "Caution: " (listed(&missing.into_iter().collect::<Vec<_>>()))
                    " could not be had everywhere, for want of something that this machine could have: see "
                    a href="#left" { "what was not checked" } "."
                }
            }
        }
        ul.tiles aria-label="Verdicts" {
            @for (name, count) in tally_parts(&tally) {
                li class={ "tile " (name) @if count == 0 { " none" } } {
                    b { (whole(count as u64)) }
                    span { (name) }
                }
            }
        }
    }
}

/// CPU profiles by name, or their number where they are many.
fn profiles(names: &[&str]) -> String {
    match names.len() {
        0..=4 => listed(names),
        many => format!("{many} CPU profiles ({}, …)", listed(&names[..2])),
    }
}

/// The first names, and how many more there are.
fn listed(names: &[&str]) -> String {
    const LISTED: usize = 12;
    let shown: Vec<String> = names
        .iter()
        .take(LISTED)
        .map(|name| bounded::name(name))
        .collect();
    let more = match names.len().saturating_sub(LISTED) {
        0 => String::new(),
        left => format!(" and {left} more"),
    };
    format!("{}{more}", shown.join(", "))
}

fn machine_list(run: &Conformance) -> Markup {
    markup! {
        dl {
            @for (name, value) in machine(&run.machine) { div { dt { (name) } dd { (value) } } }
        }
    }
}

fn again(run: &Conformance) -> Markup {
    markup! {
        @if run.command.is_empty() { p { "The record names no command." } }
        @else { pre { code { (bounded::command_line(&run.command)) } } }
        p { "Each disagreement above has the command that repeats it alone." }
    }
}

fn reading() -> Markup {
    markup! {
        ul {
            li { "A verdict is one case through one implementation under one CPU profile." }
            li { b { "passed" } ": every answer was the expected one, and what must be refused was refused." }
            li { b { "failed" } ": an answer had other values, lacked one, was an error where a value was due, or a value where an error was due." }
            li { b { "crashed" } ", " b { "hung" } ": the process ended before it answered, or did not answer in time." }
            li { b { "unsupported" } ": the library has no such algorithm, key size or length. It is never counted as passed." }
            li { b { "skipped" } ": it was not asked, with the reason." }
            li { "The CPU profile native shows the process the whole CPU; others hide instructions from it, and qemu-… emulates a CPU model." }
            li { "The matrix takes all CPU profiles together: its number is of cases that pass wherever the implementation was asked, and one wrong answer under one CPU profile marks it." }
        }
    }
}
