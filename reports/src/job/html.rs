//! Jobs and checks in the page.

use maud::{Markup, PreEscaped, html};
use sealab_record::{CHECKPOINT_PLANE, Run};

use super::text::overhead;
use super::{Panel, Row, Took, Way, check_word, checks, panels, seconds, sized};
use crate::numbers::{counted, size, status_word};
use crate::plot::{Bar, BarRow, Bars, Facet, Lines, Point, Series, Width, bars, legend_mark, lines};
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
            @if panel.has_transfers() { div.figures.stacked { (transfers(&panel)) } }
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
    let ways: Vec<(&str, Way)> = if index == STORED {
        vec![("stored", |row| row.first())]
    } else {
        let both: [(&str, Way); 2] = [("seal", |row| row.seal), ("open", |row| row.open)];
        both.into_iter().filter(|(_, way)| panel.has(way)).collect()
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
        .find_map(Row::first)
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
                @if panel.plane == CHECKPOINT_PLANE { "Along the size of the program's memory. " } @else { "Along the size of the layer. " }
                @if index == 0 && !command.is_empty() { "Again: " code { (command) } }
            }
        }
    }
}

/// The bytes that each method stored in a registry, and had to send or have, for the largest size.
fn transfers(panel: &Panel<'_>) -> Markup {
    let largest = panel.sizes().last().copied().unwrap_or(0);
    let rows = || -> Vec<BarRow> {
        let bar = |slot: usize, bytes: Option<u64>| {
            let value = bytes? as f64;
            let text = size(bytes?);
            Some(Bar {
                slot,
                value: Some(value),
                text,
            })
        };
        let of = panel.rows.iter().filter(|row| row.size_bytes == largest);
        of.filter(|row| row.first().is_some())
            .map(|row| BarRow {
                label: row.method.to_owned(),
                bars: [
                    bar(0, row.stored),
                    bar(1, row.seal.and_then(|took| took.transferred)),
                    bar(2, row.open.and_then(|took| took.transferred)),
                ]
                .into_iter()
                .flatten()
                .collect(),
            })
            .collect()
    };
    let drawing = |width: Width| {
        bars(
            &Bars {
                title: &format!("Bytes, {}", one_line(panel.subject)),
                description: "Stored in the registry, pushed and pulled; one row a method.",
                rows: rows(),
                reference: None,
                tick: &|value| size(value.max(0.0) as u64),
            },
            width,
        )
    };
    html! {
        figure {
            p.label { "Bytes stored and transferred" }
            ul.legend {
                @for (slot, word) in ["stored", "pushed", "pulled"].iter().enumerate() {
                    @if slot != 1 || panel.has(|row| row.seal) { li { (PreEscaped(legend_mark(slot))) (word) } }
                }
            }
            @for width in Width::ALL {
                @if let Some(svg) = drawing(width) { (PreEscaped(svg)) }
            }
            figcaption { "Stored is what the registry keeps more than before; what is transferred is counted in both directions, with HTTP's own. Of " (size(largest)) "." }
        }
    }
}

fn table(panel: &Panel<'_>) -> Markup {
    let baseline = panel.baseline.unwrap_or("the first");
    let headings = headings(panel);
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Jobs of " (one_line(panel.subject)) } {
            table {
                caption { "Medians, with the least and the most; the ratios are to " (one_line(baseline)) ". Peaks of memory are added up over the programs of a pipe." }
                thead {
                    tr {
                        @for heading in ["method", panel.sizes_of()] { th scope="col" { (heading) } }
                        @for heading in &headings { th.number scope="col" { (heading) } }
                    }
                }
                tbody { @for row in &panel.rows { (line(panel, row, headings.len())) } }
            }
        }
    }
}

/// The headings behind the two labels, as [`line`] fills them.
fn headings(panel: &Panel<'_>) -> Vec<&'static str> {
    let (seal, open) = (panel.has(|row| row.seal), panel.has(|row| row.open));
    let mut headings = Vec::new();
    let mut add = |is_there: bool, names: &[&'static str]| {
        if is_there {
            headings.extend(names);
        }
    };
    add(seal, &["seal", "", "ratio"]);
    add(open, &["open", "", "ratio"]);
    add(true, &["stored"]);
    add(panel.has(|row| row.metadata), &["manifests"]);
    add(panel.has_transfers(), &["transferred"]);
    add(seal, &["CPU to seal"]);
    add(open, &["CPU to open"]);
    add(seal, &["peak to seal"]);
    add(open, &["peak to open"]);
    headings
}

fn line(panel: &Panel<'_>, row: &Row<'_>, columns: usize) -> Markup {
    let ways: [Way; 2] = [|row| row.seal, |row| row.open];
    let ways: Vec<Way> = ways.into_iter().filter(|way| panel.has(way)).collect();
    let text = |took: Option<Took>, text: fn(Took) -> String| took.map_or_else(String::new, text);
    html! {
        tr {
            th scope="row" title=(one_line(row.description)) { (one_line(row.method)) }
            td { (sized(row.size_bytes)) }
            @if row.first().is_some() {
                @for way in &ways {
                    td.number { (text(way(row), |took| took.seconds())) }
                    td.number { (text(way(row), |took| took.spread())) }
                    td.number { (panel.beside(row, *way).unwrap_or_default()) }
                }
                td.number { (row.overhead.map_or_else(String::new, overhead)) }
                @if panel.has(|row| row.metadata) { td.number { (row.metadata.map_or_else(String::new, size)) } }
                @if panel.has_transfers() { td.number { (row.transferred()) } }
                @for way in &ways { td.number { (text(way(row), |took| seconds(took.cpu))) } }
                @for way in &ways { td.number { (text(way(row), |took| size(took.peak))) } }
            } @else {
                td colspan=(columns) {
                    @if let Some((status, reason)) = row.missing { (status_word(status)) ": " (one_line(reason)) }
                }
            }
        }
    }
}
