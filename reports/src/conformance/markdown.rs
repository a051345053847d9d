//! The run as Markdown, short enough for the summary of a CI job.

use sealab_record::{Conformance, Tally};

use super::bounded;
use super::disagreement::{Disagreement, Wrong, wrongs};
use super::family::Family;
use super::headline::{counts, extent, headline, machine};
use super::matrix::{by_algorithm, by_family};
use super::reason::{reasons, unavailable};
use super::row::run_tally;
use crate::commonmark::{code, escaped};
use crate::numbers::{counted, whole};
use crate::printable::printable;

/// Rows of one table.
const MAX_ROWS: usize = 400;
/// Disagreements listed of one implementation and algorithm, and in all.
const MAX_DISAGREEMENTS: [usize; 2] = [10, 100];
/// Reasons listed.
const MAX_REASONS: usize = 40;

/// `run` as Markdown (CommonMark with GitHub's tables).
pub(super) fn markdown(run: &Conformance) -> String {
    let wrongs = wrongs(run);
    let tally = run_tally(run);
    let mut text = format!(
        "# Sealab conformance\n\n**{}**\n\n",
        escaped(&headline(run, &wrongs))
    );
    text.push_str(&format!("{}. {}.\n", escaped(&extent(run)), counts(&tally)));
    matrix(&mut text, run);
    disagreements(&mut text, &wrongs);
    left(&mut text, run);
    implementations(&mut text, run);
    suites(&mut text, run);
    text.push_str("\n## The machine\n\n");
    let rows = machine(&run.machine).map(|(name, value)| vec![escaped(name), escaped(&value)]);
    table(&mut text, &["what", "value"], rows);
    text.push_str(&format!(
        "\n{} to {}, sealab {}.",
        escaped(&bounded::name(&run.started)),
        escaped(&bounded::name(&run.finished)),
        escaped(&bounded::name(&run.sealab_version))
    ));
    if !run.command.is_empty() {
        text.push_str(&format!(" Again: {}", code(&bounded::command_line(&run.command))));
    }
    text.push('\n');
    printable(text)
}

fn matrix(text: &mut String, run: &Conformance) {
    let matrix = by_family(run);
    if run.implementations.is_empty() || matrix.columns.is_empty() {
        return;
    }
    text.push_str("\n## Implementations\n\n");
    let header: Vec<&str> = ["implementation @ CPU profile"]
        .into_iter()
        .chain(matrix.columns.iter().map(|family| family.title()))
        .collect();
    let rows = run
        .implementations
        .iter()
        .zip(&matrix.lines)
        .map(|(implementation, line)| {
            let label = format!(
                "{} @ {}",
                bounded::name(&implementation.name),
                bounded::name(&implementation.cpu_profile)
            );
            let cells = line.iter().map(cell);
            [escaped(&label)].into_iter().chain(cells).collect()
        });
    table(text, &header, rows);
    text.push_str("\nA number is of cases that passed; what follows it did not.\n\n");
    for family in &matrix.columns {
        let algorithms: Vec<String> = by_algorithm(run)
            .columns
            .into_iter()
            .filter(|(of, _)| of == family)
            .map(|(_, algorithm)| code(&bounded::name(algorithm)))
            .collect();
        text.push_str(&format!(
            "- {}: {}\n",
            Family::title(*family),
            algorithms.join(", ")
        ));
    }
}

/// `412`, `374, 38 unsupported`, `unsupported`, `skipped`, or bold `410, 2 fail`.
fn cell(tally: &Tally) -> String {
    let left: Vec<(usize, &str)> = [
        (tally.failed, "fail"),
        (tally.crashed, "crash"),
        (tally.hung, "hang"),
        (tally.unsupported, "unsupported"),
        (tally.skipped, "skipped"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .collect();
    if let [(_, word)] = left.as_slice()
        && tally.passed + tally.wrong() == 0
    {
        return (*word).to_owned();
    }
    if tally.total() == 0 {
        return String::new();
    }
    let passed = whole(tally.passed as u64);
    let left = left
        .into_iter()
        .map(|(count, word)| format!("{} {word}", whole(count as u64)));
    let parts: Vec<String> = [passed].into_iter().chain(left).collect();
    let parts = parts.join(", ");
    if tally.wrong() > 0 {
        format!("**{parts}**")
    } else {
        parts
    }
}

fn disagreements(text: &mut String, wrongs: &[Wrong<'_>]) {
    if wrongs.is_empty() {
        return;
    }
    text.push_str("\n## Disagreements\n");
    let [each, all] = MAX_DISAGREEMENTS;
    let mut listed = 0;
    for wrong in wrongs {
        text.push_str(&format!(
            "\n### {}, {}: {}\n\n",
            escaped(&bounded::name(wrong.name)),
            escaped(&bounded::name(wrong.algorithm)),
            wrong.short()
        ));
        let room = each.min(all - listed);
        for disagreement in wrong.disagreements.iter().take(room) {
            self::disagreement(text, disagreement);
            listed += 1;
        }
        let left = wrong.disagreements.len().saturating_sub(room);
        if left > 0 {
            text.push_str(&format!(
                "- {} in conformance.json\n",
                counted(left, "further one is", "further ones are")
            ));
        }
    }
}

fn disagreement(text: &mut String, disagreement: &Disagreement<'_>) {
    let profiles: Vec<String> = disagreement
        .seen
        .iter()
        .map(|(implementation, _)| escaped(&bounded::name(&implementation.cpu_profile)))
        .collect();
    text.push_str(&format!(
        "- {} {}: **{}** under {}: {}\n",
        escaped(&bounded::name(&disagreement.suite.name)),
        disagreement.cases(),
        disagreement.verdict.id(),
        profiles.join(", "),
        escaped(&bounded::sentence(disagreement.reason))
    ));
    if let Some(difference) = disagreement.difference {
        text.push_str(&format!(
            "  - {}: {} differs from byte {}\n  - expected {}\n  - actual {}\n",
            escaped(&bounded::name(&difference.operation)),
            escaped(&bounded::name(&difference.value)),
            difference.at,
            code(&bounded::value(&difference.expected)),
            code(&bounded::value(&difference.actual))
        ));
    }
    if let Some(repeat) = disagreement.repeat() {
        text.push_str(&format!("  - repeat: {}\n", code(&bounded::command(repeat))));
    }
}

fn left(text: &mut String, run: &Conformance) {
    let unavailable = unavailable(run);
    let reasons = reasons(run);
    if unavailable.is_empty() && reasons.is_empty() {
        return;
    }
    text.push_str("\n## Not checked, and why\n\n");
    for entry in unavailable.iter().take(MAX_REASONS) {
        text.push_str(&format!(
            "- {}: {}{}\n",
            escaped(&entry.names()),
            if entry.missing { "**missing here:** " } else { "" },
            escaped(&bounded::sentence(entry.reason))
        ));
    }
    for entry in reasons.iter().take(MAX_REASONS) {
        let names: Vec<String> = entry.names.iter().map(|name| bounded::name(name)).collect();
        text.push_str(&format!(
            "- {} {} ({}): {}\n",
            counted(entry.count, "verdict", "verdicts"),
            entry.verdict.id(),
            escaped(&names.join(", ")),
            escaped(&bounded::sentence(entry.reason))
        ));
    }
    let left = unavailable.len().saturating_sub(MAX_REASONS) + reasons.len().saturating_sub(MAX_REASONS);
    if left > 0 {
        let left = counted(left, "further reason is", "further reasons are");
        text.push_str(&format!("- {left} in conformance.json\n"));
    }
}

fn implementations(text: &mut String, run: &Conformance) {
    if run.implementations.is_empty() {
        return;
    }
    text.push_str("\n## Versions and code paths\n\n");
    let header = [
        "implementation @ CPU profile",
        "library",
        "version",
        "mechanism",
        "code path",
    ];
    let rows = run.implementations.iter().map(|implementation| {
        vec![
            escaped(&format!(
                "{} @ {}",
                bounded::name(&implementation.name),
                bounded::name(&implementation.cpu_profile)
            )),
            escaped(&bounded::sentence(&implementation.library)),
            escaped(&bounded::sentence(&implementation.version)),
            escaped(&bounded::name(&implementation.mechanism)),
            escaped(&bounded::sentence(&implementation.code_path)),
        ]
    });
    table(text, &header, rows);
}

fn suites(text: &mut String, run: &Conformance) {
    if run.suites.is_empty() {
        return;
    }
    text.push_str("\n## Suites\n\n");
    let header = ["suite", "algorithm", "cases", "source", "licence", "left out"];
    let rows = run.suites.iter().map(|suite| {
        let left_out: Vec<String> = suite
            .left_out
            .iter()
            .take(MAX_REASONS)
            .map(|(count, reason)| format!("{}: {}", whole(*count), bounded::sentence(reason)))
            .collect();
        vec![
            escaped(&bounded::name(&suite.name)),
            escaped(&bounded::name(&suite.algorithm)),
            whole(suite.cases.len() as u64),
            escaped(&bounded::sentence(&suite.source)),
            escaped(&bounded::sentence(&suite.licence)),
            escaped(&left_out.join("; ")),
        ]
    });
    table(text, &header, rows);
}

/// A table; its cells are Markdown.
fn table(text: &mut String, header: &[&str], rows: impl ExactSizeIterator<Item = Vec<String>>) {
    let left = rows.len().saturating_sub(MAX_ROWS);
    text.push_str(&format!(
        "| {} |\n|{}\n",
        header.join(" | "),
        " --- |".repeat(header.len())
    ));
    for row in rows.take(MAX_ROWS) {
        text.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    if left > 0 {
        let left = counted(left, "further row is", "further rows are");
        text.push_str(&format!("\n{left} in conformance.json.\n"));
    }
}
