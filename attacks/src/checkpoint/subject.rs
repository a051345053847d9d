//! What is sealed: the image set of three processes, made here, with canaries in every kind of file.
//!
//! The processes are forks of one another: the same addresses, some pages equal within a process and some across
//! processes. Two seeds give two snapshots of the same processes that differ in every file that a process can change.

use prost::Message;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sealab_checkpoint::image::{Header, Kind, PAGE_BYTES, proto};

use super::format::Part;
use crate::canary::canary;
use crate::files::Files;

/// The processes.
pub(super) const PIDS: [u32; 3] = [40_417, 40_423, 40_435];

/// The inodes of the two deleted files, as they stand in names.
const INODES: [u32; 2] = [0x5_eed1, 0x5_eed2];

/// Pages of each process: over half a MiB, so that formats with chunks of many pages have several of them too.
pub(super) const PAGES: usize = 160;
/// Pages of its first mapping; the rest lies in a second one.
const FIRST_MAPPING: usize = 100;
const ADDRESS: u64 = 0x7f12_3456_0000;

/// Pages equal within each process.
pub(super) const EQUAL_WITHIN: [usize; 4] = [40, 41, 42, 43];
/// Pages equal across the processes, all different from each other.
pub(super) const EQUAL_ACROSS: [usize; 4] = [50, 51, 52, 53];

/// The image of the open files.
pub(super) const OPEN_FILES: &str = "files.img";

/// What is in memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Memory {
    /// Canaries, equal pages within and across processes, text, and noise.
    Mixed,
    /// Noise alone: no two blocks of it are equal.
    Noise,
    /// Noise, but many pages equal.
    EqualPages,
    /// Noise, but with the same 256 bytes at the same place of many pages, no two of which are equal.
    EqualBlocks,
    /// Zeros.
    Zeros,
}

/// How big the processes are: pages of each beyond [`PAGES`].
pub(super) type Growth = [usize; 3];

/// A plain image set with what was planted in it.
pub(super) struct Subject {
    pub(super) files: Files,
    pub(super) canaries: Vec<(Part, String)>,
}

impl Subject {
    /// The snapshot of that seed.
    pub(super) fn new(seed: u64) -> Self {
        Self::with(seed, Memory::Mixed, [0; 3])
    }

    /// The snapshot of that seed with other memory.
    pub(super) fn with(seed: u64, memory: Memory, growth: Growth) -> Self {
        let mut subject = Self {
            files: Files::new(),
            canaries: Vec::new(),
        };
        subject.set_wide(seed);
        for (process, growth) in growth.into_iter().enumerate() {
            subject.process(seed, process, memory, PAGES + growth);
        }
        subject.payloads(seed);
        subject
    }

    /// A younger snapshot that builds on this one: the first ten pages of each process anew, the rest in the parent.
    pub(super) fn child(seed: u64) -> Self {
        let mut subject = Self::new(seed);
        for process in 0..PIDS.len() {
            let pages = subject.files.get_mut(&pages_name(process));
            if let Some(pages) = pages {
                pages.truncate(10 * PAGE_BYTES);
            }
            let extents = [
                (0, 10, PE_PRESENT),
                (10, FIRST_MAPPING - 10, PE_PARENT),
                (FIRST_MAPPING, PAGES - FIRST_MAPPING, PE_PARENT),
            ];
            subject.pagemap(process, &extents);
        }
        subject
    }

    fn plant(&mut self, part: Part, name: &str, seed: u64) -> String {
        let text = canary(name, seed);
        self.canaries.push((part, text.clone()));
        text
    }

    fn insert(&mut self, name: impl Into<String>, bytes: Vec<u8>) {
        self.files.insert(name.into(), bytes);
    }

    fn set_wide(&mut self, seed: u64) {
        let inventory = Inventory {
            img_version: 2,
            dump_uptime: 1_000_000 + seed,
            dump_criu_run_id: self.plant(Part::Inventory, "run", seed),
        };
        self.insert("inventory.img", image(Kind::Inventory, &[entry(&inventory)]));
        let tree: Vec<_> = (0..PIDS.len())
            .map(|process| {
                entry(&proto::PstreeEntry {
                    pid: Some(PIDS[process]),
                    ppid: Some(if process == 0 { 0 } else { PIDS[0] }),
                    pgid: Some(PIDS[0]),
                    sid: Some(PIDS[0]),
                    threads: vec![PIDS[process]],
                })
            })
            .collect();
        self.insert("pstree.img", image(Kind::Pstree, &tree));
        let files: Vec<_> = (1..=5)
            .map(|id| {
                entry(&OpenFile {
                    kind: 1,
                    id,
                    reg: Some(RegularFile {
                        id,
                        flags: 0o2,
                        pos: 0,
                        name: format!(
                            "/srv/{}",
                            self.plant(Part::OpenFiles, &format!("file {id}"), seed)
                        ),
                    }),
                })
            })
            .collect();
        self.insert(OPEN_FILES, image(Kind::Files, &files));
        let statistics = Statistics {
            dump: Some(DumpStatistics {
                frozen_time: 1_000 + seed,
                pages_written: (PIDS.len() * PAGES) as u64,
            }),
        };
        self.insert("stats-dump", image(Kind::Stats, &[entry(&statistics)]));
        let log = format!("({seed}) Dumping {}\n", self.plant(Part::Log, "log", seed));
        self.insert("dump.log", log.into_bytes());
    }

    fn process(&mut self, seed: u64, process: usize, memory: Memory, pages: usize) {
        let pid = PIDS[process];
        let core = Core {
            mtype: 1,
            tc: Some(TaskCore {
                task_state: 1,
                exit_code: 0,
                personality: 0,
                comm: self.plant(Part::Core, &format!("command {pid}"), seed),
            }),
        };
        self.insert(format!("core-{pid}.img"), image(Kind::Core, &[entry(&core)]));
        self.pagemap(
            process,
            &[
                (0, FIRST_MAPPING, PE_PRESENT),
                (FIRST_MAPPING, pages - FIRST_MAPPING, PE_PRESENT),
            ],
        );
        let bytes = self.memory(seed, process, memory, pages);
        self.insert(pages_name(process), bytes);
    }

    /// Writes a pagemap of extents: first page, pages, flags.
    fn pagemap(&mut self, process: usize, extents: &[(usize, usize, u32)]) {
        let mut entries = vec![entry(&proto::PagemapHead {
            pages_id: Some(process as u32 + 1),
        })];
        entries.extend(extents.iter().map(|(first, pages, flags)| {
            entry(&proto::PagemapEntry {
                vaddr: Some(address(*first)),
                compat_nr_pages: Some(*pages as u32),
                flags: Some(*flags),
                in_parent: (*flags == PE_PARENT).then_some(true),
                ..proto::PagemapEntry::default()
            })
        }));
        self.insert(
            format!("pagemap-{}.img", PIDS[process]),
            image(Kind::Pagemap, &entries),
        );
    }

    fn memory(&mut self, seed: u64, process: usize, memory: Memory, pages: usize) -> Vec<u8> {
        let mut bytes = noise(seed, &format!("process {process}"), pages * PAGE_BYTES);
        if memory == Memory::Zeros {
            bytes.fill(0);
        }
        let mut put = |at: usize, what: &[u8]| bytes[at..at + what.len()].copy_from_slice(what);
        match memory {
            Memory::Noise | Memory::Zeros => {}
            Memory::EqualPages => {
                let page = noise(seed, "equal page", PAGE_BYTES);
                (0..PAGES / 2).for_each(|index| put(index * PAGE_BYTES, &page));
            }
            Memory::EqualBlocks => {
                let block = noise(seed, "equal block", 256);
                (0..PAGES / 2).for_each(|index| put(index * PAGE_BYTES + 1024, &block));
            }
            Memory::Mixed => {
                let page = noise(seed, "equal page", PAGE_BYTES);
                EQUAL_WITHIN
                    .iter()
                    .for_each(|index| put(index * PAGE_BYTES, &page));
                for index in EQUAL_ACROSS {
                    let page = noise(seed, &format!("page {index} of all"), PAGE_BYTES);
                    put(index * PAGE_BYTES, &page);
                }
                let text = "A line of text, as memory has many of. ".repeat(2 * PAGE_BYTES / 39);
                put(60 * PAGE_BYTES, text.as_bytes());
                // In a page, across two pages, across two chunks of 64 KiB, and at the end.
                let end = PAGES * PAGE_BYTES - 32;
                for (number, at) in [100, 3 * PAGE_BYTES - 16, 16 * PAGE_BYTES - 16, end]
                    .iter()
                    .enumerate()
                {
                    let canary = self.plant(Part::Pages, &format!("memory {process} {number}"), seed);
                    put(*at, canary.as_bytes());
                }
            }
        }
        bytes
    }

    fn payloads(&mut self, seed: u64) {
        let ghost = |chunks, size: usize| {
            entry(&proto::GhostFileEntry {
                mode: Some(0o100_600),
                chunks,
                size: Some(size as u64),
            })
        };
        // The pull request cuts it at multiples of 4096.
        let mut small = noise(seed, "small ghost", 9000);
        for (number, at) in [10, 4096 - 16, 8192 - 20].into_iter().enumerate() {
            let text = self.plant(Part::SmallGhost, &format!("small ghost {number}"), seed);
            small[at..at + text.len()].copy_from_slice(text.as_bytes());
        }
        let parts = [ghost(None, small.len()), small];
        self.insert(ghost_name(0), image(Kind::GhostFile, &parts));
        let mut large = noise(seed, "large ghost", 20_000);
        let text = self.plant(Part::LargeGhost, "large ghost", seed);
        large[15_000..15_000 + text.len()].copy_from_slice(text.as_bytes());
        let chunk = entry(&proto::GhostChunkEntry {
            len: Some(large.len() as u64),
            off: Some(0),
        });
        let parts = [ghost(Some(true), large.len()), chunk, large];
        self.insert(ghost_name(1), image(Kind::GhostFile, &parts));
        let piped = format!("GET /{} HTTP/1.1\r\n", self.plant(Part::Pipe, "pipe", seed));
        let head = entry(&proto::PipeDataEntry {
            pipe_id: Some(7),
            bytes: Some(piped.len() as u32),
            size: Some(65_536),
        });
        self.insert(
            "pipes-data.img",
            image(Kind::PipesData, &[head, piped.into_bytes()]),
        );
        for (name, part) in [
            ("iptables-9.img", Part::ToolOutput),
            ("tmpfs-dev-11.tar.gz.img", Part::ToolOutput),
            ("ifaddr-9.img", Part::NetworkTools),
            ("nftables-9.img", Part::NetworkTools),
        ] {
            let mut bytes = noise(seed, name, 5000);
            let text = self.plant(part, name, seed);
            bytes[4096 - 16..4096 + 16].copy_from_slice(text.as_bytes());
            self.insert(name, bytes);
        }
    }
}

/// The address of a process's page.
pub(super) fn address(page: usize) -> u64 {
    // A gap before the second mapping.
    let gap = if page >= FIRST_MAPPING { 1000 } else { 0 };
    ADDRESS + ((page + gap) * PAGE_BYTES) as u64
}

/// The pages file of a process.
pub(super) fn pages_name(process: usize) -> String {
    format!("pages-{}.img", process + 1)
}

fn ghost_name(number: usize) -> String {
    format!("ghost-file-{:x}.img", INODES[number])
}

/// The part of a plain set that a file holds.
pub(super) fn part_of(name: &str) -> Option<Part> {
    Some(match name {
        "dump.log" => Part::Log,
        _ if name == ghost_name(0) => Part::SmallGhost,
        _ if name == ghost_name(1) => Part::LargeGhost,
        _ => match Kind::of_file_name(name)?.0 {
            Kind::Inventory => Part::Inventory,
            Kind::Pstree => Part::Tree,
            Kind::Core => Part::Core,
            Kind::Files => Part::OpenFiles,
            Kind::Pagemap => Part::Pagemap,
            Kind::Pages => Part::Pages,
            Kind::PipesData => Part::Pipe,
            Kind::Iptables | Kind::TmpfsDev => Part::ToolOutput,
            Kind::Ifaddr | Kind::Nftables => Part::NetworkTools,
            Kind::Stats => Part::Statistics,
            _ => return None,
        },
    })
}

/// Numbers that must not stand in names: of processes, in decimal, and of deleted files, as they are written.
pub(super) fn telling_numbers() -> Vec<String> {
    let processes = PIDS.iter().map(|pid| format!("{pid}"));
    let inodes = INODES.iter().map(|inode| format!("{inode:x}"));
    processes.chain(inodes).collect()
}

const PE_PARENT: u32 = 1;
const PE_PRESENT: u32 = 4;

/// Bytes that are the same for the same seed and name, and like nothing else.
fn noise(seed: u64, name: &str, length: usize) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let key = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(name);
    let mut bytes = vec![0; length];
    ChaCha8Rng::from_seed(key.finalize().into()).fill_bytes(&mut bytes);
    bytes
}

fn entry(message: &impl Message) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    let mut framed = (bytes.len() as u32).to_le_bytes().to_vec();
    framed.extend(bytes);
    framed
}

fn image(kind: Kind, parts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Header::of_kind(kind).magic().to_vec();
    bytes.extend(parts.concat());
    bytes
}

// Messages of CRIU's that the image reader has no view of, with the fields that the subject needs.

#[derive(Clone, PartialEq, Message)]
struct Inventory {
    #[prost(uint32, required, tag = "1")]
    img_version: u32,
    #[prost(uint64, required, tag = "8")]
    dump_uptime: u64,
    #[prost(string, required, tag = "13")]
    dump_criu_run_id: String,
}

#[derive(Clone, PartialEq, Message)]
struct Core {
    #[prost(uint32, required, tag = "1")]
    mtype: u32,
    #[prost(message, optional, tag = "3")]
    tc: Option<TaskCore>,
}

#[derive(Clone, PartialEq, Message)]
struct TaskCore {
    #[prost(uint32, required, tag = "1")]
    task_state: u32,
    #[prost(uint32, required, tag = "2")]
    exit_code: u32,
    #[prost(uint32, required, tag = "3")]
    personality: u32,
    #[prost(string, required, tag = "6")]
    comm: String,
}

#[derive(Clone, PartialEq, Message)]
struct OpenFile {
    #[prost(uint32, required, tag = "1")]
    kind: u32,
    #[prost(uint32, required, tag = "2")]
    id: u32,
    #[prost(message, optional, tag = "3")]
    reg: Option<RegularFile>,
}

#[derive(Clone, PartialEq, Message)]
struct RegularFile {
    #[prost(uint32, required, tag = "1")]
    id: u32,
    #[prost(uint32, required, tag = "2")]
    flags: u32,
    #[prost(uint64, required, tag = "3")]
    pos: u64,
    #[prost(string, required, tag = "6")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
struct Statistics {
    #[prost(message, optional, tag = "1")]
    dump: Option<DumpStatistics>,
}

#[derive(Clone, PartialEq, Message)]
struct DumpStatistics {
    #[prost(uint64, required, tag = "2")]
    frozen_time: u64,
    #[prost(uint64, required, tag = "7")]
    pages_written: u64,
}
