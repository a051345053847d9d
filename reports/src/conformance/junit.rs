//! The run as JUnit XML: an implementation under a CPU profile is a test suite, a vector suite a test case.

use std::fmt::Write as _;
use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use sealab_record::{Conformance, ConformanceSuite, Implementation, SuiteOutcome, Tally, Verdict};

use super::bounded;
use super::headline::counts;
use super::row::{Row, implementation_tally, outcomes, rows, tally};
use crate::numbers::counted;

/// Cases listed in one failure or error; the JSON export has all.
const MAX_CASES: usize = 20;

/// How the test cases of a test suite came out.
#[derive(Clone, Copy, Default)]
struct Count {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

/// Writes `run` as JUnit XML. A vector suite of which some cases failed has a `failure`, one in which the process crashed
/// or hung an `error` (it may have both); `skipped` stands where no case of it was answered.
pub(super) fn junit(run: &Conformance, output: impl Write) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(output, b' ', 1);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all = run
        .implementations
        .iter()
        .map(|implementation| count(run, implementation));
    let all = all.fold(Count::default(), |sum, one| Count {
        tests: sum.tests + one.tests,
        failures: sum.failures + one.failures,
        errors: sum.errors + one.errors,
        skipped: sum.skipped + one.skipped,
    });
    xml.create_element("testsuites")
        .with_attribute(("name", "sealab conform"))
        .with_attribute(("tests", all.tests.to_string().as_str()))
        .with_attribute(("failures", all.failures.to_string().as_str()))
        .with_attribute(("errors", all.errors.to_string().as_str()))
        .with_attribute(("skipped", all.skipped.to_string().as_str()))
        .write_inner_content(|xml| {
            run.implementations
                .iter()
                .try_for_each(|implementation| test_suite(xml, run, implementation))
        })?;
    let mut output = xml.into_inner();
    output.write_all(b"\n")
}

fn count(run: &Conformance, implementation: &Implementation) -> Count {
    let mut count = Count::default();
    for (suite, outcome) in outcomes(run, implementation) {
        let tally = tally(suite, outcome);
        count.tests += 1;
        count.failures += usize::from(tally.failed > 0);
        count.errors += usize::from(broken(&tally) > 0);
        count.skipped += usize::from(unanswered(&tally));
    }
    count
}

fn broken(tally: &Tally) -> usize {
    tally.crashed + tally.hung
}

fn unanswered(tally: &Tally) -> bool {
    tally.passed + tally.wrong() == 0
}

fn test_suite<W: Write>(
    xml: &mut Writer<W>,
    run: &Conformance,
    implementation: &Implementation,
) -> io::Result<()> {
    let count = count(run, implementation);
    let name = format!(
        "{}@{}",
        bounded::name(&implementation.name),
        bounded::name(&implementation.cpu_profile)
    );
    let mut element = xml
        .create_element("testsuite")
        .with_attribute(("name", name.as_str()))
        .with_attribute(("tests", count.tests.to_string().as_str()))
        .with_attribute(("failures", count.failures.to_string().as_str()))
        .with_attribute(("errors", count.errors.to_string().as_str()))
        .with_attribute(("skipped", count.skipped.to_string().as_str()));
    if !run.started.is_empty() {
        element = element.with_attribute(("timestamp", bounded::name(&run.started).as_str()));
    }
    element.write_inner_content(|xml| {
        properties(xml, run, implementation)?;
        outcomes(run, implementation)
            .try_for_each(|(suite, outcome)| test_case(xml, &name, implementation, suite, outcome))
    })?;
    Ok(())
}

fn properties<W: Write>(
    xml: &mut Writer<W>,
    run: &Conformance,
    implementation: &Implementation,
) -> io::Result<()> {
    let facts = [
        ("library", bounded::sentence(&implementation.library)),
        ("version", bounded::sentence(&implementation.version)),
        ("mechanism", bounded::name(&implementation.mechanism)),
        ("code path", bounded::sentence(&implementation.code_path)),
        ("cases", counts(&implementation_tally(run, implementation))),
    ];
    xml.create_element("properties").write_inner_content(|xml| {
        for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
            xml.create_element("property")
                .with_attribute(("name", *name))
                .with_attribute(("value", value.as_str()))
                .write_empty()?;
        }
        Ok(())
    })?;
    Ok(())
}

fn test_case<W: Write>(
    xml: &mut Writer<W>,
    class: &str,
    implementation: &Implementation,
    suite: &ConformanceSuite,
    outcome: &SuiteOutcome,
) -> io::Result<()> {
    let tally = tally(suite, outcome);
    let element = xml
        .create_element("testcase")
        .with_attribute(("classname", class))
        .with_attribute(("name", bounded::name(&suite.name).as_str()));
    if tally.passed == tally.total() && !unanswered(&tally) {
        element.write_empty()?;
        return Ok(());
    }
    let kind = |wanted: &'static [Verdict]| {
        rows(implementation, suite, outcome).filter(move |row| wanted.contains(&row.verdict))
    };
    element.write_inner_content(|xml| {
        if unanswered(&tally) {
            let row = rows(implementation, suite, outcome).next();
            let message = match row {
                Some(row) => format!("{}: {}", row.verdict.id(), reason(&row)),
                None => "skipped: the suite has no cases".to_owned(),
            };
            xml.create_element("skipped")
                .with_attribute(("message", message.as_str()))
                .write_empty()?;
            return Ok(());
        }
        if tally.failed > 0 {
            wrong(xml, "failure", &tally, "failed", kind(&[Verdict::Fail]))?;
        }
        if broken(&tally) > 0 {
            wrong(
                xml,
                "error",
                &tally,
                "crashed or hung",
                kind(&[Verdict::Crash, Verdict::Hang]),
            )?;
        }
        let left = tally.unsupported + tally.skipped;
        if left > 0 {
            let text = listed(kind(&[Verdict::Unsupported, Verdict::Skipped]), left);
            xml.create_element("system-out")
                .write_text_content(BytesText::new(&text))?;
        }
        Ok(())
    })?;
    Ok(())
}

/// A `failure` or `error` element: how many cases, and the first of them.
fn wrong<'a, W: Write>(
    xml: &mut Writer<W>,
    element: &str,
    tally: &Tally,
    word: &str,
    rows: impl Iterator<Item = Row<'a>> + Clone,
) -> io::Result<()> {
    let count = rows.clone().count();
    let mut message = format!("{count} of {} {word}", counted(tally.total(), "case", "cases"));
    let mut kind = "fail";
    if let Some(row) = rows.clone().next() {
        let _ = write!(message, "; case {}: {}", row.case, reason(&row));
        kind = row.verdict.id();
    }
    xml.create_element(element)
        .with_attribute(("message", message.as_str()))
        .with_attribute(("type", kind))
        .write_text_content(BytesText::new(&listed(rows, count)))?;
    Ok(())
}

/// The first of `count` rows with what is known of them, and how many more there are.
fn listed<'a>(rows: impl Iterator<Item = Row<'a>>, count: usize) -> String {
    let mut text = String::from("\n");
    for row in rows.take(MAX_CASES) {
        let _ = writeln!(text, "case {}: {}: {}", row.case, row.verdict.id(), reason(&row));
        if let Some(difference) = row.remark.and_then(|remark| remark.difference.as_ref()) {
            let operation = bounded::name(&difference.operation);
            let value = bounded::name(&difference.value);
            let _ = writeln!(text, "  {operation}: {value} differs from byte {}", difference.at);
            let _ = writeln!(text, "  expected {}", bounded::value(&difference.expected));
            let _ = writeln!(text, "  actual   {}", bounded::value(&difference.actual));
        }
        if let Some(repeat) = row.repeat() {
            let _ = writeln!(text, "  repeat   {}", bounded::command(repeat));
        }
    }
    if count > MAX_CASES {
        let left = counted(count - MAX_CASES, "further case is", "further cases are");
        let _ = writeln!(text, "{left} in conformance.json");
    }
    text
}

fn reason(row: &Row<'_>) -> String {
    bounded::sentence(row.reason().unwrap_or_default())
}
