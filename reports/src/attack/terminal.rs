//! The run as plain text for its end: acts by formats, the guarantee matrix, what differs, and the headline last.

use sealab_attack_record::{AttackRun, Finding, Matrix};

use super::headline::{extent, headline};
use super::word::{Standing, expected, short, standing};
use crate::columns::{Table, wrapped};
use crate::printable::printable;

/// With so few findings, each is told with its detail.
const FEW: usize = 12;

/// `run` as plain text without colours, at most 100 columns wide but for words that are longer.
pub fn attack_terminal(run: &AttackRun) -> String {
    let mut text = String::new();
    let planes = run.planes();
    for (plane, part) in &planes {
        if planes.len() > 1 {
            text.push_str(&format!("{plane}\n\n"));
        }
        acts(&mut text, part);
        guarantees(&mut text, part);
    }
    let surprises: Vec<&Finding> = run.surprises().collect();
    let told = if run.findings.len() <= FEW {
        run.findings.iter().collect()
    } else {
        surprises
    };
    for finding in &told {
        let mark = if finding.is_expected() { "" } else { "! " };
        let heading = format!(
            "{mark}{}, {}: {}, {}",
            finding.format,
            finding.attack,
            finding.verdict,
            expected(finding)
        );
        wrapped(&mut text, "", "  ", &heading);
        wrapped(&mut text, "  ", "  ", &finding.detail);
    }
    if !told.is_empty() {
        text.push('\n');
    }
    wrapped(&mut text, "", "  ", &headline(run));
    wrapped(&mut text, "", "  ", &format!("{}.", extent(run)));
    printable(text)
}

/// Every act, a column a format. What differs from what was expected is marked.
fn acts(text: &mut String, run: &AttackRun) {
    if run.acts.is_empty() || run.formats.is_empty() {
        return;
    }
    let columns = run.formats.iter().map(|format| {
        let entries = run.acts.iter().map(|act| match run.finding(format, act) {
            Some(finding) if finding.is_expected() => short(finding.verdict).to_owned(),
            Some(finding) => format!("! {}", short(finding.verdict)),
            None => String::new(),
        });
        (format.id.to_owned(), entries.collect())
    });
    let table = Table {
        headings: vec!["act".to_owned()],
        labels: run.acts.iter().map(|act| vec![act.id.to_owned()]).collect(),
        columns: columns.collect(),
    };
    write(text, &table);
    wrapped(
        text,
        "",
        "  ",
        "before: detected before use; AFTER: after false bytes had been handed out; refused: the adversary got \
         nothing; - does not apply; ! not as expected.",
    );
    text.push('\n');
}

fn guarantees(text: &mut String, run: &AttackRun) {
    let matrix = Matrix::of(run);
    if matrix.guarantees.is_empty() {
        return;
    }
    let columns = run.formats.iter().enumerate().map(|(column, format)| {
        let entries = matrix.entries.iter().map(|entries| {
            let entry = &entries[column];
            match standing(entry) {
                Standing::Untested => "-".to_owned(),
                Standing::Holds => format!("holds {}", entry.applicable),
                Standing::Broken => {
                    let decided = entry.decided_by.len();
                    format!("{} {decided}/{}", short(entry.verdict), entry.applicable)
                }
            }
        });
        (format.id.to_owned(), entries.collect())
    });
    let table = Table {
        headings: vec!["guarantee".to_owned()],
        labels: matrix
            .guarantees
            .iter()
            .map(|guarantee| vec![guarantee.to_string()])
            .collect(),
        columns: columns.collect(),
    };
    write(text, &table);
    wrapped(
        text,
        "",
        "  ",
        "The worst verdict decides; behind it, in how many of the acts that apply. A guarantee holds against the acts \
         that were tried, no further.",
    );
    text.push('\n');
}

fn write(text: &mut String, table: &Table) {
    for block in table.blocks("") {
        text.push_str(&block);
        text.push('\n');
    }
}
