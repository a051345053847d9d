//! A volume in its worker: made, held to what was written, looked through for plaintext, then timed.

use std::sync::Arc;

use memchr::memmem;
use sealab_blocks::{Limit, Operation, Pattern, Workload};
use sealab_engine::Engine;
use sealab_record::Traffic;
use sealab_volume::format::{Protection, VolumeFormat};
use sealab_volume::store::{Access, CountingStore, DirectFileStore, FileStore, MemoryStore, Store};
use sealab_volume::{Volume, VolumeError};

use super::{BlockOperation, BlockPattern, BlockWorkload, StoreKind};
use crate::protocol::{PrepareVolume, Prepared, Sample};
use crate::usage::Usage;

/// What is written in one go when the volume is filled.
const PIECE_BYTES: usize = 1 << 20;
/// A canary stands at the beginning of every so many bytes.
const CANARY_EVERY: usize = 4096;
/// The size of a volume that is verified, in bytes.
const VERIFIED_BYTES: u64 = 1 << 20;
/// Bytes of the store that are changed, one at a time, to see whether it is noticed.
const CHANGES: u64 = 16;
/// What a sample may have at most.
const MAX_OPERATIONS: u64 = 1 << 24;

/// Makes a small volume of `format` and holds it to what it must be: what was written comes back, nothing of it stands on
/// the store where the format hides it, and no changed byte passes where the format notices them.
pub(crate) fn verify(engine: &Arc<dyn Engine>, format: &dyn VolumeFormat) -> Result<(), String> {
    let store = Arc::new(MemoryStore::new(format.store_bytes(VERIFIED_BYTES)));
    let owner = format
        .make(engine.clone(), store.clone(), &mut |volume| {
            fill(volume, VERIFIED_BYTES)
        })
        .map_err(|error| format!("making the volume: {error}"))?;
    let open = || {
        let opened = owner.open(engine.clone(), store.clone());
        opened.map_err(|error| format!("opening the volume: {error}"))
    };
    holds(&*open()?, VERIFIED_BYTES)?;
    let protection = format.protection();
    if matches!(
        protection,
        Protection::Confidentiality | Protection::ConfidentialityAndIntegrity
    ) {
        leaks(&*store)?;
    }
    if matches!(
        protection,
        Protection::Integrity | Protection::ConfidentialityAndIntegrity
    ) {
        refuses_changes(&*store, &open, VERIFIED_BYTES)?;
    }
    Ok(())
}

/// A volume that can be timed.
pub(crate) struct VolumeCell {
    volume: Box<dyn Volume>,
    counts: Arc<CountingStore>,
    workload: Workload,
    /// Keeps the file, if there is one.
    _place: Option<tempfile::TempDir>,
}

impl VolumeCell {
    /// Makes the volume, fills it, opens it again, and holds it to what it must be.
    pub(crate) fn new(
        engine: &Arc<dyn Engine>,
        format: &dyn VolumeFormat,
        prepare: &PrepareVolume,
    ) -> Result<(Self, Prepared), String> {
        let bytes = format.store_bytes(prepare.size);
        let (store, place) = make_store(prepare.store, bytes)?;
        let counts = Arc::new(CountingStore::new(store.clone()));
        let owner = format
            .make(engine.clone(), counts.clone(), &mut |volume| {
                fill(volume, prepare.size)
            })
            .map_err(|error| format!("making the volume: {error}"))?;
        let volume = owner
            .open(engine.clone(), counts.clone())
            .map_err(|error| format!("opening the volume: {error}"))?;
        if volume.size() < prepare.size {
            return Err(format!(
                "the volume has {} bytes; {} were asked for",
                volume.size(),
                prepare.size
            ));
        }
        holds(&*volume, prepare.size)?;
        let prepared = Prepared {
            plain_bytes: volume.size(),
            stored_bytes: store.size(),
        };
        let workload = workload(&prepare.workload, prepare.size);
        let mut cell = Self {
            volume,
            counts,
            workload,
            _place: place,
        };
        cell.calibrate(prepare.sample_seconds)?;
        Ok((cell, prepared))
    }

    /// Finds how many requests make a sample of `target` seconds.
    fn calibrate(&mut self, target: f64) -> Result<(), String> {
        let mut operations = 8;
        loop {
            self.workload.limit = Limit::Operations(operations);
            let seconds = self.sample()?.seconds.max(1e-9);
            if seconds >= target / 4.0 || operations >= MAX_OPERATIONS {
                let fitting = (operations as f64 * target / seconds) as u64;
                self.workload.limit = Limit::Operations(fitting.clamp(8, MAX_OPERATIONS));
                return Ok(());
            }
            operations *= 4;
        }
    }

    /// Times one sample.
    pub(crate) fn sample(&mut self) -> Result<Sample, String> {
        // Other places, and other contents, each time.
        self.workload.seed = self.workload.seed.wrapping_add(1);
        let (before, usage) = (self.counts.counts(), Usage::now());
        let (outcome, _) =
            sealab_blocks::run(&self.workload, &*self.volume).map_err(|error| error.to_string())?;
        let usage = Usage::now().since(usage);
        let done = self.counts.counts() - before;
        Ok(Sample {
            bytes: outcome.reads.bytes + outcome.writes.bytes,
            seconds: outcome.elapsed.as_secs_f64(),
            cpu_seconds: usage.cpu_seconds,
            involuntary_switches: usage.involuntary_switches,
            traffic: Some(Traffic {
                user_read: outcome.reads.bytes,
                user_written: outcome.writes.bytes,
                flushes: outcome.flushes.operations,
                store_read: done.read.bytes,
                store_written: done.written.bytes,
                syncs: done.syncs,
            }),
        })
    }
}

fn make_store(kind: StoreKind, bytes: u64) -> Result<(Arc<dyn Store>, Option<tempfile::TempDir>), String> {
    if kind == StoreKind::Memory {
        if crate::machine::available_memory().is_some_and(|there| there < bytes + (256 << 20)) {
            return Err(format!(
                "{bytes} bytes of memory are needed, and are not available"
            ));
        }
        let store = MemoryStore::new(bytes);
        return Ok((Arc::new(store), None));
    }
    let place = tempfile::Builder::new()
        .prefix("sealab-volume-")
        .tempdir()
        .map_err(|error| format!("a folder for the volume: {error}"))?;
    let path = place.path().join("volume");
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let store: Arc<dyn Store> = match kind {
        StoreKind::DirectFile => {
            FileStore::create(&path, bytes).map_err(failed)?;
            Arc::new(DirectFileStore::open(&path, Access::ReadWrite).map_err(failed)?)
        }
        _ => Arc::new(FileStore::create(&path, bytes).map_err(failed)?),
    };
    Ok((store, Some(place)))
}

/// Fills `piece`, which stands at `offset`, with what no other place holds and no cipher makes by chance.
fn content(offset: u64, piece: &mut [u8]) {
    for (index, block) in (0_u64..).zip(piece.chunks_mut(CANARY_EVERY)) {
        let number = offset / CANARY_EVERY as u64 + index;
        let text = format!("sealab volume canary {number:016x} ");
        let text = text.as_bytes();
        for (byte, letter) in block.iter_mut().zip(text.iter().cycle()) {
            *byte = *letter;
        }
    }
}

fn fill(volume: &dyn Volume, size: u64) -> Result<(), VolumeError> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut offset = 0;
    while offset < size {
        let length = PIECE_BYTES.min((size - offset) as usize);
        content(offset, &mut piece[..length]);
        volume.write(offset, &piece[..length])?;
        offset += length as u64;
    }
    Ok(())
}

/// That the volume reads as it was filled.
fn holds(volume: &dyn Volume, size: u64) -> Result<(), String> {
    let (mut piece, mut expected) = (vec![0; PIECE_BYTES], vec![0; PIECE_BYTES]);
    let mut offset = 0;
    while offset < size {
        let length = PIECE_BYTES.min((size - offset) as usize);
        volume
            .read(offset, &mut piece[..length])
            .map_err(|error| format!("reading what was written: {error}"))?;
        content(offset, &mut expected[..length]);
        if let Some(at) = (0..length).find(|at| piece[*at] != expected[*at]) {
            return Err(format!("byte {} came back changed", offset + at as u64));
        }
        offset += length as u64;
    }
    Ok(())
}

/// That nothing of the content stands on the store.
fn leaks(store: &dyn Store) -> Result<(), String> {
    let finder = memmem::Finder::new(b"sealab volume canary");
    let mut piece = vec![0; PIECE_BYTES];
    let mut offset = 0;
    while offset < store.size() {
        let length = PIECE_BYTES.min((store.size() - offset) as usize);
        store
            .read_at(offset, &mut piece[..length])
            .map_err(|error| format!("reading the store: {error}"))?;
        if let Some(at) = finder.find(&piece[..length]) {
            return Err(format!(
                "plaintext stands on the store at byte {}",
                offset + at as u64
            ));
        }
        // A canary across the border is one of the many that each sector holds.
        offset += length as u64;
    }
    Ok(())
}

/// That a changed byte of the store never changes what is read, and that some are noticed.
fn refuses_changes(
    store: &dyn Store,
    open: &dyn Fn() -> Result<Box<dyn Volume>, String>,
    size: u64,
) -> Result<(), String> {
    let mut noticed = 0;
    for index in 0..CHANGES {
        // From the last eighths, where every format has its data.
        let at = store.size() / 2 + (store.size() / 2 - 1) * index / CHANGES;
        let mut byte = [0];
        let io = |error: std::io::Error| format!("changing the store: {error}");
        store.read_at(at, &mut byte).map_err(io)?;
        store.write_at(at, &[byte[0] ^ 1]).map_err(io)?;
        match open().and_then(|volume| holds(&*volume, size)) {
            Err(error) if error.contains("came back changed") => {
                return Err(format!("a changed byte at {at} of the store passed: {error}"));
            }
            Err(_) => noticed += 1,
            Ok(()) => {}
        }
        store.write_at(at, &byte).map_err(io)?;
    }
    if noticed == 0 {
        return Err("no changed byte of the store was noticed".to_owned());
    }
    Ok(())
}

fn workload(asked: &BlockWorkload, size: u64) -> Workload {
    Workload {
        pattern: match asked.pattern {
            BlockPattern::Sequential => Pattern::Sequential,
            BlockPattern::Random => Pattern::Random,
        },
        operation: match asked.operation {
            BlockOperation::Read => Operation::Read,
            BlockOperation::Write => Operation::Write,
            BlockOperation::Mixed => Operation::Mixed {
                read_percent: asked.read_percent,
            },
        },
        // At most 4 MiB.
        block_bytes: asked.block.bytes() as u32,
        depth: asked.depth as usize,
        limit: Limit::Operations(1),
        start: 0,
        span: size,
        flush_every: asked.flush_every,
        seed: 1,
    }
}
