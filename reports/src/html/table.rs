//! Tables: the figures behind a plot, every cell of a scenario, and what has no figure.

use std::collections::HashMap;

use maud::{Markup, html};
use sealab_record::{Cell, CellStatus, Run, ScenarioRecord};

use crate::dimension::{Dimension, Value};
use crate::findings::{Reason, reasons};
use crate::numbers::{counted, figure, percent, status_word, whole};
use crate::pivot::Pivot;
use crate::ratio::Ratios;

/// The table behind a plot.
pub(super) fn pivot_table(pivot: &Pivot<'_>, caption: &str) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead {
                    tr {
                        @for heading in &pivot.headings { th scope="col" { (heading) } }
                        @for column in &pivot.columns { th.number scope="col" { (column) } }
                    }
                }
                tbody {
                    @for (labels, cells) in &pivot.rows {
                        tr {
                            @for label in labels { th scope="row" { (label) } }
                            @for cell in cells { (entry(*cell)) }
                        }
                    }
                }
            }
        }
    }
}

fn entry(cell: Option<&Cell>) -> Markup {
    let Some(cell) = cell else {
        return html! { td {} };
    };
    match figure(cell) {
        Some((unit, figure)) => html! {
            td.number {
                (unit.short(figure.median))
                @if cell.status == CellStatus::Suspect { " " span.status.suspect { "suspect" } }
                " "
                span.interval { "(" (unit.interval(&figure)) ")" }
            }
        },
        None => html! { td.number { (status(cell.status)) } },
    }
}

pub(super) fn status(status: CellStatus) -> Markup {
    let word = status_word(status);
    html! { span class={ "status " (word) } { (word) } }
}

/// Every cell of a scenario, with what all of them share said once.
pub(super) fn cells_table(cells: &[&Cell], scenario: Option<&ScenarioRecord>, ratios: &Ratios) -> Markup {
    let Some(first) = cells.first() else {
        return html! {};
    };
    let varies = |dimension: &Dimension| {
        cells
            .iter()
            .any(|cell| dimension.value(cell) != dimension.value(first))
    };
    let always = [Dimension::Engine, Dimension::CpuProfile];
    let (columns, shared): (Vec<Dimension>, Vec<Dimension>) = Dimension::ALL
        .into_iter()
        .partition(|dimension| always.contains(dimension) || varies(dimension));
    let baselines = scenario.and_then(|scenario| Baselines::new(scenario, cells));
    let space = cells.iter().any(|cell| cell.space.is_some());
    let reasons = cells.iter().any(|cell| cell.reason.is_some());
    html! {
        p.meta { "All of them: " (constants(shared.iter().map(|dimension| (*dimension, dimension.value(first))))) "." }
        div.scroll tabindex="0" role="region" aria-label="All cells" {
            table.cells {
                thead {
                    tr {
                        @for dimension in &columns { th scope="col" { (dimension.name()) } }
                        th scope="col" { "status" }
                        th.number scope="col" { "median" }
                        th.number scope="col" { "low to high" }
                        th.number scope="col" { "samples" }
                        th scope="col" { "verified" }
                        @if let Some(baselines) = &baselines { th.number scope="col" { "ratio to " (baselines.name()) } }
                        @if space { th.number scope="col" { "plain bytes" } th.number scope="col" { "stored bytes" } }
                        @if reasons { th scope="col" { "reason" } }
                    }
                }
                tbody {
                    @for cell in cells {
                        tr {
                            @for dimension in &columns { td { (dimension.short(dimension.value(cell))) } }
                            td { (status(cell.status)) }
                            @if let Some((unit, figure)) = figure(cell) {
                                td.number { (unit.value(figure.median)) }
                                td.number { (unit.interval(&figure)) }
                            } @else {
                                td {}
                                td {}
                            }
                            td.number { (cell.samples.len()) }
                            td { @if cell.verified { "yes" } @else { "no" } }
                            @if let Some(baselines) = &baselines { td.number { (baselines.ratio(cell, ratios)) } }
                            @if space {
                                @if let Some(space) = cell.space {
                                    td.number { (whole(space.plain_bytes)) }
                                    td.number { (whole(space.stored_bytes)) }
                                } @else {
                                    td {}
                                    td {}
                                }
                            }
                            @if reasons { td.reason { (cell.reason.as_deref().unwrap_or_default()) } }
                        }
                    }
                }
            }
        }
    }
}

/// `page plane, seal, 4 KiB units`.
pub(super) fn constants<'a>(shared: impl Iterator<Item = (Dimension, Value<'a>)>) -> String {
    let phrases: Vec<String> = shared
        .map(|(dimension, value)| {
            let phrase = dimension.phrase(value);
            match dimension {
                Dimension::Plane => format!("{phrase} plane"),
                Dimension::CpuProfile => format!("CPU profile {phrase}"),
                Dimension::Engine => format!("engine {phrase}"),
                _ => phrase,
            }
        })
        .filter(|phrase| !phrase.is_empty())
        .collect();
    if phrases.is_empty() {
        "nothing in common".to_owned()
    } else {
        phrases.join(", ")
    }
}

/// The baseline cells of a scenario that names one.
struct Baselines<'a> {
    engine: Option<&'a str>,
    cpu_profile: Option<&'a str>,
    cells: HashMap<Vec<Value<'a>>, &'a Cell>,
}

impl<'a> Baselines<'a> {
    fn new(scenario: &'a ScenarioRecord, cells: &[&'a Cell]) -> Option<Self> {
        let engine = scenario.baseline_engine.as_deref();
        let cpu_profile = scenario.baseline_cpu_profile.as_deref();
        if engine.is_none() && cpu_profile.is_none() {
            return None;
        }
        let mut found = Self {
            engine,
            cpu_profile,
            cells: HashMap::new(),
        };
        for cell in cells {
            if engine.is_none_or(|engine| cell.engine == engine)
                && cpu_profile.is_none_or(|profile| cell.cpu_profile == profile)
            {
                let key = found.key(cell);
                found.cells.entry(key).or_insert(cell);
            }
        }
        Some(found)
    }

    /// What a cell shares with its baseline.
    fn key<'c>(&self, cell: &'c Cell) -> Vec<Value<'c>> {
        Dimension::ALL
            .into_iter()
            .filter(|dimension| match dimension {
                Dimension::Engine => self.engine.is_none(),
                Dimension::CpuProfile => self.cpu_profile.is_none(),
                _ => true,
            })
            .map(|dimension| dimension.value(cell))
            .collect()
    }

    fn name(&self) -> String {
        [self.engine, self.cpu_profile]
            .into_iter()
            .flatten()
            .map(crate::printable::one_line)
            .collect::<Vec<_>>()
            .join(" / ")
    }

    fn ratio(&self, cell: &Cell, ratios: &Ratios) -> String {
        match self.cells.get(&self.key(cell)) {
            Some(baseline) if std::ptr::eq(*baseline, cell) => "baseline".to_owned(),
            Some(baseline) => ratios
                .of(cell, baseline)
                .map_or_else(String::new, |ratio| ratio.text()),
            None => String::new(),
        }
    }
}

/// What has no figure or a suspect one, grouped by reason.
pub(super) fn without_figures(run: &Run) -> Markup {
    let groups = reasons(run);
    if groups.is_empty() {
        return html! { p { "Every cell has a figure, and none is suspect." } };
    }
    let total: usize = groups.iter().map(|found| found.cells.len()).sum();
    html! {
        p {
            (counted(total, "cell", "cells")) " of " (whole(run.cells.len() as u64))
            " (" (percent(total as f64 / run.cells.len().max(1) as f64)) "), by reason."
        }
        @for Reason { status: found, reason, cells } in &groups {
            details {
                summary { (status(*found)) " " (counted(cells.len(), "cell", "cells")) ": " span.reason { (reason) } }
                ul.compact {
                    @for cell in cells {
                        li {
                            (cell.scenario) ": " (cell.engine) ", " (cell.cpu_profile) ", "
                            (constants(Dimension::ALL.into_iter().skip(2).map(|dimension| (dimension, dimension.value(cell)))))
                            @if let Some((unit, figure)) = figure(cell) { ": " (unit.with_interval(&figure)) }
                        }
                    }
                }
            }
        }
    }
}
