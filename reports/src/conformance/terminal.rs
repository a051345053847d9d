//! The run as plain text for its end: the matrix by families of algorithms, what disagrees, and the counts last.

use sealab_record::{Conformance, Implementation, Tally, Verdict};
use unicode_width::UnicodeWidthStr;

use super::bounded;
use super::disagreement::{Disagreement, Wrong, wrongs};
use super::family::Family;
use super::headline::{counts, extent, headline};
use super::matrix::{Matrix, by_family, by_name};
use super::reason::unavailable;
use super::row::run_tally;
use crate::columns::{LABEL, Table, cut, wrapped};
use crate::numbers::{counted, whole};
use crate::printable::printable;

/// Disagreements listed of one implementation and algorithm, and in all; the exports have more.
const MAX_DISAGREEMENTS: [usize; 2] = [3, 30];
/// Reasons listed.
const MAX_REASONS: usize = 12;

/// `run` as plain text without colours, at most 100 columns wide but for commands, which stand on lines of their own.
/// Nothing in it can steer a terminal, whatever the harnesses answered.
pub fn conformance_terminal(run: &Conformance) -> String {
    let mut text = String::new();
    matrix(&mut text, run);
    left(&mut text, run);
    let wrongs = wrongs(run);
    disagreements(&mut text, &wrongs);
    wrapped(&mut text, "", "  ", &headline(run, &wrongs));
    wrapped(&mut text, "", "  ", &format!("{}.", extent(run)));
    wrapped(&mut text, "", "  ", &format!("{}.", counts(&run_tally(run))));
    printable(text)
}

/// A row of the table: CPU profiles of one implementation under which all came out alike.
struct Line<'a> {
    name: &'a str,
    profiles: Vec<&'a Implementation>,
    entries: Vec<String>,
}

fn lines<'a>(run: &'a Conformance, matrix: &Matrix<Family>) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    for named in by_name(run) {
        let mut alike: Vec<Line<'_>> = Vec::new();
        for (index, implementation) in named.profiles {
            if implementation.unavailable.is_some() {
                continue;
            }
            let entries: Vec<String> = matrix.lines[index].iter().map(entry).collect();
            match alike.iter_mut().find(|line| line.entries == entries) {
                Some(line) => line.profiles.push(implementation),
                None => alike.push(Line {
                    name: named.name,
                    profiles: vec![implementation],
                    entries,
                }),
            }
        }
        lines.extend(alike);
    }
    lines
}

/// `412`; `374/412` where the rest is unsupported or skipped; `2 FAIL` where any case is wrong; `-` and `skipped`.
fn entry(tally: &Tally) -> String {
    let wrong: Vec<(usize, &str)> = [
        (tally.failed, "FAIL"),
        (tally.crashed, "CRASH"),
        (tally.hung, "HANG"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .collect();
    match wrong.as_slice() {
        [(count, word)] => return format!("{} {word}", whole(*count as u64)),
        [] => {}
        _ => return format!("{} WRONG", whole(tally.wrong() as u64)),
    }
    match (tally.passed, tally.unsupported, tally.skipped) {
        (0, 0, 0) => String::new(),
        (0, 0, _) => "skipped".to_owned(),
        (0, _, _) => "-".to_owned(),
        (passed, 0, 0) => whole(passed as u64),
        (passed, _, _) => format!("{}/{}", whole(passed as u64), whole(tally.total() as u64)),
    }
}

fn matrix(text: &mut String, run: &Conformance) {
    let matrix = by_family(run);
    let lines = lines(run, &matrix);
    if lines.is_empty() || matrix.columns.is_empty() {
        return;
    }
    let labels = lines
        .iter()
        .map(|line| vec![cut(line.name, LABEL), profiles(&line.profiles)]);
    let columns = matrix.columns.iter().enumerate().map(|(column, family)| {
        let entries = lines.iter().map(|line| line.entries[column].clone());
        (family.title().to_owned(), entries.collect())
    });
    let table = Table {
        headings: ["implementation", "CPU profiles"].map(str::to_owned).to_vec(),
        labels: labels.collect(),
        columns: columns.collect(),
    };
    for block in table.blocks("") {
        text.push_str(&block);
        text.push('\n');
    }
    wrapped(
        text,
        "",
        "  ",
        "Cases that passed; \"-\" is unsupported, and of 3/4 the rest is unsupported or skipped.",
    );
    text.push('\n');
}

/// The profiles' names if they fit, else how many they are.
fn profiles(profiles: &[&Implementation]) -> String {
    let names: Vec<String> = profiles
        .iter()
        .map(|implementation| bounded::name(&implementation.cpu_profile))
        .collect();
    let joined = names.join(", ");
    if names.len() == 1 || joined.width() <= LABEL {
        cut(&joined, LABEL)
    } else {
        counted(names.len(), "profile", "profiles")
    }
}

fn left(text: &mut String, run: &Conformance) {
    let unavailable = unavailable(run);
    if unavailable.is_empty() {
        return;
    }
    text.push_str("Not to be had\n");
    for entry in unavailable.iter().take(MAX_REASONS) {
        let line = format!("{}: {}", entry.names(), bounded::sentence(entry.reason));
        wrapped(text, "  ", "    ", &line);
    }
    if unavailable.len() > MAX_REASONS {
        let left = unavailable.len() - MAX_REASONS;
        let left = counted(left, "further reason", "further reasons");
        text.push_str(&format!("  {left} in the exports\n"));
    }
    text.push('\n');
}

fn disagreements(text: &mut String, wrongs: &[Wrong<'_>]) {
    let [each, all] = MAX_DISAGREEMENTS;
    let mut listed = 0;
    for wrong in wrongs {
        let heading = format!(
            "{}, {}: {} under {}",
            bounded::name(wrong.name),
            bounded::name(wrong.algorithm),
            wrong.short(),
            wrong
                .cpu_profiles
                .iter()
                .map(|profile| bounded::name(profile))
                .collect::<Vec<_>>()
                .join(", ")
        );
        wrapped(text, "", "  ", &heading);
        let room = each.min(all - listed);
        for disagreement in wrong.disagreements.iter().take(room) {
            self::disagreement(text, disagreement);
            listed += 1;
        }
        let left = wrong.disagreements.len().saturating_sub(room);
        if left > 0 {
            let left = counted(left, "further one", "further ones");
            text.push_str(&format!("  {left} in the exports\n"));
        }
        text.push('\n');
    }
}

fn disagreement(text: &mut String, disagreement: &Disagreement<'_>) {
    let operation = match disagreement.difference {
        Some(difference) => format!("{}: ", bounded::name(&difference.operation)),
        None => String::new(),
    };
    let verdict = match disagreement.verdict {
        Verdict::Fail => "",
        other => &format!("{}: ", other.id()),
    };
    let line = format!(
        "{} {}: {verdict}{operation}{}",
        bounded::name(&disagreement.suite.name),
        disagreement.cases(),
        bounded::sentence(disagreement.reason)
    );
    wrapped(text, "  ", "    ", &line);
    if let Some(difference) = disagreement.difference {
        let value = format!(
            "{} differs from byte {}",
            bounded::name(&difference.value),
            difference.at
        );
        wrapped(text, "    ", "      ", &value);
        wrapped(
            text,
            "    expected ",
            "      ",
            &bounded::value(&difference.expected),
        );
        wrapped(
            text,
            "    actual   ",
            "      ",
            &bounded::value(&difference.actual),
        );
    }
    if let Some(repeat) = disagreement.repeat() {
        // In one piece, so that it can be copied.
        text.push_str(&format!("    repeat   {}\n", bounded::command(repeat)));
    }
}
