//! The formats of volumes beside the plain one: what each costs, workload by workload.

use maud::{Markup, html};
use sealab_record::{Cell, Run};

use crate::dimension::operation_word;
use crate::numbers::{figure, size, status_word};
use crate::printable::one_line;
use crate::ratio::{Ratio, Ratios};

/// The plane of volumes.
pub(crate) const VOLUME_PLANE: &str = "volume";
/// The format that all others are set beside.
const PLAIN: &str = "plain";
/// The profile that is preferred.
const NATIVE: &str = "native";

/// One scenario's formats under one engine and CPU profile.
pub(crate) struct Stacks<'a> {
    scenario: &'a str,
    engine: &'a str,
    cpu_profile: &'a str,
    /// A workload each, as its first cell.
    columns: Vec<&'a Cell>,
    /// A format each, but the plain one.
    rows: Vec<(&'a str, Vec<Entry>)>,
}

/// What a format has for one workload.
enum Entry {
    Ratio(Ratio),
    /// Why there is no ratio.
    Word(&'static str),
}

impl Entry {
    fn text(&self) -> String {
        match self {
            Self::Ratio(ratio) => ratio.text(),
            Self::Word(word) => (*word).to_owned(),
        }
    }
}

/// `random write, 4 KiB, 2 at a time`.
fn workload(cell: &Cell) -> String {
    let depth = if cell.threads > 1 {
        format!(", {} at a time", cell.threads)
    } else {
        String::new()
    };
    format!("{}, {}{depth}", one_line(&cell.workload), size(cell.unit_bytes))
}

/// The plain volume that others are set beside: the first with a figure, under no restriction of the CPU if there is one.
pub(crate) fn plain_of<'a>(cells: &[&'a Cell]) -> Option<&'a Cell> {
    let plain = || {
        let chosen = cells.iter().copied();
        chosen.filter(|cell| cell.format == PLAIN && figure(cell).is_some())
    };
    plain()
        .find(|cell| cell.cpu_profile == NATIVE)
        .or_else(|| plain().next())
}

fn same_workload(a: &Cell, b: &Cell) -> bool {
    a.workload == b.workload
        && a.unit_bytes == b.unit_bytes
        && a.threads == b.threads
        && operation_word(a.operation) == operation_word(b.operation)
}

/// Every scenario that has volumes and a plain one among them.
pub(crate) fn stacks<'a>(run: &'a Run, ratios: &Ratios) -> Vec<Stacks<'a>> {
    let volumes: Vec<&Cell> = run
        .cells
        .iter()
        .filter(|cell| cell.plane == VOLUME_PLANE)
        .collect();
    let mut scenarios: Vec<&str> = volumes.iter().map(|cell| cell.scenario.as_str()).collect();
    scenarios.dedup();
    let mut all = Vec::new();
    for scenario in scenarios {
        let cells: Vec<&Cell> = volumes
            .iter()
            .copied()
            .filter(|cell| cell.scenario == scenario)
            .collect();
        let Some(first) = plain_of(&cells) else { continue };
        let kin: Vec<&Cell> = cells
            .iter()
            .copied()
            .filter(|cell| cell.engine == first.engine && cell.cpu_profile == first.cpu_profile)
            .collect();
        let mut columns: Vec<&Cell> = Vec::new();
        let mut formats: Vec<&str> = Vec::new();
        for cell in &kin {
            if !columns.iter().any(|known| same_workload(known, cell)) {
                columns.push(cell);
            }
            if cell.format != PLAIN && !formats.contains(&cell.format.as_str()) {
                formats.push(&cell.format);
            }
        }
        let of = |format: &str, column: &Cell| {
            kin.iter()
                .copied()
                .find(|cell| cell.format == format && same_workload(cell, column))
        };
        let rows = formats
            .into_iter()
            .map(|format| {
                let entries = columns
                    .iter()
                    .map(|column| match (of(format, column), of(PLAIN, column)) {
                        (Some(cell), Some(plain)) => match ratios.of(cell, plain) {
                            Some(ratio) => Entry::Ratio(ratio),
                            None => Entry::Word(status_word(cell.status)),
                        },
                        // A format for reading has no writes.
                        _ => Entry::Word("not asked"),
                    });
                (format, entries.collect())
            })
            .collect();
        all.push(Stacks {
            scenario,
            engine: &first.engine,
            cpu_profile: &first.cpu_profile,
            columns,
            rows,
        });
    }
    all
}

impl Stacks<'_> {
    pub(crate) fn title(&self) -> String {
        format!(
            "{}: speed beside the plain volume, {} under {}",
            self.scenario, self.engine, self.cpu_profile
        )
    }

    pub(crate) fn headings(&self) -> Vec<String> {
        let workloads = self.columns.iter().map(|column| workload(column));
        ["format".to_owned()].into_iter().chain(workloads).collect()
    }

    pub(crate) fn texts(&self) -> Vec<Vec<String>> {
        let rows = self.rows.iter().map(|(format, entries)| {
            let texts = entries.iter().map(Entry::text);
            [one_line(format)].into_iter().chain(texts).collect()
        });
        rows.collect()
    }

    /// What the first workload costs in each format.
    pub(crate) fn sentence(&self) -> Option<String> {
        let parts: Vec<String> = self
            .rows
            .iter()
            .filter_map(|(format, entries)| match entries.first()? {
                Entry::Ratio(ratio) => Some(format!(
                    "{} {}",
                    one_line(format),
                    crate::numbers::times(ratio.ratio)
                )),
                Entry::Word(_) => None,
            })
            .collect();
        if parts.is_empty() {
            return None;
        }
        Some(format!(
            "Beside the plain volume ({}; {} under {}): {}.",
            workload(self.columns.first()?),
            one_line(self.engine),
            one_line(self.cpu_profile),
            parts.join(", ")
        ))
    }
}

/// The tables in the page; nothing if there are no volumes.
pub(crate) fn stacks_html(run: &Run, ratios: &Ratios) -> Markup {
    let all = stacks(run, ratios);
    html! {
        @for stacks in &all {
            div.scroll tabindex="0" role="region" aria-label=(one_line(&stacks.title())) {
                table {
                    caption { (one_line(&stacks.title())) ": ratio of medians (95 % bootstrap interval); 1 is as fast." }
                    thead { tr {
                        @for (index, heading) in stacks.headings().iter().enumerate() {
                            th.number[index > 0] scope="col" { (heading) }
                        }
                    } }
                    tbody {
                        @for row in stacks.texts() {
                            tr {
                                @for (index, text) in row.iter().enumerate() {
                                    @if index == 0 { th scope="row" { (text) } } @else { td.number { (text) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
