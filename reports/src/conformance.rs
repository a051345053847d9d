//! Exports of a conformance run: JSON, JUnit XML, Markdown, a page, and a summary for the terminal.
//!
//! Names, versions, reasons and answers come from harnesses, which may be anyone's: each format bounds their length,
//! replaces what is not printable and escapes the rest in its own way.

mod bounded;
mod disagreement;
mod family;
mod headline;
mod html;
mod json;
mod junit;
mod markdown;
mod matrix;
mod reason;
mod row;
mod terminal;

use std::path::{Path, PathBuf};

use sealab_record::{Conformance, RecordError, write_aside, write_aside_with};

pub use json::conformance_json;
pub use terminal::conformance_terminal;

/// The files that [`write_conformance`] wrote.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrittenConformance {
    /// Every verdict, `conformance.json`, as [`conformance_json`] writes it.
    pub json: PathBuf,
    /// A test suite for each implementation under each CPU profile, `junit.xml`.
    pub junit: PathBuf,
    /// The summary, `conformance.md`.
    pub markdown: PathBuf,
    /// The page, `conformance.html`.
    pub html: PathBuf,
}

/// Writes `conformance.json`, `junit.xml`, `conformance.md` and `conformance.html` into `directory`, which must exist.
/// Each file is written aside, synced and renamed, so a failure leaves no half-written one.
pub fn write_conformance(run: &Conformance, directory: &Path) -> Result<WrittenConformance, RecordError> {
    let written = WrittenConformance {
        json: directory.join("conformance.json"),
        junit: directory.join("junit.xml"),
        markdown: directory.join("conformance.md"),
        html: directory.join("conformance.html"),
    };
    write_aside_with(&written.json, |file| conformance_json(run, file))?;
    write_aside_with(&written.junit, |file| junit::junit(run, file))?;
    write_aside(&written.markdown, markdown::markdown(run).as_bytes())?;
    write_aside(&written.html, html::html(run).as_bytes())?;
    Ok(written)
}
