//! The scenarios: each with its plots, the tables behind them and every cell.

use std::collections::HashMap;

use maud::{Markup, html};
use sealab_record::{Cell, Run, ScenarioRecord};

use crate::dimension::{Dimension, Order, Value};
use crate::job::jobs_html;
use crate::numbers::{Unit, counted, figure};
use crate::pivot::pivot;
use crate::printable::one_line;
use crate::ratio::Ratios;
use crate::usage::usage_html;
use crate::view::{View, views};

use super::counted::counted_html;
use super::figure::Drawing;
use super::table::{cells_table, constants};

/// Plots shown at once; further ones are folded.
const OPEN_PANELS: usize = 6;
/// Plots drawn at all; the list of cells has the rest.
const MAX_PANELS: usize = 40;

/// All scenarios of a run, then the cells of scenarios that the record does not describe.
pub(super) fn scenarios(run: &Run, order: &Order<'_>, ratios: &Ratios) -> Markup {
    let grouped = by_scenario(run);
    html! {
        @if grouped.is_empty() { p { "The run has no scenarios." } }
        @for (index, (name, record, cells)) in grouped.iter().enumerate() {
            section.scenario id={ "scenario-" (index) } {
                h3 { (name) }
                @if let Some(record) = record {
                    p.title { (record.title) }
                    @for paragraph in record.description.split("\n\n") { p { (paragraph) } }
                    @if !record.notes.is_empty() { ul { @for note in &record.notes { li { (note) } } } }
                }
                (usage_html(run, name, ratios))
                (jobs_html(run, name, &record.map_or_else(String::new, |record| one_line(&record.command))))
                (body(name, *record, cells, run, order, ratios))
            }
        }
    }
}

type Scenario<'a> = (&'a str, Option<&'a ScenarioRecord>, Vec<&'a Cell>);

/// Every scenario with its record, if there is one, and its cells.
pub(crate) fn by_scenario(run: &Run) -> Vec<Scenario<'_>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut grouped: Vec<Scenario<'_>> = Vec::new();
    let named = run
        .scenarios
        .iter()
        .map(|record| (record.name.as_str(), Some(record), None))
        .chain(
            run.cells
                .iter()
                .map(|cell| (cell.scenario.as_str(), None, Some(cell))),
        );
    for (name, record, cell) in named {
        let place = *places.entry(name).or_insert_with(|| {
            grouped.push((name, record, Vec::new()));
            grouped.len() - 1
        });
        grouped[place].2.extend(cell);
    }
    grouped
}

fn body(
    name: &str,
    record: Option<&ScenarioRecord>,
    cells: &[&Cell],
    run: &Run,
    order: &Order<'_>,
    ratios: &Ratios,
) -> Markup {
    if cells.is_empty() {
        let others = run.jobs.iter().any(|job| job.scenario == name)
            || run.checks.iter().any(|check| check.scenario == name);
        return html! { @if !others { p { "It has no cells." } } };
    }
    html! {
        @for view in views(cells, order) {
            (view_figures(&view, name, record, run, order, ratios))
        }
        (counted_html(cells, order))
        details {
            summary { "Every cell (" (cells.len()) ")" }
            (cells_table(cells, record, ratios))
        }
    }
}

fn view_figures<'a>(
    view: &View<'a>,
    name: &str,
    record: Option<&ScenarioRecord>,
    run: &'a Run,
    order: &Order<'a>,
    ratios: &Ratios,
) -> Markup {
    let values: Vec<f64> = view
        .panels
        .iter()
        .flat_map(|panel| &panel.cells)
        .filter_map(|cell| figure(cell))
        .flat_map(|(_, figure)| [figure.median, figure.low, figure.high])
        .collect();
    let slots: Vec<Value<'a>> = match view.colours {
        // A CPU profile keeps its colour through the whole page.
        Some(Dimension::CpuProfile) if run.cpu_profiles.len() <= crate::view::MAX_COLOURS => {
            let mut slots: Vec<Value<'a>> = run
                .cpu_profiles
                .iter()
                .map(|profile| Value::Text(profile.id.as_str()))
                .collect();
            for value in all_values(view, Dimension::CpuProfile, order) {
                if !slots.contains(&value) {
                    slots.push(value);
                }
            }
            slots
        }
        Some(dimension) => all_values(view, dimension, order),
        None => Vec::new(),
    };
    let drawing = Drawing {
        view,
        order,
        ratios,
        title: record
            .map(|record| record.title.as_str())
            .filter(|title| !title.trim().is_empty())
            .unwrap_or(name),
        command: record.map_or("", |record| record.command.as_str()),
        values: &values,
        slots: &slots,
    };
    let (open, folded) = view.panels.split_at(view.panels.len().min(OPEN_PANELS));
    let (folded, left_out) = folded.split_at(folded.len().min(MAX_PANELS - OPEN_PANELS));
    html! {
        p.meta {
            "In "
            @match view.unit {
                Unit::BytesPerSecond => "plain bytes a second",
                Unit::Named(name) => (one_line(name)),
            }
            ". All cells: " (constants(view.constants.iter().copied())) "."
        }
        div.figures.stacked[wide_table(view, order)] { @for panel in open { (drawing.figure(panel)) } }
        @if !folded.is_empty() {
            details {
                summary { (counted(folded.len(), "further plot", "further plots")) }
                div.figures { @for panel in folded { (drawing.figure(panel)) } }
            }
        }
        @if !left_out.is_empty() {
            p.meta { (counted(left_out.len(), "further group", "further groups")) " of cells are in the list of all cells alone." }
        }
    }
}

/// Whether the only panel's table is too wide to stand beside its plot.
fn wide_table(view: &View<'_>, order: &Order<'_>) -> bool {
    match view.panels.as_slice() {
        [only] => pivot(view, &only.cells, order)
            .is_some_and(|pivot| pivot.columns.len() + pivot.headings.len() > 3),
        _ => false,
    }
}

fn all_values<'a>(view: &View<'a>, dimension: Dimension, order: &Order<'_>) -> Vec<Value<'a>> {
    let cells: Vec<&'a Cell> = view
        .panels
        .iter()
        .flat_map(|panel| panel.cells.iter().copied())
        .collect();
    order.values(dimension, &cells)
}
