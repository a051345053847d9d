//! CSV, Markdown, the terminal table, and the files.

// A test that unwraps fails loudly.
#![allow(clippy::unwrap_used)]

mod fixture;

use std::collections::BTreeSet;

use sealab_report::{CSV_HEADER, csv, html, markdown, terminal, write_all};
use unicode_width::UnicodeWidthStr;

#[test]
fn csv_reads_back() {
    for run in [
        fixture::full(),
        fixture::hostile(),
        fixture::later(),
        fixture::empty(),
    ] {
        let text = csv(&run);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().unwrap(), &CSV_HEADER[..]);
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(records.len(), run.cells.len());
        for (record, cell) in records.iter().zip(&run.cells) {
            let field = |name: &str| &record[CSV_HEADER.iter().position(|column| *column == name).unwrap()];
            assert_eq!(field("scenario"), cell.scenario);
            assert_eq!(field("engine"), cell.engine);
            assert_eq!(field("cpu_profile"), cell.cpu_profile);
            assert_eq!(field("plane"), cell.plane);
            assert_eq!(field("format"), cell.format);
            assert_eq!(field("workload"), cell.workload);
            assert_eq!(field("reason"), cell.reason.as_deref().unwrap_or_default());
            assert_eq!(field("unit_bytes").parse(), Ok(cell.unit_bytes));
            assert_eq!(field("threads").parse(), Ok(cell.threads));
            assert_eq!(field("samples").parse(), Ok(cell.samples.len()));
            let figure = cell
                .throughput_bytes_per_s
                .or(cell.rate.as_ref().map(|rate| rate.figure));
            assert_eq!(field("median").parse().ok(), figure.map(|figure| figure.median));
            assert_eq!(field("high").parse().ok(), figure.map(|figure| figure.high));
            assert_eq!(
                field("stored_bytes").parse().ok(),
                cell.space.map(|space| space.stored_bytes)
            );
        }
    }
    let text = csv(&fixture::full());
    assert_eq!(text.matches("\r\n").count(), fixture::full().cells.len() + 1);
}

#[test]
fn the_terminal_table_is_aligned_and_narrow() {
    for run in [
        fixture::full(),
        fixture::hostile(),
        fixture::later(),
        fixture::large(),
    ] {
        for line in terminal(&run).lines() {
            assert!(line.width() <= 100, "{} columns: {line}", line.width());
        }
    }
    let text = terminal(&fixture::full());
    let ends: BTreeSet<usize> = text.lines().skip(2).take(10).map(|line| line.width()).collect();
    assert_eq!(ends.len(), 1, "the last column ends at one place:\n{text}");
    let order: Vec<usize> = fixture::full()
        .scenarios
        .iter()
        .map(|scenario| text.find(&format!("\n{}: ", scenario.name)).unwrap_or(0))
        .collect();
    assert!(
        order.is_sorted(),
        "scenarios in the order they were given: {order:?}"
    );
}

#[test]
fn markdown_tables_have_even_rows() {
    for run in [fixture::full(), fixture::hostile(), fixture::later()] {
        let text = markdown(&run);
        let mut columns = None;
        for line in text.lines() {
            if !line.starts_with('|') {
                columns = None;
                continue;
            }
            let bars = line.replace("\\\\", "").replace("\\|", "").matches('|').count();
            assert_eq!(*columns.get_or_insert(bars), bars, "{line}");
        }
        assert!(text.len() < 1 << 20, "a CI summary may hold 1 MiB");
    }
}

#[test]
fn files_are_written_and_a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let run = fixture::full();
    let written = write_all(&run, folder.path()).unwrap();
    assert_eq!(std::fs::read_to_string(written.html).unwrap(), html(&run));
    assert_eq!(std::fs::read_to_string(written.markdown).unwrap(), markdown(&run));
    assert_eq!(std::fs::read_to_string(written.csv).unwrap(), csv(&run));
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        3,
        "nothing half-written stays"
    );
    let missing = folder.path().join("missing");
    let error = write_all(&run, &missing).unwrap_err().to_string();
    assert!(error.contains("missing/report.html"), "{error}");
}
