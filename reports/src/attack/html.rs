//! The run as one self-contained page in the style of the report.

mod details;
mod matrix;

use maud::{Markup, html as markup};
use sealab_attack_record::{AttackRun, Finding, Guarantee, Verdict};

use super::headline::{Outcome, extent, headline, outcome};
use super::word::{class, expected};
use crate::numbers::whole;
use crate::page::Page;
use crate::printable::shortened;
use crate::shell::shell_line;

const STYLE: &str = concat!(
    include_str!("../conformance/html/conformance.css"),
    include_str!("html/attack.css")
);

/// Characters of one detail.
const DETAIL: usize = 2000;

/// The page.
pub(super) fn html(run: &AttackRun) -> String {
    let sections = vec![
        (
            "guarantees",
            "What each format guarantees",
            by_plane(run, matrix::guarantees),
        ),
        ("acts", "What each act achieved", by_plane(run, matrix::acts)),
        (
            "details",
            "What was tried, and what was seen",
            by_plane(run, details::details),
        ),
        ("formats", "Formats and their readers", by_plane(run, formats)),
        ("reading", "How to read this", reading()),
        ("again", "Having the verdicts again", again(run)),
    ];
    let page = Page {
        heading: "Sealab attacks",
        started: &run.started,
        style: STYLE,
        about: markup! {
            p.meta { (extent(run)) }
            p.meta { (run.started) ", sealab " (run.sealab_version) }
        },
        found: found(run),
        sections,
    };
    page.html()
}

/// The parts of a section, a plane after the other where there are several.
fn by_plane(run: &AttackRun, part: impl Fn(&AttackRun) -> Markup) -> Markup {
    let planes = run.planes();
    markup! {
        @if planes.len() < 2 { (part(run)) }
        @else {
            @for (plane, of_plane) in &planes {
                h3 { "Plane " (plane) }
                (part(of_plane))
            }
        }
    }
}

/// The anchor of a finding's detail.
fn anchor(finding: &Finding) -> String {
    format!("{}-{}-{}", finding.plane, finding.format, finding.attack)
}

fn detail(finding: &Finding) -> String {
    shortened(&finding.detail, DETAIL)
}

/// The headline, what is not as expected, and the counts.
fn found(run: &AttackRun) -> Markup {
    let (class_of, mark) = match outcome(run) {
        Outcome::Expected => ("headline agree", "✓"),
        Outcome::Surprising => ("headline disagree", "✗"),
        Outcome::Nothing => ("headline nothing", "?"),
    };
    markup! {
        section id="headline" class=(class_of) aria-label="What was found" {
            p.verdict { span.sign aria-hidden="true" { (mark) } " " (headline(run)) }
            @if run.surprises().next().is_some() {
                ul {
                    @for finding in run.surprises() {
                        li {
                            a href={ "#" (anchor(finding)) } { b { (finding.format) } ", " (finding.attack) }
                            ": " (finding.verdict) ", " (expected(finding))
                        }
                    }
                }
            }
        }
        ul.tiles aria-label="Verdicts" {
            @for verdict in Verdict::ALL.into_iter().rev() {
                @let count = run.findings.iter().filter(|finding| finding.verdict == verdict).count();
                li class={ "tile verdict-" (class(verdict)) @if count == 0 { " none" } } {
                    b { (whole(count as u64)) }
                    span { (verdict) }
                }
            }
        }
    }
}

fn formats(run: &AttackRun) -> Markup {
    markup! {
        dl {
            @for format in &run.formats { div { dt { (format.id) } dd { (format.description) } } }
        }
    }
}

fn again(run: &AttackRun) -> Markup {
    markup! {
        @if run.command.is_empty() { p { "The record names no command." } }
        @else { pre { code { (shortened(&shell_line(&run.command), 4000)) } } }
        p { "Keys and nonces are new each time; what is sealed is the same." }
    }
}

fn reading() -> Markup {
    markup! {
        p { "An artifact was sealed, changed as an adversary without the key could change it, and opened again. Before that, the unchanged one opened to exactly what was sealed." }
        ul {
            li { b { "detected-before-use" } ": the reader refused, and all that it had handed out by then was true." }
            li { b { "detected-after-use" } ": the reader refused, but had handed out what was never sealed." }
            li { b { "undetected" } ": the reader took it." }
            li { b { "leaks" } ": the adversary learns something without the key." }
            li { b { "refused" } ": the adversary did not get what it was after, and there was nothing to detect." }
            li { b { "not-applicable" } ": the format has nothing that the act could be done to." }
            li { "The worst verdict decides on a guarantee. That it holds means against these acts, no further." }
            li { "Where a format keeps a promise only if asked to (a named sender), both ways are acts, and the worse decides." }
        }
        dl {
            @for guarantee in Guarantee::ALL { div { dt { (guarantee) } dd { (guarantee.promise()) } } }
        }
    }
}
