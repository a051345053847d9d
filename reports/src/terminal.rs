//! The report as plain text for the end of a run, at most 100 columns wide.

use sealab_record::Run;

use crate::columns::{LABEL, Table, cut, wrapped};
use crate::dimension::Order;
use crate::findings::{findings, reasons, status_sentence};
use crate::html::by_scenario;
use crate::job;
use crate::numbers::{Unit, counted, status_word};
use crate::pivot::{Pivot, brief, pivot};
use crate::printable::printable;
use crate::ratio::Ratios;
use crate::view::views;

/// Reasons listed; the report has all.
const MAX_REASONS: usize = 12;

/// The report of `run` as plain text without colours: the tables of every scenario, what is missing and why, and the
/// headline last, where it is seen. Nothing in it can steer a terminal, whatever the record holds.
pub fn terminal(run: &Run) -> String {
    let order = Order::new(run);
    let mut text = String::new();
    for (name, record, cells) in by_scenario(run) {
        let title = record.map_or("", |record| record.title.as_str());
        let heading = if title.is_empty() {
            name.to_owned()
        } else {
            format!("{name}: {title}")
        };
        wrapped(&mut text, "", "  ", &heading);
        let lines = job::check_lines(run, name);
        let panels = job::panels(run, name);
        if cells.is_empty() && lines.is_empty() && panels.is_empty() {
            text.push_str("  no cells\n");
        }
        for line in &lines {
            wrapped(&mut text, "  ", "    ", line);
        }
        for panel in &panels {
            wrapped(&mut text, "  ", "    ", panel.subject);
            text.push_str(&jobs(panel).blocks("    ").concat());
        }
        for view in views(&cells, &order) {
            if let Unit::Named(unit) = view.unit {
                wrapped(&mut text, "  in ", "  ", unit);
            }
            for panel in &view.panels {
                if !panel.label.is_empty() {
                    wrapped(&mut text, "  ", "    ", &panel.label);
                }
                match pivot(&view, &panel.cells, &order) {
                    Some(pivot) => text.push_str(&table(&pivot).blocks("    ").concat()),
                    None => {
                        let cells = counted(panel.cells.len(), "cell", "cells");
                        text.push_str(&format!("    {cells}, listed in the report\n"));
                    }
                }
            }
        }
        text.push('\n');
    }
    let reasons = reasons(run);
    if !reasons.is_empty() {
        text.push_str("Without a figure, or suspect (?)\n");
        for found in reasons.iter().take(MAX_REASONS) {
            let cells = counted(found.cells.len(), "cell", "cells");
            let line = format!("{cells} {}: {}", status_word(found.status), found.reason);
            wrapped(&mut text, "  ", "    ", &line);
        }
        if reasons.len() > MAX_REASONS {
            let left = counted(reasons.len() - MAX_REASONS, "further reason", "further reasons");
            text.push_str(&format!("  {left} in the report\n"));
        }
        text.push('\n');
    }
    let findings = findings(run, &order, &Ratios::new());
    for sentence in findings.sentences {
        wrapped(&mut text, "", "  ", &sentence);
    }
    for caution in findings.cautions {
        wrapped(&mut text, "Caution: ", "  ", &caution);
    }
    wrapped(
        &mut text,
        "",
        "",
        &format!(
            "{}. Medians; ± is how far the 95 % interval reaches.",
            status_sentence(run)
        ),
    );
    printable(text)
}

fn jobs(panel: &job::Panel<'_>) -> Table {
    let (headings, rows) = job::table(panel);
    let (labels, columns) = headings.split_at(2);
    Table {
        headings: labels.to_vec(),
        labels: rows
            .iter()
            .map(|row| row[..2].iter().map(|label| cut(label, LABEL)).collect())
            .collect(),
        columns: columns
            .iter()
            .enumerate()
            .map(|(column, heading)| {
                let entries = rows.iter().map(|row| cut(&row[column + 2], LABEL));
                (cut(heading, LABEL), entries.collect())
            })
            .collect(),
    }
}

fn table(pivot: &Pivot<'_>) -> Table {
    let labels = pivot.rows.iter();
    let labels = labels.map(|(labels, _)| labels.iter().map(|label| cut(label, LABEL)).collect());
    let columns = pivot.columns.iter().enumerate().map(|(column, name)| {
        let entries = pivot.rows.iter().map(|(_, cells)| brief(cells[column]));
        (cut(name, LABEL), entries.collect())
    });
    Table {
        headings: pivot
            .headings
            .iter()
            .map(|heading| (*heading).to_owned())
            .collect(),
        labels: labels.collect(),
        columns: columns.collect(),
    }
}
