//! Jobs and checks in the page.

use maud::{Markup, PreEscaped, html};
use sealab_record::Run;

use super::text::overhead;
use super::{Panel, Row, Took, check_word, checks, panels, seconds, sized};
use crate::numbers::{counted, size, status_word};
use crate::plot::{Facet, Lines, Point, Series, Width, legend_mark, lines};
use crate::printable::one_line;

/// What is plotted over the size, with its caption.
const PLOTS: [(&str, Measure); 4] = [
    ("Time", |took| took.wall),
    ("CPU time", |took| [took.cpu; 3]),
    ("Peak memory", |took| [took.peak as f64; 3]),
    ("Bytes stored for each plain byte", |_| [f64::NAN; 3]),
];

/// The least, the median and the most of something.
type Measure = fn(&Took) -> [f64; 3];

/// Which of a row's jobs.
type Way = fn(&Row<'_>) -> Option<Took>;

/// The place of [`PLOTS`] that is not of the programs but of what they stored.
const STORED: usize = 3;
const PEAK: usize = 2;

/// The jobs and checks of `scenario`; nothing if it has none.
pub(crate) fn jobs_html(run: &Run, scenario: &str, command: &str) -> Markup {
    let checks = checks(run, scenario);
    html! {
        @if !checks.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="Steps" { table {
                caption { "Steps" }
                thead { tr { th scope="col" { "subject" } th scope="col" { "step" } th scope="col" { "" } th scope="col" { "what was seen" } } }
                tbody {
                    @for check in &checks {
                        tr {
                            th scope="row" { (one_line(&check.subject)) }
                            td { (one_line(&check.step)) }
                            td { (check_word(check.status)) }
                            td.reason { (one_line(&check.detail)) }
                        }
                    }
                }
            } }
        }
        @for panel in panels(run, scenario) {
            h4 { (one_line(panel.subject)) }
            @if panel.sizes().len() > 1 {
                div.figures.stacked {
                    @for index in 0..PLOTS.len() { (plot(&panel, index, command)) }
                }
            }
            (table(&panel))
        }
    }
}

/// A facet for each method, a line for each way, along the size.
fn plot(panel: &Panel<'_>, index: usize, command: &str) -> Markup {
    let (name, measure) = PLOTS[index];
    let along: Vec<(f64, String)> = panel
        .sizes()
        .into_iter()
        .filter(|bytes| *bytes > 0)
        .map(|bytes| (bytes as f64, size(bytes)))
        .collect();
    let ways: &[(&str, Way)] = if index == STORED {
        &[("stored", |row| row.seal)]
    } else {
        &[("seal", |row| row.seal), ("open", |row| row.open)]
    };
    let facets = || -> Vec<Facet> {
        panel
            .methods()
            .into_iter()
            .map(|method| {
                let rows: Vec<&Row<'_>> = panel.rows.iter().filter(|row| row.method == method).collect();
                let series: Vec<Series> = ways
                    .iter()
                    .enumerate()
                    .map(|(slot, (_, way))| Series {
                        slot,
                        points: rows
                            .iter()
                            .filter_map(|row| {
                                let took = way(row)?;
                                let [low, value, high] = match (index, row.overhead) {
                                    (STORED, Some(share)) => [share + 1.0; 3],
                                    (STORED, None) => return None,
                                    _ => measure(&took),
                                };
                                Some(Point {
                                    along: row.size_bytes as f64,
                                    value,
                                    low,
                                    high,
                                    hollow: false,
                                })
                            })
                            .collect(),
                    })
                    .filter(|series| !series.points.is_empty())
                    .collect();
                let note = rows.first().filter(|_| series.is_empty()).map(|row| {
                    row.missing
                        .map_or("no figure", |(status, _)| status_word(status))
                        .to_owned()
                });
                Facet {
                    label: method.to_owned(),
                    series,
                    note,
                }
            })
            .collect()
    };
    let tick = |value: f64| match index {
        PEAK => size(value.max(0.0) as u64),
        STORED => format!("{value}"),
        _ => seconds(value),
    };
    let rounds = panel
        .rows
        .iter()
        .find_map(|row| row.seal)
        .map_or(0, |took| took.rounds);
    let title = format!("{name}, {}", one_line(panel.subject));
    let drawing = |width: Width| {
        lines(
            &Lines {
                title: &title,
                description: "Over the size; one facet a method.",
                facets: facets(),
                along: &along,
                ideal: false,
                also: &[],
                tick: &tick,
            },
            width,
        )
    };
    html! {
        figure {
            p.label { (name) }
            @if ways.len() > 1 {
                ul.legend {
                    @for (slot, (way, _)) in ways.iter().enumerate() { li { (PreEscaped(legend_mark(slot))) (way) } }
                }
            }
            @for width in Width::ALL {
                @if let Some(svg) = drawing(width) { (PreEscaped(svg)) }
            }
            figcaption {
                @if index == 0 { "Medians of " (counted(rounds, "round", "rounds")) ", whiskers from the least to the most. " }
                "Along the size of the program's memory. "
                @if index == 0 && !command.is_empty() { "Again: " code { (command) } }
            }
        }
    }
}

fn table(panel: &Panel<'_>) -> Markup {
    let baseline = panel.baseline.unwrap_or("the first");
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Jobs of " (one_line(panel.subject)) } {
            table {
                caption { "Medians, with the least and the most; the ratios are to " (one_line(baseline)) ". Peaks of memory are added up over the programs of a pipe." }
                thead {
                    tr {
                        @for heading in ["method", "memory"] { th scope="col" { (heading) } }
                        @for heading in ["seal", "", "ratio", "open", "", "ratio", "stored", "CPU to seal", "CPU to open", "peak to seal", "peak to open"] {
                            th.number scope="col" { (heading) }
                        }
                    }
                }
                tbody { @for row in &panel.rows { (line(panel, row)) } }
            }
        }
    }
}

fn line(panel: &Panel<'_>, row: &Row<'_>) -> Markup {
    html! {
        tr {
            th scope="row" title=(one_line(row.description)) { (one_line(row.method)) }
            td { (sized(row.size_bytes)) }
            @if let (Some(seal), Some(open)) = (row.seal, row.open) {
                td.number { (seal.seconds()) }
                td.number { (seal.spread()) }
                td.number { (panel.beside(row, |row| row.seal).unwrap_or_default()) }
                td.number { (open.seconds()) }
                td.number { (open.spread()) }
                td.number { (panel.beside(row, |row| row.open).unwrap_or_default()) }
                td.number { (row.overhead.map_or_else(String::new, overhead)) }
                td.number { (seconds(seal.cpu)) }
                td.number { (seconds(open.cpu)) }
                td.number { (size(seal.peak)) }
                td.number { (size(open.peak)) }
            } @else {
                td colspan="11" {
                    @if let Some((status, reason)) = row.missing { (status_word(status)) ": " (one_line(reason)) }
                }
            }
        }
    }
}
