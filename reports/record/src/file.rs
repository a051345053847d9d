//! Records as files: written aside, synced and renamed, so that a half-written one is never seen.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::{Run, SCHEMA};

/// No record of a sane run is larger; a larger file is refused before it is read.
const MAX_RECORD_BYTES: u64 = 256 << 20;

/// Why a record or report file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file could not be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file could not be written; what stood there before still does.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is no run record.
    #[error("{}: is not a run record: {}", path.display(), brief(&source.to_string()))]
    Json {
        /// The file.
        path: PathBuf,
        /// What the parser found, with line and column.
        source: serde_json::Error,
    },
    /// The file is a run record of another version.
    #[error("{}: has schema {}; this sealab reads {SCHEMA:?}", path.display(), brief(&format!("{found:?}")))]
    Schema {
        /// The file.
        path: PathBuf,
        /// The schema it names.
        found: String,
    },
}

/// `text` on one printable line, its middle left out where it quotes a long value: for messages that quote input.
pub fn brief(text: &str) -> String {
    const BEGIN: usize = 400;
    const END: usize = 1600;
    let printable = |c: char| {
        if c.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    };
    let length = text.chars().count();
    if length <= BEGIN + END {
        return text.chars().map(printable).collect();
    }
    let begin = text.chars().take(BEGIN);
    let end = text.chars().skip(length - END);
    begin.chain(" … ".chars()).chain(end).map(printable).collect()
}

/// Reads a run record.
pub fn read(path: &Path) -> Result<Run, RecordError> {
    let failed = |source| RecordError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let mut text = String::new();
    let length = file
        .take(MAX_RECORD_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if length as u64 > MAX_RECORD_BYTES {
        return Err(failed(io::Error::other(format!(
            "it is larger than {} MiB",
            MAX_RECORD_BYTES >> 20
        ))));
    }
    parse(&text, path)
}

/// Parses the text of a run record; `path` names it in errors.
pub fn parse(text: &str, path: &Path) -> Result<Run, RecordError> {
    #[derive(serde::Deserialize)]
    struct Version {
        schema: String,
    }
    let json = |source| RecordError::Json {
        path: path.to_owned(),
        source,
    };
    let version: Version = serde_json::from_str(text).map_err(json)?;
    if version.schema != SCHEMA {
        return Err(RecordError::Schema {
            path: path.to_owned(),
            found: version.schema,
        });
    }
    serde_json::from_str(text).map_err(json)
}

/// Writes a run record to `path`.
pub fn write(path: &Path, run: &Run) -> Result<(), RecordError> {
    write_aside_with(path, |file| {
        serde_json::to_writer_pretty(&mut *file, run)?;
        file.write_all(b"\n")
    })
}

/// Writes `bytes` to `path` as [`write_aside_with`] does.
pub fn write_aside(path: &Path, bytes: &[u8]) -> Result<(), RecordError> {
    write_aside_with(path, |file| file.write_all(bytes))
}

/// Has `fill` write a new file beside `path`, syncs it and renames it to `path`; on failure nothing is left behind and
/// what stood at `path` still does.
pub fn write_aside_with(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), RecordError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let aside = path.with_file_name(name);
    let written = || {
        let mut file = BufWriter::new(File::create(&aside)?);
        fill(&mut file)?;
        file.into_inner()?.sync_all()?;
        fs::rename(&aside, path)?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    };
    written().map_err(|source| {
        // The failure itself is what is reported; a leftover that cannot be removed adds nothing to it.
        let _ = fs::remove_file(&aside);
        RecordError::Write {
            path: path.to_owned(),
            source,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_pieces_takes_the_place_of_what_stood_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        write_aside(&path, b"before").unwrap();
        write_aside_with(&path, |file| {
            (0..10_000).try_for_each(|number| writeln!(file, "{number}"))
        })
        .unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 10_000);
        assert!(text.ends_with("\n9999\n"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failure_while_filling_leaves_what_stood_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        write_aside(&path, b"before").unwrap();
        let error = write_aside_with(&path, |file| {
            file.write_all(&[0; 100_000])?;
            Err(io::Error::other("the source ran dry"))
        })
        .unwrap_err()
        .to_string();
        assert!(
            error.ends_with("record: cannot be written: the source ran dry"),
            "{error}"
        );
        assert_eq!(fs::read(&path).unwrap(), b"before");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
