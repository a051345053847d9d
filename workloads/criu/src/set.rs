//! Image sets that no CRIU made: of any size, the same for the same parameters on every machine.
//!
//! A set has the files of a dump of some processes. Process tree, pagemaps and pages are its own; what else a process
//! has is taken from a real dump of a small program, so the set can be read, sealed and opened, but not restored.

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use prost::Message;
use schemars::JsonSchema;
use sealab_checkpoint::image::{Header, Kind, PAGE_BYTES, proto};
use sealab_memory::{ByteSize, Content, Memhog, Share, Workload};
use sealab_programs::{ProgramError, Scratch};
use serde::{Deserialize, Serialize};

use crate::CriuError;

/// What is filled, or is a hole, in one go.
const PIECE: usize = 1 << 20;
/// The most processes.
const PROCESSES_MOST: u32 = 256;
/// The pid of the first process.
const FIRST_PID: u32 = 1000;
/// Where the memory of a process starts, and what lies between its mappings.
const FIRST_ADDRESS: u64 = 0x5555_5555_4000;
const GAP: u64 = 16 * PAGE_BYTES as u64;
/// Pages of the first mappings, as a small program has them: code, data, stacks, libraries. Larger ones follow.
const SMALL: [u64; 12] = [1, 2, 26, 6, 1, 3, 1, 1, 2, 4, 4, 33];
/// Pages of one pagemap entry of a large mapping, at most: 64 MiB.
const LARGE: u64 = 16384;

/// `PE_PRESENT`, and `PE_LAZY` for anonymous memory.
const PRESENT: u32 = 4;
const LAZY: u32 = 2;

/// An image set to be made up.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSet {
    /// The memory of all processes together, a whole number of pages of 4 KiB for each.
    pub size: ByteSize,
    /// What the pages hold.
    #[serde(default)]
    pub content: Content,
    /// The share of pages that equal an earlier one of the same mebibyte. Not for `zero` and `constant`.
    #[serde(default)]
    pub duplicates: Share,
    /// The share of the memory that is a hole in its pages file, as deduplication leaves it. In whole mebibytes.
    #[serde(default)]
    pub holes: Share,
    /// How many processes, 1 to 256. The first is the parent of all others.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 256))]
    pub processes: u32,
    /// The seed: equal parameters with equal seeds give equal sets.
    #[serde(default)]
    pub seed: u64,
}

fn one() -> u32 {
    1
}

/// The files of the real dump that every process has, by what their names start with.
const OF_A_PROCESS: [(&str, &[u8]); 5] = [
    ("core", include_bytes!("../data/core-4.img")),
    ("fdinfo", include_bytes!("../data/fdinfo-2.img")),
    ("fs", include_bytes!("../data/fs-4.img")),
    ("ids", include_bytes!("../data/ids-4.img")),
    ("mm", include_bytes!("../data/mm-4.img")),
];

/// The files of the real dump that a set has once.
const OF_A_SET: [(&str, &[u8]); 4] = [
    ("files.img", include_bytes!("../data/files.img")),
    ("inventory.img", include_bytes!("../data/inventory.img")),
    ("seccomp.img", include_bytes!("../data/seccomp.img")),
    ("timens-0.img", include_bytes!("../data/timens-0.img")),
];

impl ImageSet {
    /// One process with that much of that content, without duplicates and holes.
    pub fn new(size: ByteSize, content: Content) -> Self {
        Self {
            size,
            content,
            duplicates: Share::default(),
            holes: Share::default(),
            processes: one(),
            seed: 0,
        }
    }

    /// Writes the set to the new folder `images`. It needs the memory of one mebibyte, whatever the size.
    ///
    /// Set `cancelled` to end it early. What fails leaves no folder.
    ///
    /// # Errors
    /// The parameters make no set, `images` exists, or writing fails.
    pub fn write(&self, images: &Path, cancelled: &AtomicBool) -> Result<(), CriuError> {
        let pages = self.pages()?;
        if images.symlink_metadata().is_ok() {
            return Err(CriuError::at(images)(io::ErrorKind::AlreadyExists.into()));
        }
        let images = std::path::absolute(images).map_err(CriuError::at(images))?;
        let aside = Scratch::new(images.parent().unwrap_or(Path::new("/")))?;
        let whole = aside.path().join("images");
        fs::create_dir(&whole).map_err(CriuError::at(&whole))?;
        let file = |name: &str, bytes: &[u8]| {
            let path = whole.join(name);
            fs::write(&path, bytes).map_err(CriuError::at(&path))
        };
        for (name, bytes) in OF_A_SET {
            file(name, bytes)?;
        }
        file("pstree.img", &self.process_tree())?;
        for index in 0..self.processes {
            let pid = FIRST_PID + index;
            for (name, bytes) in OF_A_PROCESS {
                // CRIU numbers tables of descriptors by themselves.
                let number = if name == "fdinfo" { index + 2 } else { pid };
                file(&format!("{name}-{number}.img"), bytes)?;
            }
            file(&format!("pagemap-{pid}.img"), &pagemap(index + 1, pages))?;
            let path = whole.join(format!("pages-{}.img", index + 1));
            self.write_pages(&path, index, pages, cancelled)?;
        }
        fs::rename(&whole, &images).map_err(CriuError::at(&images))
    }

    /// The pages of each process.
    fn pages(&self) -> Result<u64, CriuError> {
        let invalid = |found: String, expected: String| CriuError::Invalid { found, expected };
        if !(1..=PROCESSES_MOST).contains(&self.processes) {
            let found = format!("{} processes", self.processes);
            return Err(invalid(found, format!("1 to {PROCESSES_MOST}")));
        }
        let unit = u64::from(self.processes) * PAGE_BYTES as u64;
        if !self.size.bytes().is_multiple_of(unit) {
            let found = format!("{} of memory for {} processes", self.size, self.processes);
            return Err(invalid(found, format!("a multiple of {unit} bytes")));
        }
        if !self.duplicates.is_zero() && matches!(self.content, Content::Zero | Content::Constant) {
            let found = format!(
                "duplicates of {} content, whose pages are all equal",
                self.content
            );
            return Err(invalid(found, "no duplicates, or another content".to_owned()));
        }
        Ok(self.size.bytes() / unit)
    }

    fn process_tree(&self) -> Vec<u8> {
        let mut bytes = Header::of_kind(Kind::Pstree).magic().to_vec();
        for index in 0..self.processes {
            let pid = FIRST_PID + index;
            let entry = proto::PstreeEntry {
                pid: Some(pid),
                ppid: Some(if index == 0 { 0 } else { FIRST_PID }),
                pgid: Some(FIRST_PID),
                sid: Some(FIRST_PID),
                threads: vec![pid],
            };
            push(&mut bytes, &entry);
        }
        bytes
    }

    fn write_pages(
        &self,
        path: &Path,
        process: u32,
        pages: u64,
        cancelled: &AtomicBool,
    ) -> Result<(), CriuError> {
        let at = || CriuError::at(path);
        let length = pages * PAGE_BYTES as u64;
        let file = File::create_new(path).map_err(at())?;
        file.set_len(length).map_err(at())?;
        let mut file = BufWriter::with_capacity(PIECE, file);
        let pieces = length.div_ceil(PIECE as u64) as usize;
        // Evenly spread: a piece is a hole where the share of those so far passes a whole number.
        let holes = self.holes.of(pieces) as u128;
        let passed = |count: usize| count as u128 * holes / pieces.max(1) as u128;
        for piece in 0..pieces {
            if cancelled.load(Ordering::Relaxed) {
                return Err(CriuError::Interrupted);
            }
            let start = piece as u64 * PIECE as u64;
            let bytes = (length - start).min(PIECE as u64);
            if passed(piece + 1) > passed(piece) {
                file.seek(SeekFrom::Current(bytes as i64)).map_err(at())?;
            } else {
                let bytes = self.fill(process, piece as u64, bytes)?;
                file.write_all(&bytes).map_err(at())?;
            }
        }
        file.flush().map_err(at())
    }

    fn fill(&self, process: u32, piece: u64, length: u64) -> Result<Vec<u8>, CriuError> {
        let wrong = |error: &dyn std::error::Error| {
            ProgramError::of("making pages", &io::Error::other(error.to_string()))
        };
        let workload = Workload::Memhog(Memhog {
            size: ByteSize::from_bytes(length).map_err(|error| wrong(&error))?,
            content: self.content,
            duplicates: self.duplicates,
            // Different for each piece of each process of each seed, as far as 64 bits go.
            seed: self.seed ^ (u64::from(process) << 40 | piece).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        });
        let mut bytes = vec![0; length as usize];
        workload
            .prepare(&AtomicBool::new(false))
            .and_then(|prepared| prepared.write_to(&mut bytes))
            .map_err(|error| wrong(&error))?;
        Ok(bytes)
    }
}

/// The pagemap of a process with `pages` pages in the file of number `pages_id`.
fn pagemap(pages_id: u32, pages: u64) -> Vec<u8> {
    let mut bytes = Header::of_kind(Kind::Pagemap).magic().to_vec();
    let head = proto::PagemapHead {
        pages_id: Some(pages_id),
    };
    push(&mut bytes, &head);
    let mut address = FIRST_ADDRESS;
    let mut left = pages;
    let mut small = SMALL.into_iter();
    while left > 0 {
        let next = small.next();
        let count = next.unwrap_or(LARGE).min(left);
        let entry = proto::PagemapEntry {
            vaddr: Some(address),
            // Such counts are far below 2^32.
            compat_nr_pages: Some(count as u32),
            flags: Some(if next.is_some_and(|pages| pages % 2 == 0) {
                PRESENT
            } else {
                PRESENT | LAZY
            }),
            ..Default::default()
        };
        push(&mut bytes, &entry);
        left -= count;
        address += count * PAGE_BYTES as u64;
        if next.is_some() {
            address += GAP;
        }
    }
    bytes
}

fn push(bytes: &mut Vec<u8>, message: &impl Message) {
    let message = message.encode_to_vec();
    bytes.extend((message.len() as u32).to_le_bytes());
    bytes.extend(message);
}
