//! Tests of the sealed format.

mod archives;
mod compression;
mod faults;
mod liars;
mod outline;
mod parents;
mod plain_sets;
mod random_access;
mod round_trip;
mod sender;
mod streams;
mod swaps;
mod tampering;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use sealab_engine::Engine;
use sealab_keys::jwe::JweKey;
use sealab_keys::{RecipientKey, SigningKey};
use tempfile::TempDir;

use super::header::StoredHeader;
use super::table::{HEAD_BYTES, Head, Table};
use super::*;
use crate::image::{Kind, PAGE_BYTES, proto};

const RECIPIENT: &[u8] = include_bytes!("keys/recipient.pem");
const OTHER: &[u8] = include_bytes!("keys/other.pem");
const SENDER: &[u8] = include_bytes!("keys/sender.pem");
const OTHER_SENDER: &[u8] = include_bytes!("keys/other-sender.pem");

static ENGINE: LazyLock<Box<dyn Engine>> =
    LazyLock::new(|| (sealab_engine_rustcrypto::CANDIDATE.open)().unwrap());
static NEVER: AtomicBool = AtomicBool::new(false);

fn engine() -> &'static dyn Engine {
    &**ENGINE
}

fn private(pem: &[u8]) -> RecipientKey {
    RecipientKey::from_bytes("test.pem", pem, None).unwrap()
}

fn jwe_key() -> &'static JweKey {
    static KEY: LazyLock<JweKey> = LazyLock::new(|| private(RECIPIENT).into());
    &KEY
}

fn signing(pem: &[u8]) -> SigningKey {
    SigningKey::from_bytes("test.pem", pem, None).unwrap()
}

fn options() -> OpenOptions<'static> {
    OpenOptions {
        unlock: Unlock::Recipient(jwe_key()),
        parent: None,
        sender: None,
    }
}

fn with_work<T>(act: impl FnOnce(&mut Work<'_>) -> T) -> T {
    act(&mut Work {
        engine: engine(),
        progress: &mut |_| {},
        interrupt: &NEVER,
    })
}

/// A place with a plain set, to be sealed and opened.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn with(files: &Files) -> Self {
        let place = Self::new();
        crate::fixtures::write(&place.path("plain"), files);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn seal(&self, options: &SealOptions<'_>) -> Result<Summary, Error> {
        self.seal_as("plain", "sealed", options)
    }

    fn seal_as(&self, from: &str, to: &str, options: &SealOptions<'_>) -> Result<Summary, Error> {
        let (from, to) = (self.path(from), self.path(to));
        let recipient = private(RECIPIENT).recipient().clone();
        with_work(|work| {
            seal(
                PlainSource::Directory(&from),
                Destination::Directory(&to),
                &[&recipient],
                options,
                work,
            )
        })
    }

    fn open(&self, options: &OpenOptions<'_>) -> Result<Summary, Error> {
        self.open_as("sealed", "opened", options)
    }

    fn open_as(&self, from: &str, to: &str, options: &OpenOptions<'_>) -> Result<Summary, Error> {
        let (from, to) = (self.path(from), self.path(to));
        with_work(|work| {
            open(
                SealedSource::Directory(&from),
                Output::Directory(&to),
                options,
                work,
            )
        })
    }

    fn verify(&self, options: &OpenOptions<'_>) -> Result<Summary, Error> {
        let from = self.path("sealed");
        with_work(|work| verify(SealedSource::Directory(&from), options, work))
    }

    fn set(&self, name: &str) -> SealedSet {
        SealedSet::open(&self.path(name), engine(), &options()).unwrap()
    }

    fn sealed(&self) -> Vec<u8> {
        fs::read(self.path("sealed").join(FILE_NAME)).unwrap()
    }

    fn put_sealed(&self, bytes: &[u8]) {
        fs::write(self.path("sealed").join(FILE_NAME), bytes).unwrap();
    }

    /// What is in the place, the plain and sealed set apart.
    fn leftovers(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter(|name| !matches!(&**name, "plain" | "sealed"))
            .collect()
    }
}

type Files = BTreeMap<String, Vec<u8>>;

fn contents(folder: &Path) -> Files {
    crate::fixtures::contents(folder)
}

/// Bytes that do not compress, the same for the same seed.
fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    use rand_chacha::rand_core::{Rng, SeedableRng};
    let mut noise = vec![0; bytes];
    rand_chacha::ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut noise);
    noise
}

/// An entry of a pagemap: address, pages, flags.
type Run = (u64, u64, u32);

fn pagemap(pages_id: u32, entries: &[Run]) -> Vec<u8> {
    let mut parts = vec![crate::fixtures::entry(&proto::PagemapHead {
        pages_id: Some(pages_id),
    })];
    parts.extend(entries.iter().map(|(address, pages, flags)| {
        crate::fixtures::entry(&proto::PagemapEntry {
            vaddr: Some(*address),
            compat_nr_pages: Some(*pages as u32),
            flags: Some(*flags),
            ..Default::default()
        })
    }));
    crate::fixtures::file(Kind::Pagemap, &parts)
}

/// A small set: an image, and a pages file of two pages.
fn small() -> Files {
    [
        ("pagemap-1.img".to_owned(), pagemap(1, &[(0x1000, 2, 4)])),
        ("pages-1.img".to_owned(), noise(1, 2 * PAGE_BYTES)),
        (
            "stats-dump".to_owned(),
            crate::fixtures::file(Kind::Stats, &[vec![2, 0, 0, 0, 10, 0]]),
        ),
    ]
    .into()
}

/// Where each group of a sealed file starts, with its table; the index's too.
fn groups(bytes: &[u8]) -> Vec<(usize, usize, Table)> {
    let header = StoredHeader::read("test", &mut &*bytes).unwrap();
    let (signed, compressed) = (header.header.signed, header.header.compressed);
    let mut at = header.length() as usize;
    let mut groups = Vec::new();
    let mut last = 0;
    while last < 2 {
        let head = Head::decode(*bytes[at..].first_chunk::<HEAD_BYTES>().unwrap()).unwrap();
        let entries = &bytes[at + HEAD_BYTES..at + head.table_bytes(signed)];
        let table = Table::decode(head, entries, signed, compressed).unwrap();
        let length = head.table_bytes(signed) + table.stored_before(head.messages());
        groups.push((at, length, table));
        at += length;
        last += usize::from(head.last);
    }
    groups
}
