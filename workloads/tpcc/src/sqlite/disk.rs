//! Where SQLite's files lie on a volume: a header block, then a fixed stretch for each file.
//!
//! The header, in the first 512 bytes, little-endian: magic 8 | version u32 | 0 u32 | for the database, its write-ahead log
//! and its rollback journal, each: 1 if it is there u64, length u64 | the sum of the numbers before, a wrapping u64. A sector
//! is written whole or not at all, and a length that is too great after a power cut is nothing to SQLite, which knows from
//! checksums how much of a file counts.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sealab_nbd::AnyAlignment;
use sealab_volume::{Volume, VolumeError};

use super::locks::Locks;
use crate::error::TpccError;

const MAGIC: &[u8; 8] = b"SEALABDB";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 512;
/// Files begin at a multiple of this, so that no block has parts of two.
const ALIGNMENT: u64 = 65_536;
/// The most that is set aside for the log and the journal.
const MOST_LOG_BYTES: u64 = 64 << 20;
/// What is kept back of writes that follow each other, as an operating system's cache does.
const MOST_PENDING_BYTES: usize = 1 << 20;
/// A smaller volume holds no database.
const LEAST_BYTES: u64 = 2 << 20;

/// One of a database's files.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum File {
    Database,
    Log,
    Journal,
}

/// Why a file's request was not done.
#[derive(Debug)]
pub(super) enum DiskError {
    /// The file's stretch, or the volume, is full.
    Full,
    /// The volume failed, now or before.
    Volume,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Entry {
    there: bool,
    length: u64,
}

/// A volume with a database's files.
pub(super) struct Disk {
    volume: AnyAlignment,
    block_bytes: u32,
    /// Where each file's stretch begins, and where the last one ends.
    starts: [u64; 4],
    header: Mutex<Header>,
    pending: Mutex<Pending>,
    /// What the volume said when it failed first. What was not written then may be missing for good.
    failure: Mutex<Option<String>>,
    failed: AtomicBool,
    /// Bytes that SQLite has written, whatever blocks they took.
    written: AtomicU64,
    pub(super) locks: Mutex<Locks>,
}

/// What was written last and has not reached the volume yet. SQLite writes a page of its log in two odd pieces; one by one
/// they would change each block several times.
#[derive(Default)]
struct Pending {
    /// Where it begins, on the volume.
    start: u64,
    bytes: Vec<u8>,
}

impl Pending {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    fn touches(&self, start: u64, end: u64) -> bool {
        !self.bytes.is_empty() && self.start < end && start < self.end()
    }
}

#[derive(Default)]
struct Header {
    entries: [Entry; 3],
    /// Whether it is not on the volume yet.
    changed: bool,
}

impl Disk {
    /// Lays out an empty database on `volume`.
    pub(super) fn create(volume: Arc<dyn Volume>) -> Result<Self, TpccError> {
        let disk = Self::on(volume, Header::default())?;
        disk.write_header(&mut disk.header())
            .map_err(|source| TpccError::Volume {
                what: "writing the header of a database",
                source,
            })?;
        Ok(disk)
    }

    /// Finds the database that was laid out on `volume`.
    pub(super) fn open(volume: Arc<dyn Volume>) -> Result<Self, TpccError> {
        let disk = Self::on(volume, Header::default())?;
        let mut bytes = [0; HEADER_BYTES];
        disk.volume
            .read(0, &mut bytes)
            .map_err(|source| TpccError::Volume {
                what: "reading the header of a database",
                source,
            })?;
        disk.header().entries = disk.parsed(&bytes)?;
        Ok(disk)
    }

    fn on(volume: Arc<dyn Volume>, header: Header) -> Result<Self, TpccError> {
        let size = volume.size();
        if size < LEAST_BYTES {
            return Err(TpccError::Small {
                found: size,
                expected: LEAST_BYTES,
            });
        }
        let whole = size - size % ALIGNMENT;
        let log = (whole / 4).min(MOST_LOG_BYTES) / ALIGNMENT * ALIGNMENT;
        let block_bytes = volume.block_size();
        Ok(Self {
            volume: AnyAlignment::new(volume),
            block_bytes,
            starts: [ALIGNMENT, whole - 2 * log, whole - log, whole],
            header: Mutex::new(header),
            pending: Mutex::new(Pending::default()),
            failure: Mutex::new(None),
            failed: AtomicBool::new(false),
            written: AtomicU64::new(0),
            locks: Mutex::new(Locks::default()),
        })
    }

    fn header(&self) -> MutexGuard<'_, Header> {
        self.header.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is pending to the volume.
    fn settle(&self, pending: &mut Pending) -> Result<(), DiskError> {
        if pending.bytes.is_empty() {
            return Ok(());
        }
        self.volume
            .write(pending.start, &pending.bytes)
            .map_err(|error| self.broke(&error))?;
        pending.bytes.clear();
        Ok(())
    }

    fn parsed(&self, bytes: &[u8; HEADER_BYTES]) -> Result<[Entry; 3], TpccError> {
        let wrong = |found: String, expected: &str| TpccError::Header {
            found,
            expected: expected.to_owned(),
        };
        if &bytes[..8] != MAGIC {
            return Err(wrong(
                format!("it begins with {:02x?}", &bytes[..8]),
                "SEALABDB in ASCII",
            ));
        }
        let words: [u64; 8] = std::array::from_fn(|index| {
            let at = 8 + index * 8;
            bytes[at..at + 8]
                .iter()
                .rev()
                .fold(0, |word, byte| word << 8 | u64::from(*byte))
        });
        if words[0] != u64::from(VERSION) {
            return Err(wrong(format!("version {}", words[0]), "version 1"));
        }
        let sum = words[..7].iter().fold(0_u64, |sum, word| sum.wrapping_add(*word));
        if sum != words[7] {
            return Err(wrong(
                format!("the sum {:#x}", words[7]),
                &format!("{sum:#x}, of what is summed"),
            ));
        }
        let mut entries = [Entry::default(); 3];
        for (index, entry) in entries.iter_mut().enumerate() {
            let (there, length) = (words[1 + index * 2], words[2 + index * 2]);
            let room = self.starts[index + 1] - self.starts[index];
            if there > 1 || length > room {
                return Err(wrong(
                    format!("a file of {length} bytes, with the flag {there}"),
                    &format!("at most {room} bytes, and 0 or 1"),
                ));
            }
            *entry = Entry {
                there: there == 1,
                length,
            };
        }
        Ok(entries)
    }

    fn write_header(&self, header: &mut Header) -> Result<(), VolumeError> {
        let mut words = [u64::from(VERSION), 0, 0, 0, 0, 0, 0, 0];
        for (index, entry) in header.entries.iter().enumerate() {
            words[1 + index * 2] = u64::from(entry.there);
            words[2 + index * 2] = entry.length;
        }
        words[7] = words[..7].iter().fold(0_u64, |sum, word| sum.wrapping_add(*word));
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        for (index, word) in words.iter().enumerate() {
            bytes[8 + index * 8..16 + index * 8].copy_from_slice(&word.to_le_bytes());
        }
        self.volume.write(0, &bytes)?;
        header.changed = false;
        Ok(())
    }

    /// Nothing is written any more once something was not, since it might stand for what is missing.
    fn sound(&self) -> Result<(), DiskError> {
        match self.failed.load(Ordering::SeqCst) {
            true => Err(DiskError::Volume),
            false => Ok(()),
        }
    }

    fn broke(&self, error: &VolumeError) -> DiskError {
        self.failed.store(true, Ordering::SeqCst);
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert_with(|| error.to_string());
        match error {
            VolumeError::NoSpace { .. } => DiskError::Full,
            _ => DiskError::Volume,
        }
    }

    /// What the volume said when it failed first.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The bytes of a block of the volume.
    pub(super) fn block_bytes(&self) -> u32 {
        self.block_bytes
    }

    /// Bytes that SQLite has written so far.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    pub(super) fn is_there(&self, file: File) -> bool {
        self.header().entries[file as usize].there
    }

    pub(super) fn length(&self, file: File) -> u64 {
        self.header().entries[file as usize].length
    }

    /// Makes an empty file where there is none.
    pub(super) fn make(&self, file: File) {
        let mut header = self.header();
        let entry = &mut header.entries[file as usize];
        if !entry.there {
            *entry = Entry {
                there: true,
                length: 0,
            };
            header.changed = true;
        }
    }

    /// Removes a file; durable when this returns, since the end of a journal is what commits.
    pub(super) fn remove(&self, file: File) -> Result<(), DiskError> {
        self.sound()?;
        self.settle(&mut self.pending())?;
        let mut header = self.header();
        header.entries[file as usize] = Entry::default();
        self.write_header(&mut header)
            .and_then(|()| self.volume.flush())
            .map_err(|error| self.broke(&error))
    }

    /// Fills `data` with the file's bytes from `offset` on; how many there are before the file's end.
    pub(super) fn read(&self, file: File, offset: u64, data: &mut [u8]) -> Result<usize, DiskError> {
        let there = self.length(file).saturating_sub(offset).min(data.len() as u64) as usize;
        if there > 0 {
            let at = self.starts[file as usize] + offset;
            let mut pending = self.pending();
            if pending.touches(at, at + there as u64) {
                self.settle(&mut pending)?;
            }
            drop(pending);
            // A read that fails changes nothing, so it fails alone.
            self.volume.read(at, &mut data[..there]).map_err(|error| {
                let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert_with(|| error.to_string());
                DiskError::Volume
            })?;
        }
        Ok(there)
    }

    pub(super) fn write(&self, file: File, offset: u64, data: &[u8]) -> Result<(), DiskError> {
        self.sound()?;
        let start = self.starts[file as usize];
        let room = self.starts[file as usize + 1] - start;
        let end = offset.checked_add(data.len() as u64).ok_or(DiskError::Full)?;
        if end > room {
            return Err(DiskError::Full);
        }
        let length = self.length(file);
        let mut pending = self.pending();
        let follows = pending.end() == start + offset && pending.bytes.len() < MOST_PENDING_BYTES;
        if !follows || offset > length {
            self.settle(&mut pending)?;
        }
        if offset > length {
            // What a file was never given reads as zeroes, not as what a longer one held there.
            self.volume
                .write_zeroes(start + length, offset - length, true)
                .map_err(|error| self.broke(&error))?;
        }
        if pending.bytes.is_empty() {
            pending.start = start + offset;
        }
        pending.bytes.extend_from_slice(data);
        drop(pending);
        self.written.fetch_add(data.len() as u64, Ordering::Relaxed);
        let mut header = self.header();
        let entry = &mut header.entries[file as usize];
        if end > entry.length {
            entry.length = end;
            header.changed = true;
        }
        Ok(())
    }

    pub(super) fn truncate(&self, file: File, length: u64) -> Result<(), DiskError> {
        self.sound()?;
        self.settle(&mut self.pending())?;
        let mut header = self.header();
        let entry = &mut header.entries[file as usize];
        if length < entry.length {
            entry.length = length;
            header.changed = true;
        }
        Ok(())
    }

    /// Makes durable what was written to any of the files.
    pub(super) fn sync(&self) -> Result<(), DiskError> {
        self.sound()?;
        self.settle(&mut self.pending())?;
        let mut header = self.header();
        if header.changed {
            self.write_header(&mut header)
                .map_err(|error| self.broke(&error))?;
        }
        drop(header);
        self.volume.flush().map_err(|error| self.broke(&error))
    }
}

#[cfg(test)]
mod tests {
    use sealab_volume::plain::Plain;
    use sealab_volume::store::{MemoryStore, Store};

    use super::*;

    fn volume(block_bytes: u32) -> (Arc<MemoryStore>, Arc<dyn Volume>) {
        let store = Arc::new(MemoryStore::new(4 << 20));
        let volume = Plain::new(store.clone(), block_bytes, false).unwrap();
        (store, Arc::new(volume))
    }

    /// What is written at odd places reads back as in a file, and no file touches another.
    #[test]
    fn files_hold_what_was_written_at_any_place() {
        let (_, volume) = volume(4096);
        let disk = Disk::create(volume).unwrap();
        let mut files = [Vec::new(), Vec::new(), Vec::new()];
        let places = [
            (0, 1),
            (511, 514),
            (4095, 2),
            (24, 4096),
            (9000, 24),
            (12_288, 4096),
            (30_000, 5),
        ];
        for round in 1..4_u8 {
            for (index, (offset, length)) in places.iter().enumerate() {
                for (file, model) in [File::Database, File::Log, File::Journal].iter().zip(&mut files) {
                    let data = vec![round * 50 + index as u8 * 3 + *file as u8; *length];
                    disk.write(*file, *offset as u64, &data).unwrap();
                    if model.len() < offset + length {
                        model.resize(offset + length, 0);
                    }
                    model[*offset..offset + length].copy_from_slice(&data);
                }
            }
        }
        for (file, model) in [File::Database, File::Log, File::Journal].iter().zip(&files) {
            assert_eq!(disk.length(*file), model.len() as u64);
            let mut found = vec![1; model.len() + 10];
            assert_eq!(disk.read(*file, 0, &mut found).unwrap(), model.len());
            assert!(found[..model.len()] == model[..], "{file:?}");
        }
    }

    #[test]
    fn a_gap_reads_as_zeroes_even_where_a_longer_file_was() {
        let (_, volume) = volume(4096);
        let disk = Disk::create(volume).unwrap();
        disk.write(File::Database, 0, &[7; 10_000]).unwrap();
        disk.truncate(File::Database, 100).unwrap();
        disk.write(File::Database, 9000, &[8; 10]).unwrap();
        let mut found = vec![1; 9010];
        assert_eq!(disk.read(File::Database, 0, &mut found).unwrap(), 9010);
        assert!(found[..100].iter().all(|byte| *byte == 7));
        assert!(found[100..9000].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn what_was_synced_is_found_again_and_a_broken_header_is_refused() {
        let (store, volume) = volume(512);
        let disk = Disk::create(volume.clone()).unwrap();
        disk.make(File::Database);
        disk.write(File::Database, 0, b"rows").unwrap();
        disk.make(File::Log);
        disk.sync().unwrap();
        let again = Disk::open(volume.clone()).unwrap();
        assert!(
            again.is_there(File::Database) && again.is_there(File::Log) && !again.is_there(File::Journal)
        );
        assert_eq!(again.length(File::Database), 4);
        again.remove(File::Log).unwrap();
        assert!(!Disk::open(volume.clone()).unwrap().is_there(File::Log));
        // The version, a flag, a length, the sum.
        for at in [0, 8, 16, 24, 64] {
            let mut byte = [0];
            store.read_at(at, &mut byte).unwrap();
            store.write_at(at, &[byte[0] ^ 0x40]).unwrap();
            assert!(
                matches!(Disk::open(volume.clone()), Err(TpccError::Header { .. })),
                "{at}"
            );
            store.write_at(at, &byte).unwrap();
        }
        Disk::open(volume).unwrap();
    }

    /// A page of the log in its two pieces, and the next, are one write; a read sees what is not written yet.
    #[test]
    fn writes_that_follow_each_other_are_one_and_are_seen_at_once() {
        let (_, volume) = volume(4096);
        let counted = Arc::new(crate::CountedVolume::new(volume));
        let disk = Disk::create(counted.clone()).unwrap();
        disk.write(File::Log, 0, &[9; 32]).unwrap();
        disk.sync().unwrap();
        let before = counted.counts();
        let mut offset = 32;
        for page in 1..=3 {
            disk.write(File::Log, offset, &[page; 24]).unwrap();
            disk.write(File::Log, offset + 24, &[page; 4096]).unwrap();
            offset += 4120;
        }
        let mut found = [0; 24];
        assert_eq!((counted.counts() - before).written_bytes, 0);
        disk.read(File::Log, 32 + 4120, &mut found).unwrap();
        assert_eq!(found, [2; 24]);
        // 32 + 3 · 4120 bytes lie in four blocks.
        assert_eq!((counted.counts() - before).written_bytes, 4 * 4096);
        disk.write(File::Log, offset, &[4; 24]).unwrap();
        disk.sync().unwrap();
        assert_eq!((counted.counts() - before).flushes, 1);
        let again = Disk::open(counted).unwrap();
        again.read(File::Log, offset, &mut found).unwrap();
        assert_eq!(found, [4; 24]);
    }

    #[test]
    fn a_full_stretch_takes_no_more_and_hurts_no_other_file() {
        let (_, volume) = volume(4096);
        let disk = Disk::create(volume).unwrap();
        disk.write(File::Journal, 0, &[5; 4096]).unwrap();
        let room = disk.starts[2] - disk.starts[1];
        disk.write(File::Log, room - 4096, &[1; 4096]).unwrap();
        assert!(matches!(
            disk.write(File::Log, room - 1, &[1; 2]),
            Err(DiskError::Full)
        ));
        assert!(matches!(
            disk.write(File::Log, u64::MAX, &[1; 2]),
            Err(DiskError::Full)
        ));
        let mut found = [0; 4096];
        disk.read(File::Journal, 0, &mut found).unwrap();
        assert_eq!(found, [5; 4096]);
    }
}
