//! The run as JSON, every verdict in it, written as it goes: a large run has hundreds of thousands of rows.

use std::io::{self, BufWriter, Write};

use sealab_record::{CONFORMANCE_SCHEMA, Conformance, ConformanceSuite, Difference, Implementation, Tally};
use serde::Serialize;

use super::bounded;
use super::disagreement::is_wrong;
use super::row::{Row, implementation_tally, outcomes, rows, run_tally};

/// Writes `run` as one JSON object (schema `sealab-conformance/1`) in memory that does not grow with it. The members of
/// `results`, one a line, are the verdicts of every case × implementation × CPU profile; `summary` counts them. `reason`
/// is null where a case passed. The rows of cases that failed, crashed or hung also have `operation`, `value`, `at`,
/// `expected` and `actual` (null where nothing was answered) and `repeat`, the command that repeats the case alone (null
/// for a case that shares the reason of the one before).
///
/// # Errors
///
/// What `output` answers.
pub fn conformance_json(run: &Conformance, output: impl Write) -> io::Result<()> {
    let mut output = BufWriter::new(output);
    output.write_all(b"{\n")?;
    member(&mut output, "schema", &CONFORMANCE_SCHEMA)?;
    member(&mut output, "sealab_version", &bounded::name(&run.sealab_version))?;
    member(&mut output, "started", &bounded::name(&run.started))?;
    member(&mut output, "finished", &bounded::name(&run.finished))?;
    let command: Vec<String> = run.command.iter().map(|word| bounded::command(word)).collect();
    member(&mut output, "command", &command)?;
    member(&mut output, "machine", &run.machine)?;
    member(&mut output, "summary", &Summary::from(run_tally(run)))?;
    let mut list = List::begin(&mut output, "implementations")?;
    for implementation in &run.implementations {
        list.entry(&ImplementationEntry::new(run, implementation))?;
    }
    list.end(b",\n")?;
    let mut list = List::begin(&mut output, "suites")?;
    for suite in &run.suites {
        list.entry(&SuiteEntry::new(suite))?;
    }
    list.end(b",\n")?;
    let mut list = List::begin(&mut output, "results")?;
    let suite_names: Vec<String> = run
        .suites
        .iter()
        .map(|suite| bounded::name(&suite.name))
        .collect();
    for implementation in &run.implementations {
        let name = bounded::name(&implementation.name);
        let version = bounded::sentence(&implementation.version);
        let cpu_profile = bounded::name(&implementation.cpu_profile);
        for ((suite, outcome), suite_name) in outcomes(run, implementation).zip(&suite_names) {
            for row in rows(implementation, suite, outcome) {
                list.entry(&RowEntry {
                    suite: suite_name,
                    case: row.case,
                    implementation: &name,
                    version: &version,
                    cpu_profile: &cpu_profile,
                    verdict: row.verdict.id(),
                    reason: row.reason().map(bounded::sentence),
                    wrong: is_wrong(row.verdict).then(|| WrongEntry::new(&row)),
                })?;
            }
        }
    }
    list.end(b"\n}\n")?;
    output.flush()
}

fn member<T: Serialize>(output: &mut impl Write, name: &str, value: &T) -> io::Result<()> {
    write!(output, "\"{name}\": ")?;
    serde_json::to_writer(&mut *output, value)?;
    output.write_all(b",\n")
}

/// A list with one entry a line.
struct List<'w, W> {
    output: &'w mut W,
    empty: bool,
}

impl<'w, W: Write> List<'w, W> {
    fn begin(output: &'w mut W, name: &str) -> io::Result<Self> {
        write!(output, "\"{name}\": [")?;
        Ok(Self { output, empty: true })
    }

    fn entry(&mut self, entry: &impl Serialize) -> io::Result<()> {
        self.output.write_all(if self.empty { b"\n" } else { b",\n" })?;
        self.empty = false;
        Ok(serde_json::to_writer(&mut *self.output, entry)?)
    }

    fn end(self, after: &[u8]) -> io::Result<()> {
        self.output.write_all(b"\n]")?;
        self.output.write_all(after)
    }
}

#[derive(Serialize)]
struct Summary {
    passed: usize,
    failed: usize,
    skipped: usize,
    unsupported: usize,
    crashed: usize,
    hung: usize,
}

impl From<Tally> for Summary {
    fn from(tally: Tally) -> Self {
        Self {
            passed: tally.passed,
            failed: tally.failed,
            skipped: tally.skipped,
            unsupported: tally.unsupported,
            crashed: tally.crashed,
            hung: tally.hung,
        }
    }
}

#[derive(Serialize)]
struct ImplementationEntry {
    implementation: String,
    library: String,
    version: String,
    cpu_profile: String,
    mechanism: String,
    code_path: String,
    available: bool,
    /// Whether this machine could have what keeps it from being available.
    missing: bool,
    reason: Option<String>,
    summary: Summary,
}

impl ImplementationEntry {
    fn new(run: &Conformance, implementation: &Implementation) -> Self {
        Self {
            implementation: bounded::name(&implementation.name),
            library: bounded::sentence(&implementation.library),
            version: bounded::sentence(&implementation.version),
            cpu_profile: bounded::name(&implementation.cpu_profile),
            mechanism: bounded::name(&implementation.mechanism),
            code_path: bounded::sentence(&implementation.code_path),
            available: implementation.unavailable.is_none(),
            missing: implementation.missing,
            reason: implementation.unavailable.as_deref().map(bounded::sentence),
            summary: implementation_tally(run, implementation).into(),
        }
    }
}

#[derive(Serialize)]
struct SuiteEntry {
    suite: String,
    algorithm: String,
    cases: usize,
    source: String,
    licence: String,
    left_out: Vec<LeftOut>,
}

#[derive(Serialize)]
struct LeftOut {
    count: u64,
    reason: String,
}

impl SuiteEntry {
    fn new(suite: &ConformanceSuite) -> Self {
        Self {
            suite: bounded::name(&suite.name),
            algorithm: bounded::name(&suite.algorithm),
            cases: suite.cases.len(),
            source: bounded::sentence(&suite.source),
            licence: bounded::sentence(&suite.licence),
            left_out: suite
                .left_out
                .iter()
                .map(|(count, reason)| LeftOut {
                    count: *count,
                    reason: bounded::sentence(reason),
                })
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct RowEntry<'a> {
    suite: &'a str,
    case: u32,
    implementation: &'a str,
    version: &'a str,
    cpu_profile: &'a str,
    verdict: &'static str,
    reason: Option<String>,
    #[serde(flatten)]
    wrong: Option<WrongEntry>,
}

/// What only the rows of cases that failed, crashed or hung have.
#[derive(Serialize)]
struct WrongEntry {
    operation: Option<String>,
    value: Option<String>,
    at: Option<usize>,
    expected: Option<String>,
    actual: Option<String>,
    repeat: Option<String>,
}

impl WrongEntry {
    fn new(row: &Row<'_>) -> Self {
        let difference = row.remark.and_then(|remark| remark.difference.as_ref());
        let text = |text: fn(&Difference) -> &str, bound: fn(&str) -> String| {
            difference.map(|difference| bound(text(difference)))
        };
        Self {
            operation: text(|difference| &difference.operation, bounded::name),
            value: text(|difference| &difference.value, bounded::name),
            at: difference.map(|difference| difference.at),
            expected: text(|difference| &difference.expected, bounded::value),
            actual: text(|difference| &difference.actual, bounded::value),
            repeat: row.repeat().map(bounded::command),
        }
    }
}
