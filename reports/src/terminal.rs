//! The report as plain text for the end of a run, at most 100 columns wide.

use sealab_record::Run;
use unicode_width::UnicodeWidthStr;

use crate::dimension::Order;
use crate::findings::{findings, reasons, status_sentence};
use crate::html::by_scenario;
use crate::numbers::{Unit, counted, status_word};
use crate::pivot::{Pivot, brief, pivot};
use crate::printable::{one_line, printable};
use crate::ratio::Ratios;
use crate::view::views;

const WIDTH: usize = 100;
/// Labels of rows are cut to this.
const LABEL: usize = 24;
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
        if cells.is_empty() {
            text.push_str("  no cells\n");
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
                    Some(pivot) => table(&mut text, &pivot),
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

/// An aligned table; columns that do not fit beside each other go below each other under the labels again.
fn table(text: &mut String, pivot: &Pivot<'_>) {
    let labels: Vec<Vec<String>> = pivot
        .rows
        .iter()
        .map(|(labels, _)| labels.iter().map(|label| cut(label, LABEL)).collect())
        .collect();
    let label_widths: Vec<usize> = pivot
        .headings
        .iter()
        .enumerate()
        .map(|(column, heading)| {
            labels
                .iter()
                .map(|row| row[column].width())
                .chain([heading.width()])
                .max()
                .unwrap_or(0)
        })
        .collect();
    let columns: Vec<(String, Vec<String>)> = pivot
        .columns
        .iter()
        .enumerate()
        .map(|(column, name)| {
            let entries = pivot.rows.iter().map(|(_, cells)| brief(cells[column]));
            (cut(name, LABEL), entries.collect())
        })
        .collect();
    let widths: Vec<usize> = columns
        .iter()
        .map(|(name, entries)| {
            entries
                .iter()
                .map(|entry| entry.width())
                .chain([name.width()])
                .max()
                .unwrap_or(0)
        })
        .collect();
    let label_width: usize = 4 + label_widths.iter().map(|width| width + 2).sum::<usize>();
    let mut first = 0;
    while first < columns.len() {
        let mut used = label_width + widths[first];
        let mut last = first + 1;
        while last < columns.len() && used + 2 + widths[last] <= WIDTH {
            used += 2 + widths[last];
            last += 1;
        }
        let headings: Vec<String> = pivot
            .headings
            .iter()
            .map(|heading| (*heading).to_owned())
            .collect();
        let mut line = |labels: &[String], entries: &mut dyn Iterator<Item = &String>| {
            let mut line = "    ".to_owned();
            for (label, width) in labels.iter().zip(&label_widths) {
                line.push_str(label);
                line.push_str(&" ".repeat(width - label.width() + 2));
            }
            for (entry, width) in entries.zip(&widths[first..last]) {
                line.push_str(&" ".repeat(width - entry.width()));
                line.push_str(entry);
                line.push_str("  ");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        };
        line(&headings, &mut columns[first..last].iter().map(|(name, _)| name));
        for (row, labels) in labels.iter().enumerate() {
            line(
                labels,
                &mut columns[first..last].iter().map(|(_, entries)| &entries[row]),
            );
        }
        first = last;
    }
}

/// `text` cut to `width` columns, with an ellipsis where some is left out.
fn cut(text: &str, width: usize) -> String {
    let text = printable(one_line(text));
    if text.width() <= width {
        return text;
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if kept.width() >= width {
            kept.pop();
            break;
        }
    }
    kept.push('…');
    kept
}

/// Writes `words` in lines of at most [`WIDTH`] columns; a word that is longer is broken.
fn wrapped(text: &mut String, first: &str, others: &str, words: &str) {
    let mut line = first.to_owned();
    let mut empty = true;
    for word in printable(one_line(words)).split(' ') {
        if !empty && line.width() + 1 + word.width() > WIDTH {
            text.push_str(line.trim_end());
            text.push('\n');
            line = others.to_owned();
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        empty = false;
        for c in word.chars() {
            line.push(c);
            // A wide character may reach beyond the edge where a narrow one would not.
            if line.width() > WIDTH {
                line.pop();
                text.push_str(&line);
                text.push('\n');
                line = others.to_owned();
                line.push(c);
            }
        }
    }
    text.push_str(line.trim_end());
    text.push('\n');
}
