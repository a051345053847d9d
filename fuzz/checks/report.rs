//! Every record that can be read has reports, and nothing in it gets out of its place in them.

use std::path::Path;

use sealab_record::parse;
use sealab_report::{csv, html, markdown, terminal};
use unicode_width::UnicodeWidthStr;

/// Whether `data` is a record; panics where one of its reports is not what it must be.
pub(crate) fn check(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let Ok(run) = parse(text, Path::new("run.json")) else {
        return false;
    };
    let (page, summary, table, lines) = (html(&run), markdown(&run), csv(&run), terminal(&run));
    for report in [&page, &summary, &table, &lines] {
        // A report of a hostile record must not be far larger than the record is.
        let most = (1 << 20) + 256 * data.len();
        assert!(report.len() < most, "{} bytes of report", report.len());
    }
    for report in [&page, &summary, &lines] {
        let unprintable = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert_eq!(report.chars().find(|c| unprintable(*c)), None);
    }
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    for report in [&page, &summary] {
        for foreign in ["<script", "<img", "<iframe", "<object", "<link", "<a href=\"j"] {
            assert!(!report.contains(foreign), "{foreign}");
        }
    }
    let mut rows = ::csv::Reader::from_reader(table.as_bytes());
    let read = rows.records().filter(Result::is_ok).count();
    assert_eq!(read, run.cells.len(), "rows of cells.csv");
    for line in lines.lines() {
        assert!(line.width() <= 100, "{} columns: {line:?}", line.width());
    }
    true
}
