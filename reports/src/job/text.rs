//! Jobs and checks as plain text, for Markdown and the terminal.

use sealab_record::{CellStatus, Run};

use super::{Panel, Row, check_word, checks, panels, seconds, sized};
use crate::numbers::{counted, percent, size, status_word};

/// Methods named in a headline.
const MAX_NAMED: usize = 12;

/// The headings of [`table`]'s columns; the first two are labels.
const HEADINGS: [&str; 9] = [
    "method", "memory", "seal", "beside", "open", "beside", "stored", "CPU time", "peak",
];

/// Headings and rows of a panel.
pub(crate) fn table(panel: &Panel<'_>) -> (Vec<String>, Vec<Vec<String>>) {
    let rows = panel.rows.iter().map(|row| {
        let mut cells = vec![row.method.to_owned(), sized(row.size_bytes)];
        match (row.seal, row.open) {
            (Some(seal), Some(open)) => cells.extend([
                seal.seconds(),
                panel.beside(row, |row| row.seal).unwrap_or_default(),
                open.seconds(),
                panel.beside(row, |row| row.open).unwrap_or_default(),
                row.overhead.map_or_else(String::new, overhead),
                seconds(seal.cpu + open.cpu),
                size(seal.peak.max(open.peak)),
            ]),
            _ => {
                let word = row.missing.map_or("no figure", |(status, _)| status_word(status));
                cells.push(word.to_owned());
                cells.resize(HEADINGS.len(), String::new());
            }
        }
        cells
    });
    let baseline = panel.baseline.unwrap_or("the first");
    let headings = HEADINGS.map(|heading| match heading {
        "beside" => format!("to {baseline}"),
        other => other.to_owned(),
    });
    (headings.to_vec(), rows.collect())
}

/// `+0.035 %`.
pub(super) fn overhead(share: f64) -> String {
    let sign = if share >= 0.0 { "+" } else { "" };
    format!("{sign}{}", percent(share))
}

/// A line for each check, and for each method that is missing.
pub(crate) fn check_lines(run: &Run, scenario: &str) -> Vec<String> {
    let mut lines: Vec<String> = checks(run, scenario)
        .iter()
        .map(|check| {
            let word = check_word(check.status);
            format!("{}, {}: {word}: {}", check.subject, check.step, check.detail)
        })
        .collect();
    for panel in panels(run, scenario) {
        for row in &panel.rows {
            if let Some((status, reason)) = row.missing {
                let line = format!(
                    "{}, {}: {}: {reason}",
                    panel.subject,
                    row.method,
                    status_word(status)
                );
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
        }
    }
    lines
}

/// What the jobs and checks of a run come to.
pub(crate) fn sentences(run: &Run) -> Vec<String> {
    let mut sentences = Vec::new();
    for scenario in &run.scenarios {
        let panels = panels(run, &scenario.name);
        // With one method there is nothing to compare.
        if let Some(panel) = panels.iter().find(|panel| panel.methods().len() > 1) {
            sentences.extend(compared(panel));
        }
        let checks = checks(run, &scenario.name);
        if !checks.is_empty() {
            let count = |status| checks.iter().filter(|check| check.status == status).count();
            let held = counted(count(CellStatus::Measured), "step held", "steps held");
            let mut sentence = format!("{}: {held}", scenario.name);
            for (status, words) in [
                (CellStatus::Failed, "failed"),
                (CellStatus::Unavailable, "cannot be done on this machine"),
            ] {
                if count(status) > 0 {
                    sentence.push_str(&format!(", {} {words}", count(status)));
                }
            }
            sentences.push(format!("{sentence}."));
        }
    }
    sentences
}

fn compared(panel: &Panel<'_>) -> Option<String> {
    let largest = *panel.sizes().last()?;
    let rows: Vec<&Row<'_>> = panel
        .rows
        .iter()
        .filter(|row| row.size_bytes == largest)
        .collect();
    let baseline = rows.iter().find(|row| Some(row.method) == panel.baseline)?;
    let others: Vec<String> = rows
        .iter()
        .filter(|row| row.method != baseline.method)
        .filter_map(|row| {
            let beside = panel.beside(row, |row| row.seal)?;
            Some(format!("{} {beside}", row.method))
        })
        .take(MAX_NAMED)
        .collect();
    if others.is_empty() {
        return None;
    }
    let subject = [panel.subject.to_owned(), sized(largest)].join(" ");
    Some(format!(
        "A checkpoint of {} is stored in {} by {}; sealing it takes {} of that time.",
        subject.trim(),
        baseline.seal?.seconds(),
        baseline.method,
        others.join(", ")
    ))
}
