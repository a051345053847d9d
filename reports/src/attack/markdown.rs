//! The run as Markdown, short enough for the summary of a CI job.

use sealab_attack_record::{AttackRun, Matrix, Verdict};

use super::headline::{extent, headline};
use super::word::{Standing, decided, expected, standing};
use crate::commonmark::{code, escaped};
use crate::printable::{printable, shortened};
use crate::shell::shell_line;

/// Characters of one detail.
const DETAIL: usize = 600;

/// `run` as Markdown (CommonMark with GitHub's tables).
pub(super) fn markdown(run: &AttackRun) -> String {
    let mut text = format!(
        "# Sealab attacks\n\n**{}**\n\n{}.\n",
        headline(run),
        escaped(&extent(run))
    );
    surprises(&mut text, run);
    let planes = run.planes();
    for (plane, part) in &planes {
        let of = if planes.len() > 1 {
            format!(", {plane}")
        } else {
            String::new()
        };
        guarantees(&mut text, part, &of);
        acts(&mut text, part, &of);
    }
    text.push_str("\n## Formats\n\n");
    for format in &run.formats {
        text.push_str(&format!(
            "- **{}**: {}\n",
            escaped(format.id),
            escaped(format.description)
        ));
    }
    text.push_str(&format!(
        "\n{}, sealab {}. Again: {}\n",
        escaped(&run.started),
        escaped(&run.sealab_version),
        code(&shell_line(&run.command))
    ));
    printable(text)
}

fn surprises(text: &mut String, run: &AttackRun) {
    let mut heading = "\n## Not as expected\n\n";
    for finding in run.surprises() {
        text.push_str(heading);
        heading = "";
        text.push_str(&format!(
            "- **{}, {}: {}**, {}: {}\n",
            escaped(finding.format),
            escaped(finding.attack),
            finding.verdict,
            expected(finding),
            escaped(&shortened(&finding.detail, DETAIL))
        ));
    }
}

fn guarantees(text: &mut String, run: &AttackRun, of: &str) {
    let matrix = Matrix::of(run);
    if matrix.guarantees.is_empty() {
        return;
    }
    text.push_str(&format!("\n## Guarantees{of}\n\n"));
    header(text, "guarantee", run);
    for (guarantee, entries) in matrix.guarantees.iter().zip(&matrix.entries) {
        let cells = entries.iter().map(|entry| match standing(entry) {
            Standing::Untested => "–".to_owned(),
            Standing::Holds => format!("holds {}", decided(entry)),
            Standing::Broken => format!("**{}**", decided(entry)),
        });
        row(text, guarantee.id(), cells);
    }
    text.push_str("\nThe worst verdict decides.\n");
}

fn acts(text: &mut String, run: &AttackRun, of: &str) {
    if run.acts.is_empty() {
        return;
    }
    text.push_str(&format!("\n## Acts{of}\n\n"));
    header(text, "act", run);
    for act in &run.acts {
        let cells = run.formats.iter().map(|format| match run.finding(format, act) {
            None => String::new(),
            Some(finding) => {
                let mark = if finding.is_expected() { "" } else { "⚠ " };
                match finding.verdict {
                    Verdict::NotApplicable => format!("{mark}–"),
                    verdict if verdict.holds() => format!("{mark}{verdict}"),
                    verdict => format!("{mark}**{verdict}**"),
                }
            }
        });
        row(text, act.id, cells);
    }
    text.push('\n');
    for act in &run.acts {
        text.push_str(&format!(
            "- `{}` ({}): {}\n",
            act.id,
            act.guarantee,
            escaped(act.what)
        ));
    }
}

fn header(text: &mut String, label: &str, run: &AttackRun) {
    let ids: Vec<&str> = run.formats.iter().map(|format| format.id).collect();
    let rule = " --- |".repeat(ids.len() + 1);
    text.push_str(&format!("| {label} | {} |\n|{rule}\n", ids.join(" | ")));
}

fn row(text: &mut String, label: &str, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> = cells.collect();
    text.push_str(&format!("| {label} | {} |\n", cells.join(" | ")));
}
