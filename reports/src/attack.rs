//! Exports of a run of the attack bench: JSON, Markdown, a page with the guarantee matrix, and a summary for the terminal.
//!
//! Acts, formats and reasons are the lab's own words. Details quote what readers said of files that an adversary changed,
//! so each format bounds and escapes them.

mod headline;
mod html;
mod json;
mod markdown;
mod terminal;
#[cfg(test)]
mod tests;
mod word;

use std::path::{Path, PathBuf};

use sealab_attack_record::AttackRun;
use sealab_record::{RecordError, write_aside};

pub use json::attack_json;
pub use terminal::attack_terminal;

/// The files that [`write_attack`] wrote.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrittenAttack {
    /// Every finding, `attack.json`, as [`attack_json`] writes it.
    pub json: PathBuf,
    /// The summary, `attack.md`.
    pub markdown: PathBuf,
    /// The page, `attack.html`.
    pub html: PathBuf,
}

/// Writes `attack.json`, `attack.md` and `attack.html` into `directory`, which must exist. Each file is written aside and
/// renamed, so a failure leaves no half-written one.
pub fn write_attack(run: &AttackRun, directory: &Path) -> Result<WrittenAttack, RecordError> {
    let written = WrittenAttack {
        json: directory.join("attack.json"),
        markdown: directory.join("attack.md"),
        html: directory.join("attack.html"),
    };
    write_aside(&written.json, attack_json(run).as_bytes())?;
    write_aside(&written.markdown, markdown::markdown(run).as_bytes())?;
    write_aside(&written.html, html::html(run).as_bytes())?;
    Ok(written)
}
