//! Where everything stands on a store, as an adversary finds it out: by magic numbers, and by watching which bytes are read
//! and change when a block is read and written.

use std::ops::Range;

use sealab_volume::integrity::{self, Layout};
use sealab_volume::{luks, sealed_log};

use super::subject::BLOCK_BYTES;
use crate::crash::Event;

/// Bytes of an image.
pub(super) type Span = Range<usize>;

/// Changes that lie closer than this are one.
const GAP: usize = 16;
/// What a disk writes whole.
const SECTOR_BYTES: usize = 512;

/// Where a block stands.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Place {
    pub(super) block: u64,
    /// Its content.
    pub(super) data: Vec<Span>,
    /// What stands for it elsewhere: its tag.
    pub(super) codes: Vec<Span>,
    /// All that is read to read it, besides.
    pub(super) beside: Vec<Span>,
}

/// The headers of an image.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Headers {
    pub(super) luks: Option<Luks>,
    /// Where dm-integrity's superblock stands.
    pub(super) integrity: Option<usize>,
    /// Where its journal stands.
    pub(super) journal: Option<Span>,
    /// Where dm-verity's superblock stands.
    pub(super) verity: Option<usize>,
    /// How a sealed log is laid out.
    pub(super) log: Option<sealed_log::Layout>,
}

/// A LUKS header.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Luks {
    One,
    /// With the length of a copy, and where the data begin.
    Two {
        copy: usize,
        data: u64,
    },
}

impl Headers {
    /// Those that stand in `image`.
    pub(super) fn of(image: &[u8]) -> Self {
        let find = |magic: &[u8]| {
            let mut sectors = image.chunks(SECTOR_BYTES);
            sectors
                .position(|sector| sector.starts_with(magic))
                .map(|sector| sector * SECTOR_BYTES)
        };
        let luks = match image.get(..8) {
            Some(b"LUKS\xba\xbe\0\x01") => Some(Luks::One),
            Some(b"LUKS\xba\xbe\0\x02") => {
                let size = image[8..16]
                    .iter()
                    .fold(0, |size, byte| size << 8 | usize::from(*byte));
                let summary = luks::parse_luks2(image).ok();
                summary.map(|summary| Luks::Two {
                    copy: size,
                    data: summary.data_offset,
                })
            }
            _ => None,
        };
        let integrity = find(b"integrt\0");
        let journal = integrity.and_then(|start| {
            let superblock = integrity::parse_superblock(&image[start..]).ok()?;
            let layout = Layout::new(&superblock);
            let end = start + layout.initial_sectors() as usize * SECTOR_BYTES;
            Some(start + 8 * SECTOR_BYTES..end.min(image.len()))
        });
        let log = sealed_log::parse_layout("", image).ok();
        let in_image = |part: Range<u64>| part.start as usize..(part.end as usize).min(image.len());
        let journal = journal.or_else(|| log.as_ref().map(|log| in_image(log.journal.clone())));
        Self {
            luks,
            integrity,
            journal,
            verity: find(b"verity\0\0"),
            log,
        }
    }
}

impl Place {
    /// Of `block`, by what is read for it and the bytes that change with it, but for those that change with `others` too.
    pub(super) fn of_changes(block: u64, reads: &[Event], changed: &[Span], others: &[Span]) -> Self {
        let reads = spans(reads);
        let meets = |a: &Span, b: &Span| a.start < b.end && b.start < a.end;
        let own = changed.iter().filter(|span| {
            reads.iter().any(|read| within(span, read)) && !others.iter().any(|other| meets(span, other))
        });
        let (data, codes) = own.cloned().partition(|span| span.len() >= SECTOR_BYTES);
        Self {
            block,
            data,
            codes,
            beside: Vec::new(),
        }
    }

    /// Of `block`, by what is read for it, and what is read for others.
    pub(super) fn of_reads(block: u64, reads: &[Event], others: &[Event]) -> Self {
        let others = spans(others);
        let shared =
            |span: &Span| span.len() != BLOCK_BYTES || others.iter().any(|other| within(span, other));
        let (beside, data) = spans(reads).into_iter().partition(shared);
        Self {
            block,
            data,
            codes: Vec::new(),
            beside,
        }
    }
}

fn within(inner: &Span, outer: &Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// The bytes that were read.
fn spans(events: &[Event]) -> Vec<Span> {
    let read = events.iter().filter_map(|event| match event {
        Event::Read { offset, bytes } => Some(*offset as usize..(*offset + *bytes) as usize),
        _ => None,
    });
    read.collect()
}

/// The bytes in which two images differ; whole sectors where that is nearly all of a block, as bytes may be equal by
/// chance.
pub(super) fn differences(before: &[u8], after: &[u8]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let pages = before.chunks(BLOCK_BYTES).zip(after.chunks(BLOCK_BYTES));
    for (number, (a, b)) in pages.enumerate().filter(|(_, (a, b))| a != b) {
        let start = number * BLOCK_BYTES;
        for at in (0..a.len().min(b.len())).filter(|at| a[*at] != b[*at]) {
            add(&mut spans, start + at..start + at + 1);
        }
    }
    spans
}

/// The union of spans in ascending order.
pub(super) fn union(mut all: Vec<Span>) -> Vec<Span> {
    all.sort_by_key(|span| span.start);
    let mut spans = Vec::new();
    all.into_iter().for_each(|span| add(&mut spans, span));
    for span in &mut spans {
        if span.len() > SECTOR_BYTES / 2 {
            span.start = span.start / SECTOR_BYTES * SECTOR_BYTES;
            span.end = span.end.next_multiple_of(SECTOR_BYTES);
        }
    }
    spans
}

fn add(spans: &mut Vec<Span>, span: Span) {
    match spans.last_mut() {
        Some(last) if span.start < last.end + GAP => last.end = last.end.max(span.end),
        _ => spans.push(span),
    }
}
