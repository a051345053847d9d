//! A run record is read as what it says it is, or refused in one line.

use std::path::Path;

use sealab_record::{SCHEMA, parse};

use crate::refusal;

const FILE: &str = "run.json";

/// Whether `data` is accepted; panics where a record does not survive being written and read again.
pub(crate) fn check(data: &[u8]) -> bool {
    // A file that is not UTF-8 is refused when it is read.
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let path = Path::new(FILE);
    let run = match parse(text, path) {
        Ok(run) => run,
        Err(error) => {
            let message = error.to_string();
            refusal::is_one_line(&message);
            assert!(
                message.starts_with(&format!("{FILE}: ")),
                "no file in {message:?}"
            );
            assert!(
                message.contains(" at line ") || message.contains("has schema "),
                "no place in {message:?}"
            );
            return false;
        }
    };
    assert_eq!(run.schema, SCHEMA);
    let written = serde_json::to_string(&run).unwrap_or_else(|error| panic!("not writable: {error}"));
    let again = parse(&written, path).unwrap_or_else(|error| panic!("not readable again: {error}"));
    assert_eq!(again.cells.len(), run.cells.len());
    assert_eq!(again.engines.len(), run.engines.len());
    true
}
