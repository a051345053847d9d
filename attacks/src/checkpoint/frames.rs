//! The frames of entries that anybody can see: a length in clear, that many bytes, and what a format puts behind.

use std::ops::Range;

use sealab_checkpoint::image::{Header, PAGE_BYTES};

use super::format::Layout;
use super::subject;
use crate::files::{Files, Piece, Span};

/// The frames of the image `name`, which has nothing but entries: length (32 bits little-endian), message, and
/// `trailer` bytes if the message is not empty.
pub(super) fn frames(name: &str, bytes: &[u8], trailer: usize) -> Vec<Range<usize>> {
    let Ok(header) = Header::recognise(name, &bytes[..bytes.len().min(8)]) else {
        return Vec::new();
    };
    let mut frames = Vec::new();
    let mut at = header.magic().len();
    while let Some(size) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let size = u32::from_le_bytes(*size) as usize;
        let end = at + 4 + size + if size > 0 { trailer } else { 0 };
        if end > bytes.len() {
            break;
        }
        frames.push(at..end);
        at = end;
    }
    frames
}

/// The layout of a set that keeps a plain set's files and puts `trailer` bytes behind each entry.
pub(super) fn layout(sealed: &Files, trailer: usize) -> Layout {
    let mut layout = Layout {
        entries: entries(sealed, trailer),
        pages: (0..subject::PIDS.len())
            .map(|process| pages(sealed, process))
            .collect(),
        ..Layout::default()
    };
    for (name, bytes) in sealed {
        let piece = Piece::file(name, bytes);
        if let Some(part) = subject::part_of(name) {
            layout.add(part, piece.clone());
        }
        layout.exchangeable.push(piece);
    }
    layout
}

/// The entries of the open files.
fn entries(sealed: &Files, trailer: usize) -> Vec<Piece> {
    let name = subject::OPEN_FILES;
    let bytes = sealed.get(name).map(Vec::as_slice).unwrap_or_default();
    let frames = frames(name, bytes, trailer).into_iter().enumerate();
    frames
        .map(|(index, range)| Piece::new(format!("entry {index} of {name}"), vec![Span::new(name, range)]))
        .collect()
}

/// The pages of a process.
fn pages(sealed: &Files, process: usize) -> Vec<(usize, Piece)> {
    let name = subject::pages_name(process);
    let length = sealed.get(&name).map_or(0, Vec::len);
    (0..length / PAGE_BYTES)
        .map(|page| {
            let range = page * PAGE_BYTES..(page + 1) * PAGE_BYTES;
            let label = format!("page {page} of process {}", subject::PIDS[process]);
            (page, Piece::new(label, vec![Span::new(&name, range)]))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_end_where_the_next_begins() {
        let header = Header::of_kind(sealab_checkpoint::image::Kind::Files);
        let start = header.magic().len();
        let mut bytes = header.magic().to_vec();
        bytes.extend([2, 0, 0, 0, 1, 2, 9, 9, 9]);
        bytes.extend([0, 0, 0, 0]);
        bytes.extend([1, 0, 0, 0, 1, 9, 9, 9]);
        let found = frames("files.img", &bytes, 3);
        assert_eq!(
            found,
            [start..start + 9, start + 9..start + 13, start + 13..start + 21]
        );
        // Cut short, the last is none.
        assert_eq!(frames("files.img", &bytes[..bytes.len() - 1], 3).len(), 2);
    }
}
