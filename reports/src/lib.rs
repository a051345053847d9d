//! Reports of Sealab, made from run records: HTML, Markdown, CSV and a table for the terminal.
//!
//! Everything is derived from the record alone. What varies within a scenario decides how it is shown, never its name, so
//! a scenario that nobody has thought of yet gets a plot or a table too. Strings of a record are untrusted: every format
//! escapes them in its own way.

mod attack;
mod cells_csv;
mod columns;
mod commonmark;
mod conformance;
mod counted;
mod databases;
mod dimension;
mod findings;
mod html;
mod job;
mod limit;
mod machine;
mod markdown;
mod numbers;
mod page;
mod pivot;
mod plot;
mod printable;
mod ratio;
mod reference;
mod shell;
mod space;
mod stacks;
mod terminal;
mod traffic;
mod usage;
mod view;

use std::path::{Path, PathBuf};

use sealab_record::{RecordError, Run, write_aside};

pub use attack::{WrittenAttack, attack_json, attack_terminal, write_attack};
pub use cells_csv::{CSV_HEADER, csv};
pub use conformance::{WrittenConformance, conformance_json, conformance_terminal, write_conformance};
pub use html::html;
pub use markdown::markdown;
pub use terminal::terminal;

/// The files that [`write_all`] wrote.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Written {
    /// The page, `report.html`.
    pub html: PathBuf,
    /// The summary, `report.md`.
    pub markdown: PathBuf,
    /// One line a cell, `cells.csv`.
    pub csv: PathBuf,
}

/// Writes `report.html`, `report.md` and `cells.csv` into `directory`, which must exist. Each file is written aside and
/// renamed, so a failure leaves no half-written one.
pub fn write_all(run: &Run, directory: &Path) -> Result<Written, RecordError> {
    let written = Written {
        html: directory.join("report.html"),
        markdown: directory.join("report.md"),
        csv: directory.join("cells.csv"),
    };
    write_aside(&written.html, html(run).as_bytes())?;
    write_aside(&written.markdown, markdown(run).as_bytes())?;
    write_aside(&written.csv, csv(run).as_bytes())?;
    Ok(written)
}
