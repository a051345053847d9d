//! A folder of files in memory, so that acts are plain changes of bytes.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;

use crate::AttackError;

/// Files by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Some bytes of one file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Span {
    pub(crate) file: String,
    pub(crate) range: Range<usize>,
}

impl Span {
    pub(crate) fn new(file: &str, range: Range<usize>) -> Self {
        Self {
            file: file.to_owned(),
            range,
        }
    }

    /// All of the file `name`.
    pub(crate) fn whole(name: &str, bytes: &[u8]) -> Self {
        Self::new(name, 0..bytes.len())
    }

    pub(crate) fn bytes<'a>(&self, files: &'a Files) -> &'a [u8] {
        files
            .get(&self.file)
            .and_then(|bytes| bytes.get(self.range.clone()))
            .unwrap_or_default()
    }
}

/// What an adversary can move as a whole: the bytes of one unit, with all that stands elsewhere for it alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Piece {
    /// For the detail: `page 3 of process 2`.
    pub(crate) name: String,
    pub(crate) spans: Vec<Span>,
}

impl Piece {
    pub(crate) fn new(name: impl Into<String>, spans: Vec<Span>) -> Self {
        Self {
            name: name.into(),
            spans,
        }
    }

    /// All of the file `name`.
    pub(crate) fn file(name: &str, bytes: &[u8]) -> Self {
        Self::new(name, vec![Span::whole(name, bytes)])
    }

    /// The bytes of each span.
    pub(crate) fn contents(&self, files: &Files) -> Vec<Vec<u8>> {
        self.spans.iter().map(|span| span.bytes(files).to_vec()).collect()
    }
}

/// `files` with the bytes of each span replaced; the spans must not overlap, the bytes may be longer or shorter.
pub(crate) fn with(files: &Files, mut changes: Vec<(Span, Vec<u8>)>) -> Files {
    let mut changed = files.clone();
    // From the back, so that the places before stay right.
    changes.sort_by(|(a, _), (b, _)| (&b.file, b.range.start).cmp(&(&a.file, a.range.start)));
    for (span, bytes) in changes {
        if let Some(file) = changed.get_mut(&span.file)
            && span.range.end <= file.len()
        {
            file.splice(span.range, bytes);
        }
    }
    changed
}

/// `files` with the content of each piece of `to` replaced by that of the piece of `from_files` beside it.
pub(crate) fn moved(files: &Files, moves: &[(&Piece, &Piece)], from_files: &Files) -> Files {
    let mut changes = Vec::new();
    for (to, from) in moves {
        let contents = from.contents(from_files);
        changes.extend(to.spans.iter().cloned().zip(contents));
    }
    with(files, changes)
}

/// Writes the files into the new folder `folder`.
pub(crate) fn write(folder: &Path, files: &Files) -> Result<(), AttackError> {
    fs::create_dir(folder).map_err(failed(folder))?;
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(failed(&path))?;
    }
    Ok(())
}

/// The regular files in `folder`; nothing if there is no such folder.
pub(crate) fn read(folder: &Path) -> Result<Files, AttackError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Files::new()),
        entries => entries.map_err(failed(folder))?,
    };
    let mut files = Files::new();
    for entry in entries {
        let entry = entry.map_err(failed(folder))?;
        let path = entry.path();
        if entry.file_type().map_err(failed(&path))?.is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            files.insert(name, fs::read(&path).map_err(failed(&path))?);
        }
    }
    Ok(files)
}

pub(crate) fn failed(path: &Path) -> impl FnOnce(io::Error) -> AttackError + '_ {
    move |detail| AttackError::File {
        file: path.display().to_string(),
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_different_lengths_change_places() {
        let files: Files = [("a".to_owned(), b"0123456789".to_vec())].into();
        let piece = |range| Piece::new("", vec![Span::new("a", range)]);
        let (long, short) = (piece(1..4), piece(8..9));
        let swapped = moved(&files, &[(&long, &short), (&short, &long)], &files);
        assert_eq!(swapped["a"], b"0845671239");
        let removed = with(&files, vec![(long.spans[0].clone(), Vec::new())]);
        assert_eq!(removed["a"], b"0456789");
    }

    #[test]
    fn a_folder_comes_back_as_it_was_written() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("set");
        let files: Files = [("a".to_owned(), vec![1]), ("b".to_owned(), Vec::new())].into();
        write(&folder, &files).unwrap();
        assert_eq!(read(&folder).unwrap(), files);
        assert_eq!(read(&place.path().join("none")).unwrap(), Files::new());
    }
}
