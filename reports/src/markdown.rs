//! The report as Markdown, short enough for the summary of a CI job.

use sealab_record::Run;

use crate::commonmark::{code, escaped};
use crate::databases::{HEADINGS as HEADINGS_OF_DATABASES, databases};
use crate::dimension::Order;
use crate::findings::{Findings, findings, status_sentence};
use crate::html::{by_scenario, pair_name, share_text};
use crate::job;
use crate::machine::machine_facts;
use crate::numbers::{counted, figure, status_word, whole};
use crate::pivot::{brief, pivot};
use crate::printable::{one_line, printable, shortened};
use crate::ratio::Ratios;
use crate::space::space_rows;
use crate::stacks::stacks;
use crate::traffic::{HEADINGS, traffic_rows};
use crate::usage::usages;
use crate::view::views;

/// Tables a scenario; the HTML page has them all.
const MAX_TABLES: usize = 6;
/// Rows of one table.
const MAX_ROWS: usize = 60;
/// Reasons listed.
const MAX_REASONS: usize = 20;

/// The report of `run` as Markdown (CommonMark with GitHub's tables).
pub fn markdown(run: &Run) -> String {
    let order = Order::new(run);
    let ratios = Ratios::new();
    let findings = findings(run, &order, &ratios);
    let mut text = String::from("# Sealab report\n\n");
    for sentence in &findings.sentences {
        text.push_str(&format!("- {}\n", escaped(sentence)));
    }
    text.push_str(&format!("\n{}.\n", escaped(&status_sentence(run))));
    for caution in &findings.cautions {
        text.push_str(&format!("\n> **Caution:** {}\n", escaped(caution)));
    }
    instructions(&mut text, &findings);
    limit(&mut text, &findings);
    scenarios(&mut text, run, &order);
    stacks_text(&mut text, run, &ratios);
    databases_text(&mut text, run, &ratios);
    space(&mut text, run);
    traffic(&mut text, run);
    reasons(&mut text, run);
    text.push_str("\n## The machine\n\n");
    table(
        &mut text,
        &["what".to_owned(), "value".to_owned()],
        machine_facts(&run.machine)
            .into_iter()
            .map(|fact| vec![fact.name.to_owned(), fact.value]),
    );
    text.push_str(&format!(
        "\n{} to {}, sealab {}. Figures are medians; ± is how far the 95 % bootstrap interval reaches. GB/s is 10⁹ bytes a \
         second.\n",
        escaped(&run.started),
        escaped(&run.finished),
        escaped(&run.sealab_version)
    ));
    printable(text)
}

fn instructions(text: &mut String, findings: &Findings<'_>) {
    let Some(buys) = &findings.buys else { return };
    text.push_str(&format!(
        "\n## What AES instructions buy\n\n{}: {}. Ratio of medians (95 % bootstrap interval).\n\n",
        escaped(buys.scenario),
        escaped(&buys.label)
    ));
    let header: Vec<String> = ["engine".to_owned()]
        .into_iter()
        .chain(buys.pairs.iter().map(|index| pair_name(*index)))
        .collect();
    table(
        text,
        &header,
        buys.rows.iter().map(|row| {
            let engine = format!("{}{}", row.engine, if row.suspect { " (suspect)" } else { "" });
            let ratios = row
                .ratios
                .iter()
                .map(|ratio| ratio.map_or_else(|| "no figure".to_owned(), |ratio| ratio.text()));
            [engine].into_iter().chain(ratios).collect()
        }),
    );
}

fn limit(text: &mut String, findings: &Findings<'_>) {
    let Some(limit) = &findings.limit else { return };
    text.push_str("\n## The limit: AES-256-XTS as a share of the raw AES-256 block rate\n\n");
    let header = ["engine", "CPU profile", "AES-256-XTS", "share of the limit"].map(str::to_owned);
    table(
        text,
        &header,
        limit.rows.iter().map(|row| {
            vec![
                row.xts.engine.clone(),
                row.xts.cpu_profile.clone(),
                brief(Some(row.xts)),
                row.share
                    .map_or_else(String::new, |share| crate::numbers::percent(share.ratio)),
            ]
        }),
    );
    for cell in &limit.best {
        if let Some((unit, figure)) = figure(cell) {
            text.push_str(&format!(
                "\nHighest raw rate under {}: {} ({}).\n",
                escaped(&cell.cpu_profile),
                unit.with_interval(&figure),
                escaped(&cell.engine)
            ));
        }
    }
}

fn scenarios(text: &mut String, run: &Run, order: &Order<'_>) {
    for (name, record, cells) in by_scenario(run) {
        text.push_str(&format!("\n## {}\n\n", escaped(name)));
        if let Some(record) = record {
            text.push_str(&format!("{}\n\n", escaped(&record.title)));
            if !record.command.is_empty() {
                text.push_str(&format!("Again: {}\n\n", code(&one_line(&record.command))));
            }
        }
        if let Some(usage) = usages(run).iter().find(|usage| usage.scenario == name) {
            for (header, rows) in [usage.matrix(&Ratios::new()), usage.guarantees()] {
                table(text, &header, rows.into_iter().take(MAX_ROWS));
                text.push('\n');
            }
        }
        let lines = job::check_lines(run, name);
        let panels = job::panels(run, name);
        if cells.is_empty() && lines.is_empty() && panels.is_empty() {
            text.push_str("It has no cells.\n");
        }
        for line in &lines {
            text.push_str(&format!("- {}\n", escaped(&shortened(&one_line(line), 300))));
        }
        for panel in &panels {
            text.push_str(&format!("\n**{}**\n\n", escaped(panel.subject)));
            let (header, rows) = job::table(panel);
            table(text, &header, rows.into_iter().take(MAX_ROWS));
        }
        for one in crate::counted::counted(&cells, order) {
            text.push_str(&format!("\n**{}**\n\n", escaped(&one.title())));
            table(text, &one.headings(), one.texts().into_iter().take(MAX_ROWS));
            text.push('\n');
        }
        for view in views(&cells, order) {
            let mut tables = 0;
            for panel in &view.panels {
                let Some(pivot) = pivot(&view, &panel.cells, order) else {
                    continue;
                };
                if tables == MAX_TABLES {
                    let left = view.panels.len() - MAX_TABLES;
                    let left = counted(left, "further table is", "further tables are");
                    text.push_str(&format!("{left} in the HTML report.\n\n"));
                    break;
                }
                tables += 1;
                if !panel.label.is_empty() {
                    text.push_str(&format!("**{}**\n\n", escaped(&panel.label)));
                }
                let header: Vec<String> = pivot
                    .headings
                    .iter()
                    .map(|heading| (*heading).to_owned())
                    .chain(pivot.columns.iter().cloned())
                    .collect();
                let rows = pivot.rows.iter().take(MAX_ROWS).map(|(labels, cells)| {
                    let cells = cells.iter().map(|cell| brief(*cell));
                    labels.iter().cloned().chain(cells).collect()
                });
                table(text, &header, rows);
                if pivot.rows.len() > MAX_ROWS {
                    let left = counted(pivot.rows.len() - MAX_ROWS, "further row is", "further rows are");
                    text.push_str(&format!("\n{left} in the HTML report.\n"));
                }
                text.push('\n');
            }
        }
    }
}

fn space(text: &mut String, run: &Run) {
    let rows = space_rows(run);
    if rows.is_empty() {
        return;
    }
    text.push_str("\n## Space\n\n");
    let header = [
        "plane",
        "format",
        "unit",
        "plain bytes",
        "stored bytes",
        "overhead",
    ]
    .map(str::to_owned);
    table(
        text,
        &header,
        rows.iter().take(MAX_ROWS).map(|row| {
            vec![
                row.plane.to_owned(),
                row.format.to_owned(),
                row.unit(),
                whole(row.space.plain_bytes),
                whole(row.space.stored_bytes),
                row.share().map_or_else(String::new, share_text),
            ]
        }),
    );
}

fn stacks_text(text: &mut String, run: &Run, ratios: &Ratios) {
    for stacks in stacks(run, ratios) {
        text.push_str(&format!("\n## {}\n\n", escaped(&stacks.title())));
        table(
            text,
            &stacks.headings(),
            stacks.texts().into_iter().take(MAX_ROWS),
        );
    }
}

fn databases_text(text: &mut String, run: &Run, ratios: &Ratios) {
    for one in databases(run, ratios) {
        text.push_str(&format!(
            "\n## {}\n\nA workload like TPC-C, not TPC-C.\n\n",
            escaped(&one.title)
        ));
        table(
            text,
            &HEADINGS_OF_DATABASES.map(str::to_owned),
            one.rows.into_iter().take(MAX_ROWS),
        );
    }
}

fn traffic(text: &mut String, run: &Run) {
    let rows = traffic_rows(run);
    if rows.is_empty() {
        return;
    }
    text.push_str(
        "\n## Bytes that reach the store\n\nFor each byte written to the volume, or read from it.\n\n",
    );
    table(
        text,
        &HEADINGS.map(str::to_owned),
        rows.iter().take(MAX_ROWS).map(|row| row.texts().to_vec()),
    );
}

fn reasons(text: &mut String, run: &Run) {
    let reasons = crate::findings::reasons(run);
    if reasons.is_empty() {
        return;
    }
    text.push_str("\n## Without a figure, or suspect\n\n");
    for found in reasons.iter().take(MAX_REASONS) {
        text.push_str(&format!(
            "- {} {}: {}\n",
            counted(found.cells.len(), "cell", "cells"),
            status_word(found.status),
            escaped(&shortened(&one_line(found.reason), 300))
        ));
    }
    if reasons.len() > MAX_REASONS {
        let left = counted(reasons.len() - MAX_REASONS, "further reason", "further reasons");
        text.push_str(&format!("- {left} in the HTML report\n"));
    }
}

fn table(text: &mut String, header: &[String], rows: impl Iterator<Item = Vec<String>>) {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    text.push_str(&line(header));
    text.push_str(&format!("|{}\n", " --- |".repeat(header.len())));
    for row in rows {
        text.push_str(&line(&row));
    }
}
