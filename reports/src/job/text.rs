//! Jobs and checks as plain text, for Markdown and the terminal.

use sealab_record::{CHECKPOINT_PLANE, CellStatus, Run};

use super::{Panel, Row, Way, check_word, checks, panels, seconds, sized};
use crate::numbers::{counted, percent, size, status_word};

/// Methods named in a headline.
const MAX_NAMED: usize = 12;

/// The columns of a panel behind its two labels: heading, and the text of a row that has figures.
fn columns<'a>(panel: &'a Panel<'a>) -> Vec<(String, Column<'a>)> {
    let baseline = format!("to {}", panel.baseline.unwrap_or("the first"));
    let mut columns: Vec<(String, Column<'a>)> = Vec::new();
    let ways: [(&str, Way); 2] = [("seal", |row| row.seal), ("open", |row| row.open)];
    for (name, way) in ways {
        if panel.has(way) {
            let seconds = move |row: &Row<'_>| way(row).map_or_else(String::new, |took| took.seconds());
            let beside = move |row: &Row<'_>| panel.beside(row, way).unwrap_or_default();
            columns.push((name.to_owned(), Box::new(seconds)));
            columns.push((baseline.clone(), Box::new(beside)));
        }
    }
    columns.push((
        "stored".to_owned(),
        Box::new(|row| row.overhead.map_or_else(String::new, overhead)),
    ));
    if panel.has_transfers() {
        columns.push(("transferred".to_owned(), Box::new(|row| row.transferred())));
    }
    let both = |row: &Row<'_>| [row.seal, row.open].into_iter().flatten().collect::<Vec<_>>();
    columns.push((
        "CPU time".to_owned(),
        Box::new(move |row| seconds(both(row).iter().map(|took| took.cpu).sum())),
    ));
    columns.push((
        "peak".to_owned(),
        Box::new(move |row| size(both(row).iter().map(|took| took.peak).max().unwrap_or(0))),
    ));
    columns
}

type Column<'a> = Box<dyn Fn(&Row<'_>) -> String + 'a>;

/// Headings and rows of a panel; the first two columns are labels.
pub(crate) fn table(panel: &Panel<'_>) -> (Vec<String>, Vec<Vec<String>>) {
    let columns = columns(panel);
    let rows = panel.rows.iter().map(|row| {
        let mut cells = vec![row.method.to_owned(), sized(row.size_bytes)];
        if row.first().is_some() {
            cells.extend(columns.iter().map(|(_, text)| text(row)));
        } else {
            let word = row.missing.map_or("no figure", |(status, _)| status_word(status));
            cells.push(word.to_owned());
            cells.resize(columns.len() + 2, String::new());
        }
        cells
    });
    let rows = rows.collect();
    let mut headings = vec!["method".to_owned(), panel.sizes_of().to_owned()];
    headings.extend(columns.into_iter().map(|(heading, _)| heading));
    (headings, rows)
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
    let way: Way = if panel.has(|row| row.seal) {
        |row| row.seal
    } else {
        |row| row.open
    };
    let others: Vec<String> = rows
        .iter()
        .filter(|row| row.method != baseline.method)
        .filter_map(|row| {
            let beside = panel.beside(row, way)?;
            Some(format!("{} {beside}", row.method))
        })
        .take(MAX_NAMED)
        .collect();
    if others.is_empty() {
        return None;
    }
    let subject = [panel.subject.to_owned(), sized(largest)].join(" ");
    let (what, done, doing) = match (panel.plane == CHECKPOINT_PLANE, panel.has(|row| row.seal)) {
        (true, _) => ("A checkpoint of", "is stored", "sealing it takes"),
        (false, true) => ("An image of", "is stored", "encrypting it takes"),
        (false, false) => ("In a registry,", "can be read", "it takes"),
    };
    Some(format!(
        "{what} {} {done} in {} by {}; {doing} {} of that time.",
        subject.trim(),
        way(baseline)?.seconds(),
        baseline.method,
        others.join(", ")
    ))
}
