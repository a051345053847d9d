//! `sealed-checkpoint`, with its options and in both of its readers' ways.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use sealab_attack_record::FormatUnderAttack;
use sealab_checkpoint::image::{Found, PAGE_BYTES};
use sealab_checkpoint::sealed::{
    self, CHUNK_BYTES, Compression, Destination, FILE_NAME, OpenOptions, Output, PlainSource, Progress,
    SealOptions, SealedSet, SealedSource, Unlock, Work,
};
use sealab_engine::Engine;

use super::format::{Asking, CheckpointFormat, Layout, Part, Problem, Sealing};
use super::keyring::OpeningKey;
use super::{PLANE, subject};
use crate::files::{self, Files, Piece, Span};

/// A way to seal and open.
pub(super) struct Variant {
    pub(super) format: FormatUnderAttack,
    compression: Compression,
    deduplicate: bool,
    /// Read as a stream, in place of a folder.
    stream: bool,
}

const fn format(id: &'static str, description: &'static str) -> FormatUnderAttack {
    FormatUnderAttack {
        plane: PLANE,
        id,
        description,
    }
}

pub(super) const VARIANTS: &[Variant] = &[
    Variant {
        format: format(
            "sealed-checkpoint",
            "Sealab's format, without options. Read from its folder: header, index and trailer are checked first, and \
             the plain set gets its name only when all of it has held.",
        ),
        compression: Compression::None,
        deduplicate: false,
        stream: false,
    },
    Variant {
        format: format(
            "sealed-checkpoint-stream",
            "The same bytes as sealed-checkpoint. Read as a stream that becomes a tar stream: each chunk is checked \
             before it is written, the whole at the end.",
        ),
        compression: Compression::None,
        deduplicate: false,
        stream: true,
    },
    Variant {
        format: format(
            "sealed-checkpoint-compressed",
            "Sealab's format with chunks compressed before they are sealed (auto). Read as sealed-checkpoint.",
        ),
        compression: Compression::Auto,
        deduplicate: false,
        stream: false,
    },
    Variant {
        format: format(
            "sealed-checkpoint-dedup",
            "Sealab's format with equal pages stored once. Read as sealed-checkpoint.",
        ),
        compression: Compression::None,
        deduplicate: true,
        stream: false,
    },
];

pub(super) struct Sealed<'a> {
    pub(super) engine: &'a dyn Engine,
    pub(super) variant: &'static Variant,
}

impl Sealed<'_> {
    fn work<T>(
        &self,
        work: impl FnOnce(&mut Work<'_>) -> Result<T, sealed::Error>,
    ) -> Result<T, sealed::Error> {
        work(&mut Work {
            engine: self.engine,
            progress: &mut |_| {},
            interrupt: &AtomicBool::new(false),
        })
    }

    fn seal_with(
        &self,
        plain: &Path,
        sealed: &Path,
        with: &Sealing<'_>,
        work: &mut Work<'_>,
    ) -> Result<(), sealed::Error> {
        let options = SealOptions {
            compression: self.variant.compression,
            deduplicate: self.variant.deduplicate,
            parent: with.parent,
            sender: with.signer,
            ..SealOptions::default()
        };
        let (source, destination) = (PlainSource::Directory(plain), Destination::Directory(sealed));
        sealed::seal(source, destination, &[with.recipient], &options, work).map(drop)
    }
}

fn options<'a>(asking: &Asking<'a>) -> OpenOptions<'a> {
    OpenOptions {
        unlock: Unlock::Recipient(&asking.key.jwe),
        parent: None,
        sender: asking.sender,
    }
}

impl CheckpointFormat for Sealed<'_> {
    fn format(&self) -> FormatUnderAttack {
        self.variant.format
    }

    fn seal(&self, plain: &Path, sealed: &Path, with: &Sealing<'_>) -> Result<(), Problem> {
        Ok(self.work(|work| self.seal_with(plain, sealed, with, work))?)
    }

    fn seal_and_fail(&self, plain: &Path, sealed: &Path, with: &Sealing<'_>) -> Result<(), Problem> {
        // What is sealed need not be sound, so only an interruption fails. Progress is told once a MiB, of two.
        let interrupt = AtomicBool::new(false);
        let mut progress = |progress: Progress| interrupt.store(progress.done > 0, Ordering::Relaxed);
        let mut work = Work {
            engine: self.engine,
            progress: &mut progress,
            interrupt: &interrupt,
        };
        Ok(self.seal_with(plain, sealed, with, &mut work)?)
    }

    fn open(&self, sealed: &Path, asking: &Asking<'_>, handed_out: &mut Files) -> Result<(), Problem> {
        let options = options(asking);
        let opened = if self.variant.stream {
            let mut file = File::open(sealed.join(FILE_NAME))?;
            let mut tar = Vec::new();
            let source = SealedSource::Stream(&mut file);
            let opened = self.work(|work| sealed::open(source, Output::Tar(&mut tar), &options, work));
            *handed_out = unpacked(&tar);
            opened
        } else {
            let place = tempfile::tempdir_in(sealed.parent().unwrap_or(sealed))?;
            let plain = place.path().join("plain");
            let source = SealedSource::Directory(sealed);
            let opened = self.work(|work| sealed::open(source, Output::Directory(&plain), &options, work));
            *handed_out = files::read(&plain)?;
            opened
        };
        opened?;
        Ok(())
    }

    fn layout(&self, sealed: &Files, key: &OpeningKey) -> Result<Layout, Problem> {
        let bytes = sealed.get(FILE_NAME).ok_or("there is no checkpoint.sealed")?;
        let clear = Clear::read(bytes).ok_or("checkpoint.sealed has another layout than the bench knows")?;
        let mut layout = Layout {
            entries: clear.chunks.clone(),
            pages: vec![Vec::new(); subject::PIDS.len()],
            exchangeable: clear.exchangeable,
            ..Layout::default()
        };
        for piece in clear.header {
            layout.add(Part::Header, piece);
        }
        for piece in clear.trailer {
            layout.add(Part::Trailer, piece);
        }
        for chunk in clear.chunks {
            self.find(sealed, key, &chunk, &mut layout)?;
        }
        Ok(layout)
    }

    fn has_senders(&self) -> bool {
        true
    }

    fn stripped(&self, sealed: &Files) -> Vec<(&'static str, Files)> {
        let Some(bytes) = sealed.get(FILE_NAME) else {
            return Vec::new();
        };
        let header = Clear::header_bytes(bytes).unwrap_or(0);
        let of = |bytes: Vec<u8>| Files::from([(FILE_NAME.to_owned(), bytes)]);
        let zeroed = [&vec![0; header], &bytes[header..]].concat();
        vec![
            ("the header removed", of(bytes[header..].to_vec())),
            ("the header zeroed", of(zeroed)),
        ]
    }

    fn has_parents(&self) -> bool {
        !self.variant.stream
    }

    fn memory(
        &self,
        sealed: &Path,
        asking: &Asking<'_>,
        handed_out: &mut Files,
    ) -> Option<Result<(), Problem>> {
        self.has_parents().then(|| {
            let mut set = SealedSet::open(sealed, self.engine, &options(asking))?;
            for (process, pid) in subject::PIDS.into_iter().enumerate() {
                let mut memory = set.memory(pid)?;
                let bytes = handed_out.entry(subject::pages_name(process)).or_default();
                for index in 0..subject::PAGES {
                    let mut page = [0; PAGE_BYTES];
                    if memory.page(subject::address(index), &mut page)? == Found::Nowhere {
                        return Err(format!("page {index} of process {pid} is nowhere").into());
                    }
                    bytes.extend(page);
                }
            }
            Ok(())
        })
    }
}

impl Sealed<'_> {
    /// Finds out what a chunk holds: what cannot be read once it is spoilt.
    fn find(
        &self,
        sealed: &Files,
        key: &OpeningKey,
        chunk: &Piece,
        layout: &mut Layout,
    ) -> Result<(), Problem> {
        let file = sealed.get_key_value(FILE_NAME);
        let mut spoilt: Files = file
            .map(|(name, bytes)| (name.clone(), bytes.clone()))
            .into_iter()
            .collect();
        if let Some(span) = chunk.spans.last()
            && let Some(byte) = spoilt
                .get_mut(&span.file)
                .and_then(|bytes| bytes.get_mut(span.range.start))
        {
            *byte ^= 1;
        }
        let place = tempfile::tempdir()?;
        let folder = place.path().join("set");
        files::write(&folder, &spoilt)?;
        let asking = Asking { key, sender: None };
        let mut set = SealedSet::open(&folder, self.engine, &options(&asking))?;
        let names: Vec<(String, u64)> = set
            .files()
            .iter()
            .map(|file| (file.name.to_string(), file.size))
            .collect();
        for (name, size) in names {
            let process = (0..subject::PIDS.len()).find(|process| subject::pages_name(*process) == name);
            let part = subject::part_of(&name);
            let step = PAGE_BYTES as u64;
            for at in (0..size).step_by(PAGE_BYTES) {
                let mut bytes = vec![0; step.min(size - at) as usize];
                if set.read_at(&name, at, &mut bytes).is_ok() {
                    continue;
                }
                if let Some(part) = part {
                    layout.add(part, chunk.clone());
                }
                if let Some(process) = process {
                    layout.pages[process].push(((at / step) as usize, chunk.clone()));
                }
            }
        }
        for pages in &mut layout.pages {
            pages.sort_by_key(|(page, _)| *page);
        }
        Ok(())
    }
}

/// What of a sealed set anybody can see: its borders.
struct Clear {
    header: Vec<Piece>,
    /// Each data chunk with its entry in its group's table.
    chunks: Vec<Piece>,
    /// The index and the trailer.
    trailer: Vec<Piece>,
    exchangeable: Vec<Piece>,
}

// docs/formats/sealed-checkpoint.md has these numbers.
const JWE_LENGTH_AT: usize = 80;
const JWE_AT: usize = 84;
const MAC_BYTES: usize = 32;
const HEAD_BYTES: usize = 8;
const ENTRY_BYTES: usize = 20;
const TRAILER_BYTES: usize = 96;
const LENGTH_MASK: u32 = (1 << 28) - 1;

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn piece(name: impl Into<String>, range: std::ops::Range<usize>) -> Piece {
    Piece::new(name, vec![Span::new(FILE_NAME, range)])
}

impl Clear {
    fn header_bytes(bytes: &[u8]) -> Option<usize> {
        Some(JWE_AT + number(bytes, JWE_LENGTH_AT)? as usize + MAC_BYTES)
    }

    /// The borders in an unsigned set.
    fn read(bytes: &[u8]) -> Option<Self> {
        let header = Self::header_bytes(bytes)?;
        let trailer = bytes.len().checked_sub(TRAILER_BYTES)?;
        let mut clear = Self {
            header: vec![
                piece("the numbers of the header", 0..16),
                piece("the set's number", 16..48),
                piece("the key commitment", 48..JWE_AT),
                piece("the wrapped key", JWE_AT..header - MAC_BYTES),
                piece("the header's code", header - MAC_BYTES..header),
            ],
            chunks: Vec::new(),
            trailer: Vec::new(),
            exchangeable: vec![piece("the header", 0..header)],
        };
        let mut at = header;
        let mut group = 0;
        while at < trailer {
            let is_data = *bytes.get(at)? == 0;
            let name = match is_data {
                true => format!("group {group}"),
                false => format!("part {group} of the index"),
            };
            let end = clear.group(bytes, at, is_data.then_some(group))?;
            let whole = piece(name, at..end);
            if !is_data {
                clear.trailer.push(whole.clone());
            }
            clear.exchangeable.push(whole);
            group += 1;
            at = end;
        }
        let last = piece("the trailer", trailer..bytes.len());
        clear.trailer.push(last.clone());
        clear.exchangeable.push(last);
        (at == trailer).then_some(clear)
    }

    /// Takes note of the chunks of the group that starts at `at`, a data group if it has a number: where it ends.
    fn group(&mut self, bytes: &[u8], at: usize, data: Option<usize>) -> Option<usize> {
        let content = number(bytes, at + 4)? as usize;
        let messages = 1 + content.div_ceil(CHUNK_BYTES);
        let table = at + HEAD_BYTES;
        let mut start = table + messages * ENTRY_BYTES;
        for message in 0..messages {
            let entry = table + message * ENTRY_BYTES;
            let end = start + (number(bytes, entry)? & LENGTH_MASK) as usize;
            if let Some(group) = data.filter(|_| message > 0) {
                let spans = vec![
                    Span::new(FILE_NAME, entry..entry + ENTRY_BYTES),
                    Span::new(FILE_NAME, start..end),
                ];
                self.chunks.push(Piece::new(
                    format!("chunk {} of group {group}", message - 1),
                    spans,
                ));
            }
            start = end;
        }
        (start <= bytes.len()).then_some(start)
    }
}

/// The files in a tar stream that may have been cut off, the last as far as it goes.
fn unpacked(stream: &[u8]) -> Files {
    let mut files = Files::new();
    let mut archive = tar::Archive::new(stream);
    let Ok(entries) = archive.entries() else {
        return files;
    };
    for entry in entries {
        let Ok(mut entry) = entry else {
            break;
        };
        let name = entry
            .path()
            .map(|path| path.display().to_string())
            .unwrap_or_default();
        let mut bytes = Vec::new();
        // What has come of a file that was cut off stays in the buffer.
        let whole = entry.read_to_end(&mut bytes);
        files.insert(name, bytes);
        if whole.is_err() {
            break;
        }
    }
    files
}
